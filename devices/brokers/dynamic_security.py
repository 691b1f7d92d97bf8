"""Accounts in Mosquitto 2's dynamic security plugin, over its `$CONTROL` topic.

Each account is a client with one role of its own, because the plugin puts no user name into a rule. An account is
ours if its `textname` says so; whatever else the administrator made is left alone. Passwords cannot be read back, so
the client's description holds a fingerprint of the secret's hash: enough to see that a secret is no longer the right
one. Documented at https://mosquitto.org/documentation/dynamic-security/; the protocol is that of Mosquitto 2.0.11.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import structlog

from devices.brokers.accounts import Account
from devices.brokers.port import BrokerAccountsError, Synchronised
from devices.links.mqtt import MqttLink

log = structlog.get_logger(__name__)

COMMANDS = "$CONTROL/dynamic-security/v1"
RESPONSES = f"{COMMANDS}/response"
BATCH = 40
"""Commands in one message."""
CLIENT_PAGE, ROLE_PAGE = 100, 20
"""How many are listed in one answer: a link drops what is longer than 128 KiB, and a role has some twenty rules."""
ANSWER_WITHIN_S = 20.0
PATIENCE_S = 5.0
DENIED_BY_DEFAULT = (
    ("publishClientSend", False),
    ("publishClientReceive", False),  # Mosquitto's own default lets a stale subscription go on reading
    ("subscribe", False),
    ("unsubscribe", True),
)

Command = dict[str, Any]
Rule = tuple[str, str]  # kind, topic or filter


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An account as the plugin is to hold it."""

    account: Account
    client_id: str | None
    description: str
    rules: frozenset[Rule]


