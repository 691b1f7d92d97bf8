"""What the log copies in beside a receipt: the airing, the bulletin and the place as they were when it happened."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from broadcaster.areas import areas_on, day_of, lines_of
from broadcaster.storage.models import (
    Airing,
    AiringReceiver,
    Area,
    Bulletin,
    Campaign,
    OrderRecord,
    ProgrammeRecord,
    Receiver,
)
from devices.wire.messages import Receipt

_AT_ONCE = 400


class Provenance:
    """For one batch of receipts: read once, then asked for each."""

    def __init__(self, session: Session, arrived: Iterable[tuple[Receiver, Receipt]], *, zone: str) -> None:
        pairs = list(arrived)
        self._session = session
        self._zone = zone
        self._names = dict(session.execute(select(Area.id, Area.name)).all())
        self._lines: dict[date, dict[str, tuple[str, ...]]] = {}
        # By order: the airing, its bulletin's field, its programme's and its campaign's name.
        self._airings: dict[str, tuple[Airing, str, str | None, str | None]] = {}
        orders = sorted({receipt.order for _, receipt in pairs})
        for start in range(0, len(orders), _AT_ONCE):
            found = session.execute(
                select(OrderRecord.id, Airing, Bulletin.field, ProgrammeRecord.name, Campaign.name)
                .join(Airing, Airing.id == OrderRecord.airing_id)
                .join(Bulletin, Bulletin.id == Airing.bulletin_id)
                .outerjoin(ProgrammeRecord, ProgrammeRecord.id == Airing.programme_id)
                .outerjoin(Campaign, Campaign.id == Airing.campaign_id)
                .where(OrderRecord.id.in_(orders[start : start + _AT_ONCE]))
            )
            self._airings |= {
                order: (airing, topic, programme, campaign) for order, airing, topic, programme, campaign in found
            }
        wanted = sorted(
            {(self._airings[receipt.order][0].id, row.id) for row, receipt in pairs if receipt.order in self._airings}
        )
        self._places: dict[tuple[str, str], str] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            self._places |= {
                (airing, receiver): area
                for airing, receiver, area in session.execute(
                    select(AiringReceiver.airing_id, AiringReceiver.receiver_id, AiringReceiver.area_id).where(
                        tuple_(AiringReceiver.airing_id, AiringReceiver.receiver_id).in_(
                            wanted[start : start + _AT_ONCE]
                        )
                    )
                )
            }

    def of(self, receiver: Receiver, receipt: Receipt) -> dict[str, Any]:
        """The columns that are copied; empty where the order is none of this station's."""
        airing, topic, programme, campaign = self._airings.get(receipt.order, (None, None, None, None))
        # Where it stood when it was ordered to play: it may have been re-homed before its receipt arrived.
        area = self._places.get((airing.id, receiver.id), receiver.area_id) if airing else receiver.area_id
        day = day_of(receipt.at if airing is None else airing.due_at, self._zone)
        if day not in self._lines:
            self._lines[day] = lines_of(areas_on(self._session, day))
        line = self._lines[day].get(area)
        return {
            "area_id": area,
            "area_name": self._names[area],
            "area_line": None if line is None else list(line),
            "airing_id": airing.id if airing else None,
            "due_at": airing.due_at if airing else None,
            "bulletin_id": airing.bulletin_id if airing else None,
            "bulletin_title": airing.title if airing else None,
            "field": topic,
            "priority": airing.priority if airing else None,
            "clip_sha256": airing.clip_sha256 if airing else None,
            "duration_ms": airing.duration_ms if airing else None,
            "programme": programme,
            "campaign": campaign,
            "programme_id": airing.programme_id if airing else None,
            "campaign_id": airing.campaign_id if airing else None,
            "content_group": airing.content_group if airing else None,
            "receiver_kind": receiver.kind,
            "drill": True if airing and airing.drill else None,
        }
