"""Pictures for cards: PNG or JPEG, within bounds, and whole."""

import io
import warnings

from PIL import Image

from devices.cards.layout import CardError

MAX_BYTES = 4 * 1024 * 1024
MAX_SIDE = 4096
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}


def read(data: bytes) -> Image.Image:
    """The picture in RGB. Raises CardError for anything else than a whole PNG or JPEG within the bounds.

    Its size is known before a pixel is decoded, so that a small file cannot fill the memory.
    """
    if len(data) > MAX_BYTES:
        raise CardError(
            f"Tệp hình {len(data) // 1024} KB quá lớn, tối đa {MAX_BYTES // 1024} KB. Hãy giảm kích thước.",
            f"The picture has {len(data) // 1024} KiB, at most {MAX_BYTES // 1024}. Make it smaller.",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            found = Image.open(io.BytesIO(data), formats=tuple(MEDIA_TYPES))
            if max(found.size) > MAX_SIDE:
                raise CardError(
                    f"Hình {found.width} × {found.height} điểm ảnh quá lớn, tối đa {MAX_SIDE} mỗi chiều.",
                    f"The picture has {found.width} x {found.height} pixels, at most {MAX_SIDE} a side.",
                )
            return _flat(found)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise CardError(
            "Tệp không phải hình PNG hoặc JPEG hoàn chỉnh. Hãy chọn tệp khác.",
            f"This is no whole PNG or JPEG ({error}). Choose another file.",
        ) from error


def media_type(data: bytes) -> str:
    """Of a picture that can be read. Raises CardError."""
    read(data)
    return MEDIA_TYPES["PNG" if data.startswith(b"\x89PNG") else "JPEG"]


def _flat(found: Image.Image) -> Image.Image:
    """On black, as an LED panel shows what is transparent."""
    found.load()
    if found.mode in {"RGBA", "LA", "P", "PA"}:
        ground = Image.new("RGBA", found.size, "black")
        return Image.alpha_composite(ground, found.convert("RGBA")).convert("RGB")
    return found.convert("RGB")
