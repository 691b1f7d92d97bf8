"""Targets: where something is to be heard and seen, resolved to receivers."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.areas import line
from broadcaster.storage.models import Area, Receiver
from devices.wire.messages import Audience, Identifier, Kind


class Targets(BaseModel):
    """Areas (with all that is under them) and single receivers, minus exclusions, of some kinds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    areas: tuple[Identifier, ...] = ()
    receivers: tuple[Identifier, ...] = ()
    excluded: tuple[Identifier, ...] = ()
    kinds: tuple[Kind, ...] = ("loudspeaker", "screen")

    @model_validator(mode="after")
    def _somewhere(self) -> "Targets":
        if not self.areas and not self.receivers:
            raise ValueError("name at least one area or receiver")
        return self

    def audience(self) -> Audience:
        """The same, as an order carries it."""
        return Audience(areas=self.areas, receivers=self.receivers, excluded=self.excluded, kinds=self.kinds)


def resolve(session: Session, areas: dict[str, Area], targets: Targets) -> list[Receiver]:
    """The receivers in service that `targets` addresses, by id."""
    audience = targets.audience()
    receivers: Iterable[Receiver] = session.scalars(
        select(Receiver).where(Receiver.revoked_at.is_(None)).order_by(Receiver.id)
    )
    return [
        receiver
        for receiver in receivers
        if receiver.area_id in areas
        and audience.includes(
            receiver=receiver.id,
            kind="screen" if receiver.kind == "screen" else "loudspeaker",
            areas=line(areas, receiver.area_id),
        )
    ]
