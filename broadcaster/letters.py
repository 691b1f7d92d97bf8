"""Vietnamese letters without their marks."""

import unicodedata

from audio.script import nfc


def plain(text: str) -> str:
    """Without diacritics and capitals, as people type into a search box: thon dong finds Thôn Đông."""
    apart = unicodedata.normalize("NFD", nfc(text).lower().replace("đ", "d"))
    return " ".join("".join(char for char in apart if not unicodedata.combining(char)).split())
