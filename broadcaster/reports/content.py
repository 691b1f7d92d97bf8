"""What a report's document says, in the words and the order of official documents; the same for Word and for PDF."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.reports.desk import View
from broadcaster.reports.figures import Part, Tally
from broadcaster.reports.filled import CHANNELS, Channels, Filled, Other, sum_of

_PREFIXES = ("xã ", "phường ", "đặc khu ", "thị trấn ", "tỉnh ", "thành phố ", "thôn ")
OUTCOMES = {
    "finished": "Phát trọn vẹn",
    "interrupted": "Bị ngắt giữa chừng",
    "failed": "Thiết bị hỏng khi phát",
    "missed": "Lỡ giờ phát",
    "cancelled": "Đã hủy trước khi phát",
    "refused": "Thiết bị từ chối lệnh",
    "started": "Đã bắt đầu, chưa xác nhận kết thúc",
    "ready": "Đã tải xong, chưa xác nhận phát",
    "received": "Đã nhận lệnh, chưa tải xong",
}
_NAME = 22
"""Letters of a unit's name that surely stand in one line of the document's head."""
_ROMAN = ("I", "II", "III", "IV")
Row = dict[str, str]


def content(view: View, *, now: datetime, zone: str) -> dict[str, Any]:
    """All that a template may use: strings, and rows of strings (docs/how-to/report.md lists them)."""
    filled, total = view.filled, view.figures.total
    area = view.area.name if view.area is not None else ""
    agency = filled.agency or f"Ủy ban nhân dân {area[:1].lower()}{area[1:]}".strip()
    subject = (
        f"Kết quả tuyên truyền “{view.campaign}” trên hệ thống truyền thanh cơ sở"
        if view.campaign
        else "Kết quả hoạt động của hệ thống truyền thanh cơ sở"
    )
    names = {part.key: view.areas.get(part.key, part.key) for part in view.figures.by_area}
    if view.scope.area in names:
        names[view.scope.area] = "Thiết bị đặt tại trung tâm"
    local = now.astimezone(ZoneInfo(zone))
    chapters = {
        "air": True,
        "others": True,
        "assessment": bool(filled.results or filled.difficulties),
        "proposals": bool(filled.proposals),
    }
    numbered = iter(_ROMAN)
    tables = {
        "groups": _parts(view.figures.by_group, {}, none="Không thuộc nhóm nào"),
        "programmes": _parts(view.figures.by_programme, {}, none="Ngoài chuyên mục"),
        "areas": _parts(view.figures.by_area, names),
        "months": _parts(
            view.figures.by_month, {p.key: f"Tháng {p.key[5:]}/{p.key[:4]}" for p in view.figures.by_month}
        ),
    }
    filled_tables = [name for name, rows in tables.items() if rows]
    return {
        "superior": _whole_name(filled.superior.upper()),
        "agency": _whole_name(agency.upper()),
        "number": f"Số: {filled.number or '      '}/{filled.sign}",
        "place_date": f"{filled.place or _place(area)}, {_day(filled.signed_on, local.year)}",
        "subject": subject,
        "intro": _intro(filled, agency=agency, scope=(view.scope.starts_on, view.scope.ends_on)),
        "chapter": {name: next(numbered) if there else "" for name, there in chapters.items()},
        "overview": [
            _row("Bản tin đã phát", count(total.bulletins), "bản tin"),
            _row("Lượt phát", count(total.airings), "lượt"),
            _row("Tổng thời lượng phát sóng", length(total.airtime_ms)),
            _row("Thiết bị xác nhận đã phát", count(total.receivers), _kinds(total)),
            _row("Tổng thời lượng phát trên các thiết bị", length(total.played_ms)),
            _row("Lượt phát chưa thiết bị nào xác nhận phát trọn vẹn", count(total.unproved), "lượt"),
        ],
        "outcomes": [
            _row(name, count(total.outcomes[state]), "lượt thiết bị")
            for state, name in OUTCOMES.items()
            if state in total.outcomes
        ],
        **tables,
        "numbers": {name: str(number) for number, name in enumerate(filled_tables, 2)},
        "channels": _channels(filled.channels, filled.others),
        "below": [_row(each.area, "Đã nộp" if each.state == "submitted" else "Chưa nộp") for each in view.below],
        "below_channels": _channels(*sum_of(each.filled for each in view.below if each.filled is not None)),
        "results": _paragraphs(filled.results),
        "difficulties": _paragraphs(filled.difficulties),
        "proposals": _paragraphs(filled.proposals),
        "proof": (
            f"Số liệu lập lúc {local:%H} giờ {local:%M} phút ngày {local:%d/%m/%Y} từ nhật ký phát sóng đến dòng "
            f"{count(view.figures.log_rows)}, mã băm {view.figures.log_hash or 'chưa có'}. Thiết bị không gửi xác nhận "
            "không được tính."
        ),
        "closing": f"Trên đây là báo cáo của {agency[:1]}{agency[1:]}./.",
        "recipients": [*(f"- {each.rstrip('.;')};" for each in filled.recipients), "- Lưu: VT."],
        "authority": filled.authority.upper(),
        "position": filled.position.upper(),
        "signer": filled.signer,
    }


def count(number: int) -> str:
    """With points between thousands, as Vietnamese has it."""
    return f"{number:,}".replace(",", ".")


def length(milliseconds: int) -> str:
    """In hours, minutes and whole seconds."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count(hours)} giờ"] if hours else []
    return " ".join([*parts, *([f"{minutes:02} phút"] if hours or minutes else []), f"{seconds:02} giây"])