class DynamicSecurity:
    """Implements `devices.brokers.port.BrokerAccounts`, with the plugin's administrator account."""

    def __init__(
        self,
        make_link: Callable[[], MqttLink],
        *,
        station: str,
        several_connections: frozenset[str] = frozenset(),
        patience_s: float = PATIENCE_S,
    ) -> None:
        """`make_link`: a new link with the administrator's account; `station`: whose accounts are ours;
        `several_connections`: accounts that connect under more client ids than their own name; `patience_s`: how
        long a call waits for the broker to be reached."""
        self._make_link = make_link
        self._mark = f"commune-broadcaster {station}"
        self._several = several_connections
        self._patience_s = patience_s
        self._link: MqttLink | None = None
        self._lock = threading.Lock()
        self._connection = 0

    def synchronise(self, accounts: Iterable[Account]) -> Synchronised:
        wanted = {account.username: self._wanted(account) for account in accounts}
        with self._lock:
            self._set_defaults()
            clients = {client["username"]: client for client in self._list("Clients", CLIENT_PAGE)}
            roles = {role["rolename"]: _rules(role) for role in self._list("Roles", ROLE_PAGE)}
            ours = {name for name, client in clients.items() if client.get("textname") == self._mark}
            gone = sorted(ours - wanted.keys())
            new = sorted(name for name in wanted if name not in clients)
            withheld = {name for name, item in wanted.items() if item.account.secret is None}
            other = [
                name
                for name, item in wanted.items()
                if name in clients
                and not self._stands(item, clients[name], roles.get(_role(name)))
                and not (name in withheld and clients[name].get("disabled"))
            ]
            # Who has a stale secret that is not known here: the account is closed rather than left to the old one.
            commands = [c for name in gone for c in _removal(name, role=_role(name) in roles)]
            for name in sorted([*other, *(n for n in new if n not in withheld)]):
                commands += self._placing(wanted[name], client=name in clients, role=_role(name) in roles)
            stray = sorted(
                name
                for name in roles
                if name.startswith("receiver ") and name.removeprefix("receiver ") not in {*wanted, *clients}
            )
            commands += [{"command": "deleteRole", "rolename": name} for name in stray]
            self._run(commands)
        done = Synchronised(
            created=tuple(name for name in new if name not in withheld),
            changed=tuple(sorted(other)),
            removed=tuple(gone),
            withheld=tuple(sorted(withheld.intersection({*new, *other}))),
        )
        if done:
            log.info("accounts", created=len(done.created), changed=len(done.changed), removed=len(done.removed))
        return done

    def set(self, *accounts: Account) -> None:
        with self._lock:
            for account in accounts:
                wanted = self._wanted(account)
                found = self._run(
                    [
                        {"command": "getClient", "username": account.username},
                        {"command": "getRole", "rolename": _role(account.username)},
                    ],
                    tolerated=("Client not found", "Role not found"),
                )
                client, role = (answer.get("data") for answer in found)
                rules = None if role is None else _rules(role["role"])
                if client is not None and self._stands(wanted, client["client"], rules):
                    continue
                if client is None and account.secret is None:
                    raise BrokerAccountsError(
                        f"The account {account.username} has to be made and its secret is not known: renew it."
                    )
                self._run(self._placing(wanted, client=client is not None, role=role is not None))

    def remove(self, *usernames: str) -> None:
        commands = [command for name in usernames for command in _removal(name, role=True)]
        with self._lock:
            self._run(commands, tolerated=("Client not found", "Role not found"))

    def close(self) -> None:
        with self._lock:
            if self._link is not None:
                self._link.close()
                self._link = None

    # ---- what is wanted, and what stands

    def _wanted(self, account: Account) -> _Wanted:
        rules = {("publishClientSend", topic) for topic in account.publish}
        for filter_ in account.subscribe:
            rules |= {("publishClientReceive", filter_), ("subscribeLiteral", filter_)}
            if "+" in filter_ or "#" in filter_:
                rules.add(("subscribePattern", filter_))  # what is narrower may be asked for too
        return _Wanted(
            account=account,
            client_id=None if account.username in self._several else account.username,
            description=f"secret {account.secret_sha256[:16]}",
            rules=frozenset(rules),
        )

    def _stands(self, wanted: _Wanted, client: dict[str, Any], rules: frozenset[Rule] | None) -> bool:
        return (
            client.get("textname") == self._mark
            and client.get("textdescription") == wanted.description
            and (client.get("clientid") or None) == wanted.client_id
            and [role["rolename"] for role in client.get("roles", [])] == [_role(wanted.account.username)]
            and not client.get("groups")
            and not client.get("disabled", False)
            and rules == wanted.rules
        )

    def _placing(self, wanted: _Wanted, *, client: bool, role: bool) -> list[Command]:
        """Commands that make an account stand as wanted. A client that is changed is also cut off by the plugin."""
        name = wanted.account.username
        acls = [{"acltype": kind, "topic": topic, "priority": 0, "allow": True} for kind, topic in sorted(wanted.rules)]
        commands: list[Command] = [
            {"command": "modifyRole" if role else "createRole", "rolename": _role(name), "acls": acls}
        ]
        content: Command = {
            "username": name,
            "textname": self._mark,
            "textdescription": wanted.description,
            "roles": [{"rolename": _role(name)}],
        }
        if wanted.client_id is not None:
            content["clientid"] = wanted.client_id
        if wanted.account.secret is not None:
            content["password"] = wanted.account.secret
            commands += [{"command": "modifyClient" if client else "createClient", **content}]
            if client:
                commands += [{"command": "enableClient", "username": name}]
        else:
            commands += [{"command": "disableClient", "username": name}]
        return commands

    # ---- the conversation

    def _set_defaults(self) -> None:
        (found,) = self._run([{"command": "getDefaultACLAccess"}])
        if {(acl["acltype"], acl["allow"]) for acl in found["data"]["acls"]} != set(DENIED_BY_DEFAULT):
            acls = [{"acltype": kind, "allow": allow} for kind, allow in DENIED_BY_DEFAULT]
            self._run([{"command": "setDefaultACLAccess", "acls": acls}])

    def _list(self, what: str, page: int) -> Iterator[dict[str, Any]]:
        offset, total = 0, 1
        while offset < total:
            (answer,) = self._run([{"command": f"list{what}", "verbose": True, "count": page, "offset": offset}])
            total = int(answer["data"]["totalCount"])
            yield from answer["data"][what.lower()]
            offset += page

    def _run(self, commands: Sequence[Command], *, tolerated: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        """The answers in the order of the commands. Raises BrokerAccountsError for any error not tolerated."""
        answers: list[dict[str, Any]] = []
        for start in range(0, len(commands), BATCH):
            answers += self._exchange(commands[start : start + BATCH])
        for command, answer in zip(commands, answers, strict=True):
            error = answer.get("error")
            if error is not None and error not in tolerated:
                subject = command.get("username") or command.get("rolename") or ""
                raise BrokerAccountsError(f"Mosquitto refuses {command['command']} {subject}: {error}.")
        return answers

    def _exchange(self, commands: Sequence[Command]) -> list[dict[str, Any]]:
        link = self._connected()
        # Everybody who administers the plugin reads all answers: ours are told by their numbers.
        name = secrets.token_hex(8)
        marked = [{**command, "correlationData": f"{name} {n}"} for n, command in enumerate(commands)]
        link.publish(COMMANDS, json.dumps({"commands": marked}).encode())
        found: dict[str, dict[str, Any]] = {}
        deadline = time.monotonic() + ANSWER_WITHIN_S
        while len(found) < len(marked):
            deliveries = link.receive(limit=20, wait_s=0.5)
            link.acknowledge(deliveries)
            for delivery in deliveries:
                for answer in _responses(delivery.payload):
                    if str(answer.get("correlationData", "")).startswith(f"{name} "):
                        found[answer["correlationData"]] = answer
            if time.monotonic() > deadline or link.connections != self._connection:
                self._drop()
                raise BrokerAccountsError(
                    "Mosquitto does not answer on its control topic. Is the dynamic security plugin loaded, and has the "
                    "account in broker_admin_username its role 'admin'?"
                )
        return [found[f"{name} {n}"] for n in range(len(marked))]

    def _connected(self) -> MqttLink:
        if self._link is None:
            self._link = self._make_link()
            self._link.subscribe(RESPONSES)
            self._link.open()
        deadline = time.monotonic() + self._patience_s
        while not self._link.connected:
            if time.monotonic() > deadline:
                raise BrokerAccountsError(
                    "Mosquitto is not reached with its administrator's account. Check broker_host, broker_port, "
                    "broker_admin_username and broker_admin_password."
                )
            time.sleep(0.02)
        if self._connection != self._link.connections:
            self._connection = self._link.connections
            self._link.subscribe(RESPONSES)  # from this thread, so that it goes out before the first command
        return self._link

    def _drop(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


def _role(username: str) -> str:
    return f"receiver {username}"


def _rules(role: dict[str, Any]) -> frozenset[Rule]:
    # A rule that denies is none of ours: it makes the set differ, and so the role is written anew.
    return frozenset(
        (acl["acltype"] if acl.get("allow") else f"deny {acl['acltype']}", acl["topic"]) for acl in role["acls"]
    )


def _removal(name: str, *, role: bool) -> list[Command]:
    commands: list[Command] = [{"command": "deleteClient", "username": name}]
    return [*commands, {"command": "deleteRole", "rolename": _role(name)}] if role else commands


def _responses(payload: bytes) -> list[dict[str, Any]]:
    try:
        found = json.loads(payload)["responses"]
    except (ValueError, KeyError, TypeError):
        return []
    return [cast("dict[str, Any]", item) for item in found if isinstance(item, dict)] if isinstance(found, list) else []
