"""Cases with instants: one at a time, and again with more time where a message came too late for anything to be judged by it.

How long an order takes to a receiver is a matter of its line and of the machines, and nothing that the protocol limits. What
a case publishes for an instant may therefore arrive after that instant, and then says nothing about the receiver.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.conformance.rig import NotSeenError, Rig, now
from devices.wire.messages import Order, ReceiptState

ATTEMPTS = 5
_NOT_YET = {ReceiptState.RECEIVED, ReceiptState.READY, ReceiptState.STARTED}


class MootError(Exception):
    """This attempt came too late to judge the receiver by; the message says what did, `orders` what it left behind."""

    def __init__(self, message: str, *orders: Order) -> None:
        super().__init__(message)
        self.orders = orders


@dataclass(frozen=True, slots=True)
class Attempt:
    """One of the attempts at a case, with the instant at which it begins."""

    number: int
    at: datetime

    def name(self, base: str) -> str:
        """An order's name in this attempt."""
        return base if self.number == 1 else f"{base}-{self.number}"


def in_time(rig: Rig, procedure: Callable[[Attempt], None]) -> None:
    """Run a procedure until its messages are in time, with twice the lead after each attempt that was not.

    Meanwhile the receiver's output is for this case alone. Raises NotSeenError, CaseOverError.
    """
    reason = ""
    with rig.stage:
        for number in range(ATTEMPTS):
            try:
                procedure(Attempt(number + 1, now() + timedelta(seconds=rig.lead_s * 2**number)))
            except MootError as error:
                reason = str(error)
                _clear(rig, error.orders)
            else:
                return
    raise NotSeenError(f"tried {ATTEMPTS} times, the last with {rig.lead_s * 2 ** (ATTEMPTS - 1):.0f} s: {reason}")


def _clear(rig: Rig, orders: tuple[Order, ...]) -> None:
    """Take back what an attempt left behind, and wait until the receiver is done with it."""
    for order in orders:
        rig.cancel(order, order.revision + 1)
    for order in orders:
        with suppress(NotSeenError):
            rig.wait(
                lambda name=order.id: any(r.state not in _NOT_YET for r in rig.receipts(name)),  # type: ignore[misc]  # bound now
                "",
                rig.patience_s,
                while_told=True,
            )


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
            raise MootError(f"{order.id} was not ready before the instant of the first order", *orders)
