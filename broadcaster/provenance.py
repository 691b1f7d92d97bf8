"""What the log copies in beside a receipt: the airing, the bulletin and the place as they were when it happened."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from broadcaster.areas import areas_on, day_of, lines_of
from broadcaster.arrivals import Arrived
from broadcaster.storage import bulk
from broadcaster.storage.models import (
    Airing,
    AiringReceiver,
    Area,
    Bulletin,
    Campaign,
    Json,
    OrderRecord,
    ProgrammeRecord,
)


class Provenance:
    """For one batch of receipts: read once, then asked for each."""

    def __init__(self, session: Session, arrived: Iterable[Arrived], *, zone: str) -> None:
        pairs = [(each.sender.id, each.receipt.order) for each in arrived]
        self._session = session
        self._zone = zone
        self._names = dict(session.execute(select(Area.id, Area.name)).all())
        self._lines: dict[date, dict[str, tuple[str, ...]]] = {}
        # By order: the airing, the audience, its bulletin's field, its programme's and its campaign's name.
        self._copied: dict[tuple[str, str], dict[str, Any]] = {}
        orders = bulk.listed(session, sorted({(order,) for _, order in pairs}), "id")
        found = session.execute(
            select(OrderRecord.id, Airing, OrderRecord.audience, Bulletin.field, ProgrammeRecord.name, Campaign.name)
            .join_from(orders, OrderRecord, OrderRecord.id == orders.c.id)
            .join(Airing, Airing.id == OrderRecord.airing_id)
            .join(Bulletin, Bulletin.id == Airing.bulletin_id)
            .outerjoin(ProgrammeRecord, ProgrammeRecord.id == Airing.programme_id)
            .outerjoin(Campaign, Campaign.id == Airing.campaign_id)
        )
        self._airings: dict[str, tuple[Airing, Json, str, str | None, str | None]] = {
            order: (airing, audience, topic, programme, campaign)
            for order, airing, audience, topic, programme, campaign in found
        }
        wanted = bulk.listed(
            session,
            sorted({(self._airings[order][0].id, name) for name, order in pairs if order in self._airings}),
            *("airing", "receiver"),
        )
        self._places: dict[tuple[str, str], str] = {
            (airing, receiver): area
            for airing, receiver, area in session.execute(
                select(AiringReceiver.airing_id, AiringReceiver.receiver_id, AiringReceiver.area_id).join_from(
                    wanted,
                    AiringReceiver,
                    and_(AiringReceiver.airing_id == wanted.c.airing, AiringReceiver.receiver_id == wanted.c.receiver),
                )
            )
        }

    def knows(self, order: str) -> bool:
        """Whether this station gave the order."""
        return order in self._airings

    def addressed(self, arrived: Arrived) -> bool:
        """Whether an order that is known was for the receiver: by name when it went out, or because it stands in the audience."""
        airing, audience, *_ = self._airings[arrived.receipt.order]
        name = arrived.sender.id
        if (airing.id, name) in self._places or name in audience["receivers"]:
            return True
        days = {day_of(airing.due_at, self._zone), day_of(arrived.receipt.at, self._zone)}
        return any(not set(audience["areas"]).isdisjoint(self._line(day, arrived.sender.area_id) or ()) for day in days)

    def _line(self, day: date, area: str) -> tuple[str, ...] | None:
        if day not in self._lines:
            self._lines[day] = lines_of(areas_on(self._session, day))
        return self._lines[day].get(area)

    def of(self, arrived: Arrived) -> dict[str, Any]:
        """The columns that are copied; empty where the order is none of this station's."""
        key = (arrived.receipt.order, arrived.sender.id)
        if key not in self._copied:
            found = self._of(arrived)
            if found["airing_id"] is None:  # then the receipt's own day decides
                return found
            self._copied[key] = found
        return self._copied[key]

    def _of(self, arrived: Arrived) -> dict[str, Any]:
        sender, receipt = arrived.sender, arrived.receipt
        airing, _, topic, programme, campaign = self._airings.get(receipt.order, (None, None, None, None, None))
        # Where it stood when it was ordered to play: it may have been re-homed before its receipt arrived.
        area = self._places.get((airing.id, sender.id), sender.area_id) if airing else sender.area_id
        line = self._line(day_of(receipt.at if airing is None else airing.due_at, self._zone), area)
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
            "receiver_kind": sender.kind,
            "drill": True if airing and airing.drill else None,
        }
