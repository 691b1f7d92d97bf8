"""What the station does at a broker's accounts, whichever broker it is.

Accounts are the database's; a broker only holds a copy of them. So every call may be repeated, `synchronise` mends
whatever went wrong before, and nothing is ever read back from a broker but to compare it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # the file of accounts is one of those who implement this port
    from devices.brokers.accounts import Account


class BrokerAccountsError(Exception):
    """The broker did not take the change; the message says why and what to do. It is tried again."""


@dataclass(frozen=True, slots=True)
class Synchronised:
    """What `synchronise` had to do."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()  # no account can be made: the station has only the hash of the secret

    def __bool__(self) -> bool:
        return bool(self.created or self.changed or self.removed)


class BrokerAccounts(Protocol):
    """A broker's accounts and access rules. Methods may be called from any thread. All raise BrokerAccountsError."""

    def synchronise(self, accounts: "Iterable[Account]") -> Synchronised:
        """Make the station's accounts at the broker equal these, exactly; accounts of others are left alone."""

    def set(self, *accounts: "Account") -> None:
        """Add accounts, or give those of the same name these rules and this secret. Who has another one is cut off."""

    def remove(self, *usernames: str) -> None:
        """Take accounts away and cut their connections. It is no error if they are gone."""

    def close(self) -> None:
        """Give back what was opened; the accounts stay."""


class ForeignAccounts:
    """A broker whose administrator makes the accounts: the station changes nothing there."""

    def synchronise(self, accounts: "Iterable[Account]") -> Synchronised:  # noqa: ARG002 - the port's signature
        return Synchronised()

    def set(self, *accounts: "Account") -> None:
        """Nothing."""

    def remove(self, *usernames: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
