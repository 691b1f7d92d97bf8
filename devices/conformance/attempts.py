"""Cases with instants are tried again, with more time, where a message came too late for anything to be judged by it.

How long an order takes to a receiver is a matter of its line and of the machines, and nothing that the protocol limits. What
a case publishes for an instant may therefore arrive after that instant, and then says nothing about the receiver.
"""

from collections.abc import Callable
from dataclasses import dataclass

from devices.conformance.rig import NotSeenError, Rig
from devices.wire.messages import Order, ReceiptState

ATTEMPTS = 5


class MootError(Exception):
    """This attempt came too late to judge the receiver by; the message says what did."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of the attempts at a case."""

    number: int
    lead_s: float

    def name(self, base: str) -> str:
        """An order's name in this attempt."""
        return base if self.number == 1 else f"{base}-{self.number}"


def in_time(rig: Rig, procedure: Callable[[Attempt], None]) -> None:
    """Run a procedure until its messages are in time, with twice the lead after each attempt that was not.

    Raises NotSeenError, CaseOverError.
    """
    reason = ""
    for number in range(ATTEMPTS):
        try:
            procedure(Attempt(number + 1, rig.lead_s * 2**number))
        except MootError as error:
            reason = str(error)
        else:
            return
    raise NotSeenError(f"tried {ATTEMPTS} times, the last with {rig.lead_s * 2 ** (ATTEMPTS - 1):.0f} s: {reason}")


def held(rig: Rig, *orders: Order) -> None:
    """Return when the receiver has all of them ready. Raises MootError where that was not before the first instant."""
    first = min(order.play_at for order in orders)
    for order in orders:
        rig.wait(
            lambda name=order.id: any(r.state != ReceiptState.RECEIVED for r in rig.receipts(name)),  # type: ignore[misc]  # bound now
            f"no ready came in time; {rig.says(order.id)}",
            rig.patience_s,
            while_told=True,
        )
        ready = next((t for t in rig.told if (t.receipt.order, t.receipt.state) == (order.id, "ready")), None)
        if ready is None or ready.at > first:
            for one in orders:
                rig.cancel(one, one.revision + 1)
            raise MootError(f"{order.id} was not ready before the instant of the first order")
