"""Where a receiver stands: its configuration with the limits that it sets, and the output that goes with it."""

from datetime import datetime
from zoneinfo import ZoneInfo

from devices.receiver.outputs import Output
from devices.wire import topics
from devices.wire.areas import Rehoming, Rehomings, line_at
from devices.wire.messages import Audience, Configuration, Order


class Place:
    """Where the receiver stands: its configuration and the output that goes with it."""

    def __init__(self, station: str, receiver: str) -> None:
        self.station = station
        self.receiver = receiver
        self.configuration: Configuration | None = None
        self.output: Output | None = None
        self.rehomings: dict[str, Rehomings] = {}  # by the area on whose topic they stand

    @property
    def areas(self) -> tuple[str, ...]:
        """Every area of its configuration's line and of those that re-homing gives it; empty before the first configuration."""
        if self.configuration is None:
            return ()
        instants = sorted({rehoming.at for rehoming in self._told()})
        lines = (self.configuration.areas, *(self.line(at) for at in instants))
        return tuple(dict.fromkeys(area for line in lines for area in line))

    def line(self, at: datetime) -> tuple[str, ...]:
        """Its line of areas at an instant, root first; empty before the first configuration."""
        return () if self.configuration is None else line_at(self.configuration.areas, self._told(), at)

    def addressed(self, audience: Audience, at: datetime | None = None) -> bool:
        """Whether an audience includes this receiver at an instant, such as an order's; without one, in any of its places."""
        return self.configuration is not None and audience.includes(
            receiver=self.receiver,
            kind=self.configuration.kind,
            areas=self.areas if at is None else self.line(at),
        )

    def filters(self) -> set[str]:
        """What it has to subscribe to for the areas in which it stands and will stand."""
        return {
            f
            for area in self.areas
            for f in (topics.area_order(area, "+"), topics.area_stop(area, "+"), topics.area_rehomings(area))
        }

    def _told(self) -> list[Rehoming]:
        return [rehoming for document in self.rehomings.values() for rehoming in document.rehomings]

    def quiet(self, order: Order, at: datetime) -> bool:
        """Whether the order may not be heard at this instant: quiet hours hold for all that sounds but emergencies."""
        configuration = self.configuration
        if configuration is None or configuration.kind != "loudspeaker" or order.is_drill:
            return False
        if order.priority == "emergency":
            return False
        local = at.astimezone(ZoneInfo(configuration.zone))
        return any(hours.includes(local) for hours in configuration.quiet_hours)

    def gain_db(self, order: Order, at: datetime) -> float:
        """The gain to play the order with: its own, or the lowest ceiling of this hour."""
        configuration = self.configuration
        if configuration is None:
            return order.gain_db
        local = at.astimezone(ZoneInfo(configuration.zone))
        ceilings = [
            ceiling.gain_db
            for ceiling in configuration.gain_ceilings
            if ceiling.includes(local) and (ceiling.emergencies or order.priority != "emergency")
        ]
        return min([order.gain_db, *ceilings])
