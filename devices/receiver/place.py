"""Where a receiver stands: its configuration, and the output that goes with it."""

from devices.receiver.outputs import Output
from devices.wire.messages import Audience, Configuration


class Place:
    """Where the receiver stands: its configuration and the output that goes with it."""

    def __init__(self, station: str, receiver: str) -> None:
        self.station = station
        self.receiver = receiver
        self.configuration: Configuration | None = None
        self.output: Output | None = None

    @property
    def areas(self) -> tuple[str, ...]:
        """Its line of areas, root first; empty before the first configuration."""
        return self.configuration.areas if self.configuration else ()

    def addressed(self, audience: Audience) -> bool:
        """Whether an audience includes this receiver."""
        return self.configuration is not None and audience.includes(
            receiver=self.receiver, kind=self.configuration.kind, areas=self.areas
        )
