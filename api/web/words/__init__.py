"""The words of the pages, in Vietnamese and English: a file a page, `common` for what several say.

A word with a figure in it is written for Jinja's `format` filter: `{{ w.confirmed_of | format(ready=39, all=40) }}`.
"""

from functools import cache

from api.problems import Language
from api.web.words import airing, common, enrolments, login, navigation, operations, welcome

_PAGES = (common, navigation, login, operations, airing, enrolments, welcome)


@cache
def words(tongue: Language) -> dict[str, str]:
    """All words in one language. Raises ValueError where two pages give the same name."""
    found: dict[str, str] = {}
    for page in _PAGES:
        for name, (vi, en) in page.WORDS.items():
            if name in found:
                raise ValueError(f"the word {name!r} stands twice")
            found[name] = en if tongue == "en" else vi
    return found
