"""What needs a one-time code: the form asks for it, and the code that came with the form is looked at."""

from api.auth import AddressDep, StationDep, TokenDep
from broadcaster.errors import BroadcasterError
from broadcaster.people import Actor


def asks_code(actor: Actor, problem: BroadcasterError | None = None) -> bool:
    """Whether the form has to ask for a code."""
    return actor.proved is False or (problem is not None and bool(problem.details.get("proof")))


def proved(station: StationDep, actor: Actor, token: TokenDep, code: str, *, address: AddressDep) -> Actor:
    """The actor, once the code that came with the form is found right; nothing is asked of who has none."""
    if actor.proved is False and code.strip() and token is not None:
        station.log_ins.prove(token, actor, code.strip(), address=address)
        return station.log_ins.recognise(token, address=address)
    return actor
