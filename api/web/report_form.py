"""The form in which people fill in what the station cannot see, and the head and foot of the document."""

import re
from itertools import zip_longest
from typing import Any

from fastapi import Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.web import page as pages
from api.web.fields import Fields, FieldsDep
from broadcaster.errors import BroadcasterError, ConflictError, InvalidError
from broadcaster.people import Actor, Right
from broadcaster.reports.filled import CHANNELS, Filled
from broadcaster.storage.models import Report

router = pages.router()
TEXTS = ("results", "difficulties", "proposals")
HEAD = ("superior", "agency", "number", "sign", "place", "signed_on")
FOOT = ("authority", "position", "signer")
BLANK_ROWS = 2
"""Rows for further channels that stand empty below those that were filled in."""
_NUMBER = re.compile(r"\d+|\d{1,3}([., ]\d{3})+")


def _typed(filled: Filled) -> dict[str, list[str]]:
    """What stands, as it is typed."""
    found: dict[str, list[str]] = {name: [getattr(filled, name)] for name in (*TEXTS, *HEAD, *FOOT, "basis")}
    found["signed_on"] = [filled.signed_on.isoformat() if filled.signed_on else ""]
    for name in CHANNELS:
        number = getattr(filled.channels, name)
        found[name] = ["" if number is None else str(number)]
    found["other_name"] = [other.name for other in filled.others]
    found["other_number"] = [str(other.number) for other in filled.others]
    found["other_unit"] = [other.unit for other in filled.others]
    found["recipients"] = ["\n".join(filled.recipients)]
    return found


def _number(text: str, field: str) -> int | None:
    """1200, 1.200, 1 200: a count. Raises InvalidError."""
    text = text.strip().replace("\u00a0", " ")
    if not text:
        return None
    if not _NUMBER.fullmatch(text) or not text.isascii():
        raise InvalidError(
            f"“{text}” không phải là số đếm. Chỉ nhập chữ số, ví dụ 1200; để trống nếu không có số liệu.",
            f"“{text}” is no count. Enter digits only, such as 1200; leave it empty if it is not known.",
            field=field,
        )
    return int(re.sub(r"\D", "", text))


def _filled(fields: Fields) -> Filled:
    """Raises InvalidError, with the field."""
    others: list[dict[str, Any]] = []
    rows = zip_longest(fields.all("other_name"), fields.all("other_number"), fields.all("other_unit"), fillvalue="")
    for index, (name, number, unit) in enumerate(rows):
        counted = _number(number, f"other_number_{index}")
        if not name.strip() and counted is None and not unit.strip():
            continue
        if not name.strip() or counted is None:
            raise InvalidError(
                "Kênh khác cần có tên và số lượng.",
                "Another channel needs its name and a number.",
                field=f"other_{'number' if name.strip() else 'name'}_{index}",
            )
        others.append({"name": name, "number": counted, "unit": unit})
    try:
        return Filled.model_validate(
            {
                **{name: fields.one(name).replace("\r\n", "\n") for name in (*TEXTS, *HEAD, *FOOT, "basis")},
                "signed_on": fields.one("signed_on") or None,
                "channels": {name: _number(fields.one(name), name) for name in CHANNELS},
                "others": others,
                "recipients": [line for line in fields.one("recipients").splitlines() if line.strip()],
            }
        )
    except ValidationError as error:
        where = [str(part) for part in error.errors()[0]["loc"]]
        field = where[1] if where[0] == "channels" else where[0]
        raise InvalidError(
            "Một mục quá dài, quá lớn hoặc không đúng. Sửa mục được đánh dấu rồi lưu lại.",
            f"An entry is too long, too large or wrong ({error.errors()[0]['msg']}). Correct the marked one and save again.",
            field=field,
        ) from error


@router.get("/reports/{report_id}/form")
def form(request: Request, station: StationDep, actor: ActorDep, report_id: str) -> Response:
    """What stands, to be changed."""
    actor.need(Right.EDIT)
    row = station.reports.read(actor, report_id)
    actor.need(Right.EDIT, row.area_id)
    if row.state == "submitted":
        return RedirectResponse(f"/reports/{report_id}", 303)
    return _form(request, actor, row, Fields(_typed(Filled.model_validate(row.filled))), revision=row.revision)


@router.post("/reports/{report_id}/form")
def save(request: Request, station: StationDep, actor: ActorDep, report_id: str, fields: FieldsDep) -> Response:
    """Save it."""
    actor.need(Right.EDIT)
    try:
        station.reports.fill(actor, report_id, _filled(fields), revision=fields.number("revision"))
    except ConflictError as error:
        # What was typed stays: with the revision that stands now, sending it again replaces what the other one wrote.
        row = station.reports.read(actor, report_id)
        return _form(request, actor, row, fields, revision=row.revision, problem=error)
    except InvalidError as error:
        row = station.reports.read(actor, report_id)
        return _form(request, actor, row, fields, revision=fields.number("revision"), problem=error)
    return RedirectResponse(f"/reports/{report_id}?done=report_filled", 303)


def _form(
    request: Request,
    actor: Actor,
    row: Report,
    fields: Fields,
    *,
    revision: int,
    problem: BroadcasterError | None = None,
) -> Response:
    names, numbers, units = (fields.all(f"other_{part}") for part in ("name", "number", "unit"))
    rows = [*zip_longest(names, numbers, units, fillvalue="")]
    rows = [each for each in rows if any(each)] if problem is None else rows
    return pages.page(
        request,
        "report_form.html",
        actor=actor,
        problem=problem,
        row=row,
        fields=fields,
        revision=revision,
        channels=CHANNELS,
        others=[*rows, *[("", "", "")] * (BLANK_ROWS if problem is None else 0)],
        texts=TEXTS,
        head=HEAD,
        foot=FOOT,
    )
