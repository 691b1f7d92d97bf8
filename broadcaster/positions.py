"""Where something stands on the earth: WGS 84, in degrees."""

import re
from dataclasses import dataclass

from broadcaster.errors import InvalidError

_PAIR = re.compile(r"\(?\s*(-?\d{1,3}(?:[.]\d+)?)\s*°?\s*[,; ]\s*(-?\d{1,3}(?:[.]\d+)?)\s*°?\s*\)?")


@dataclass(frozen=True, slots=True)
class Position:
    """Latitude and longitude, rounded to 0.1 m."""

    latitude: float
    longitude: float

    @classmethod
    def read(cls, text: str) -> "Position":
        """As phones and map services copy it: 20.94012, 106.33301. Raises InvalidError."""
        found = _PAIR.fullmatch(text.strip())
        latitude, longitude = (float(found[1]), float(found[2])) if found else (999.0, 999.0)
        if abs(latitude) > 90 or abs(longitude) > 180:
            raise InvalidError(
                "Tọa độ gồm vĩ độ rồi kinh độ, ví dụ 20.94012, 106.33301. Chép từ ứng dụng bản đồ trên điện thoại.",
                "Coordinates are latitude, then longitude, such as 20.94012, 106.33301. Copy them from a map on a phone.",
                field="position",
            )
        return cls(round(latitude, 6), round(longitude, 6))

    def __str__(self) -> str:
        return f"{self.latitude}, {self.longitude}"
