"""Accounts of a broker and what each may read and write.

A secret is 256 random bits, so that a plain SHA-256 of it is enough: a slow hash protects guessable passwords, and
what cannot be guessed in the age of the universe needs no slowing. It also lets thousands reconnect at once.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from devices.brokers.port import BrokerAccountsError, Synchronised
from devices.files import write_private
from devices.wire import topics
from devices.wire.messages import Identifier, Sha256, Value


class AccountsFileError(BrokerAccountsError):
    """The file of accounts cannot be read; the message says why and what to do."""


class Account(Value):
    """Who may connect, and the topic filters that the account may publish to and subscribe to.

    The account's name is also the only MQTT client id that it may use, alone or followed by `~` and a suffix: so
    nobody can throw another's session out by taking its id.
    """

    username: Identifier
    secret_sha256: Sha256
    secret: Annotated[str | None, Field(exclude=True, repr=False)] = None  # where known: for brokers that hash it anew
    publish: Annotated[tuple[str, ...], Field(max_length=200)]
    subscribe: Annotated[tuple[str, ...], Field(max_length=200)]

    def stored(self) -> "Account":
        """The same without its secret: what may be kept."""
        return self if self.secret is None else self.model_copy(update={"secret": None})

    def admits(self, secret: str, client_id: str) -> bool:
        """Whether this secret and client id open the account."""
        if client_id != self.username and not client_id.startswith(f"{self.username}~"):
            return False
        return hmac.compare_digest(hash_secret(secret), self.secret_sha256)

    def may_publish(self, topic: str) -> bool:
        """Whether the account may publish to this topic."""
        return any(matches(allowed, topic) for allowed in self.publish)

    def may_subscribe(self, filter_: str) -> bool:
        """Whether everything that this filter can match may be read."""
        return any(covers(allowed, filter_) for allowed in self.subscribe)

    def may_read(self, topic: str) -> bool:
        """Whether a message on this topic may be delivered."""
        return any(matches(allowed, topic) for allowed in self.subscribe)


def new_secret() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def station_account(secret: str, *, username: str = "station") -> Account:
    """The server's account: writes what stations write, reads what receivers write."""
    return Account(
        username=username,
        secret_sha256=hash_secret(secret),
        secret=secret,
        publish=(
            topics.area_order("+", "+"),
            topics.area_rehomings("+"),
            topics.receiver_order("+", "+"),
            topics.area_stop("+", "+"),
            topics.receiver_stop("+", "+"),
            topics.of_receiver("+", "configuration"),
            topics.of_receiver("+", "acknowledgements"),
            topics.of_receiver("+", "clock-answers"),
            topics.of_receiver("+", "wipe"),
            topics.keys("+"),
        ),
        subscribe=(
            topics.of_receiver("+", "clock-probes"),
            topics.of_receiver("+", "receipts"),
            topics.of_receiver("+", "presence"),
            topics.of_receiver("+", "health"),
            topics.of_receiver("+", "wiped"),
        ),
    )


def receiver_account(receiver: str, areas: tuple[str, ...], secret: str) -> Account:
    """A receiver reads its line of areas' orders and stops and what is sent to itself; it writes only about itself.

    How areas are re-homed may be read by all: an account must not have to change before its receiver can learn of it.
    """
    return Account(
        username=receiver,
        secret_sha256=hash_secret(secret),
        secret=secret,
        publish=(
            topics.of_receiver(receiver, "clock-probes"),
            topics.of_receiver(receiver, "receipts"),
            topics.of_receiver(receiver, "presence"),
            topics.of_receiver(receiver, "health"),
            topics.of_receiver(receiver, "wiped"),
        ),
        subscribe=(
            *(topics.area_order(area, "+") for area in areas),
            topics.area_rehomings("+"),
            *(topics.area_stop(area, "+") for area in areas),
            topics.receiver_order(receiver, "+"),
            topics.receiver_stop(receiver, "+"),
            topics.of_receiver(receiver, "configuration"),
            topics.of_receiver(receiver, "acknowledgements"),
            topics.of_receiver(receiver, "clock-answers"),
            topics.of_receiver(receiver, "wipe"),
            topics.keys("+"),
        ),
    )


def matches(filter_: str, topic: str) -> bool:
    """Whether an MQTT filter matches a topic (MQTT 3.1.1, 4.7)."""
    wanted, found = filter_.split("/"), topic.split("/")
    if found[0].startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(found) or level not in {"+", found[index]}:
            return False
    return len(wanted) == len(found)


def covers(allowed: str, asked: str) -> bool:
    """Whether every topic that `asked` matches is matched by `allowed`, both filters."""
    wide, narrow = allowed.split("/"), asked.split("/")
    for index, level in enumerate(wide):
        if level == "#":
            return True
        if index >= len(narrow) or narrow[index] == "#":
            return False
        if level not in {"+", narrow[index]}:
            return False
    return len(wide) == len(narrow)


_ACCOUNTS = TypeAdapter(tuple[Account, ...])


@dataclass(frozen=True, slots=True)
class AccountsFile:
    """The accounts as one JSON file of mode 0600, replaced at once; the embedded broker reads it again when it changes.

    Implements `devices.brokers.port.BrokerAccounts`.

    One process writes it. Thousands of accounts belong in a broker's own store (Mosquitto's dynamic security).
    """

    path: Path

    def read(self) -> dict[str, Account]:
        """All accounts by name; none where there is no file yet. Raises AccountsFileError."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise AccountsFileError(f"The accounts in {self.path} cannot be read: {error.strerror}.") from error
        try:
            return {account.username: account for account in _ACCOUNTS.validate_json(data)}
        except ValidationError as error:
            raise AccountsFileError(
                f"The accounts in {self.path} are damaged; restore the file, or delete it and enrol anew."
            ) from error

    def write(self, accounts: Mapping[str, Account]) -> None:
        """Replace all accounts at once. Raises AccountsFileError."""
        ordered = [accounts[name].model_dump(mode="json") for name in sorted(accounts)]
        try:
            write_private(self.path, json.dumps(ordered, indent=1).encode(), overwrite=True)
        except OSError as error:
            raise AccountsFileError(f"The accounts in {self.path} cannot be written: {error.strerror}.") from error

    def synchronise(self, accounts: Iterable[Account]) -> Synchronised:
        """Make the file equal these accounts."""
        after = {account.username: account.stored() for account in accounts}
        try:
            before = self.read()
        except AccountsFileError:
            before = {}  # what is damaged is written anew: the database knows better
        done = Synchronised(
            created=tuple(sorted(after.keys() - before.keys())),
            changed=tuple(sorted(name for name in after.keys() & before.keys() if after[name] != before[name])),
            removed=tuple(sorted(before.keys() - after.keys())),
        )
        if done:
            self.write(after)
        return done

    def set(self, *changed: Account) -> None:
        """Add accounts, or change those of the same name."""
        accounts = self.read()
        wanted = {account.username: account.stored() for account in changed}
        if any(accounts.get(name) != account for name, account in wanted.items()):
            self.write(accounts | wanted)

    def remove(self, *usernames: str) -> None:
        """Take accounts away; the broker closes their connections."""
        accounts = self.read()
        kept = {name: account for name, account in accounts.items() if name not in usernames}
        if len(kept) < len(accounts):
            self.write(kept)

    def close(self) -> None:
        """Nothing is open."""