def _row(name: str, value: str, unit: str = "") -> Row:
    return {"name": name, "value": value, "unit": unit}


def _parts(parts: Iterable[Part], names: dict[str, str], *, none: str = "") -> list[Row]:
    return [
        {
            "name": names.get(part.key, part.key) or none,
            "bulletins": count(part.tally.bulletins),
            "airings": count(part.tally.airings),
            "airtime": length(part.tally.airtime_ms),
            "receivers": count(part.tally.receivers),
        }
        for part in sorted(parts, key=lambda part: (not part.key, names.get(part.key, part.key)))
    ]


def _channels(channels: Channels, others: Iterable[Other]) -> list[Row]:
    stated = [
        _row(name, count(number), unit)
        for key, (name, unit) in CHANNELS.items()
        if (number := getattr(channels, key)) is not None
    ]
    return stated + [_row(other.name, count(other.number), other.unit) for other in others]


def _kinds(total: Tally) -> str:
    kinds = [(total.loudspeakers, "cụm loa"), (total.screens, "màn hình LED")]
    named = ", ".join(f"{count(number)} {kind}" for number, kind in kinds if number)
    return named or "thiết bị"


def _paragraphs(text: str) -> list[str]:
    return [line for each in text.splitlines() if (line := each.strip())]


def _intro(filled: Filled, *, agency: str, scope: tuple[date, date]) -> list[str]:
    period = f"từ ngày {scope[0]:%d/%m/%Y} đến ngày {scope[1]:%d/%m/%Y}"
    report = f"{agency[:1].upper()}{agency[1:]} báo cáo kết quả {period} như sau:"
    *before, last = _paragraphs(filled.basis) or [""]
    return [*before, f"{last.rstrip('.,;')}, {report}" if last else report]


def _whole_name(agency: str) -> str:
    """So that no line breaks within the name of the unit: ỦY BAN NHÂN DÂN / XÃ TÂN PHONG."""
    at = max(agency.rfind(f" {prefix.upper()}") for prefix in _PREFIXES)
    return agency if at < 0 or len(agency) - at > _NAME else agency[: at + 1] + agency[at + 1 :].replace(" ", "\u00a0")


def _place(area: str) -> str:
    prefix = next((each for each in _PREFIXES if area.lower().startswith(each)), "")
    return area[len(prefix) :]


def _day(day: date | None, year: int) -> str:
    """Nghị định 30/2020, Phụ lục I: days below 10 and the months January and February with a leading nought."""
    if day is None:
        return f"ngày      tháng      năm {year}"
    month = f"{day.month:02}" if day.month < 3 else str(day.month)
    return f"ngày {day.day:02} tháng {month} năm {day.year}"
