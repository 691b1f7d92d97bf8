"""The demo commune: made-up areas, people and receivers, and bulletins written for it."""

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path

from broadcaster.people import Role
from broadcaster.station import Core
from broadcaster.storage.models import Area, AreaPolicy
from devices.files import write_private
from devices.wire.messages import Kind
from schedules.policies import NATIONAL, NATIONAL_POLICY, Policy
from schedules.policy_rules import QuietHours

STATION_NAME = "Đài truyền thanh xã Tân Phong"
COMMUNE = "xa-tan-phong"
_AREAS = (
    ("tinh-song-hong", "Tỉnh Sông Hồng", "province", None),
    (COMMUNE, "Xã Tân Phong", "commune", "tinh-song-hong"),
    ("thon-dong", "Thôn Đông", "village", COMMUNE),
    ("thon-doai", "Thôn Đoài", "village", COMMUNE),
)
_PEOPLE = (
    ("bientap", "Nguyễn Thị Mai", Role.EDITOR, COMMUNE),
    ("lanhdao", "Trần Văn Hòa", Role.APPROVER, COMMUNE),
    ("vanhanh", "Lê Quốc Việt", Role.OPERATOR, COMMUNE),
)


@dataclass(frozen=True)
class DemoReceiver:
    """One receiver of the demo."""

    id: str
    name: str
    kind: Kind
    area: str


RECEIVERS = (
    DemoReceiver("loa-thon-dong", "Cụm loa thôn Đông", "loudspeaker", "thon-dong"),
    DemoReceiver("loa-thon-doai", "Cụm loa thôn Đoài", "loudspeaker", "thon-doai"),
    DemoReceiver("led-ubnd-xa", "Màn hình LED UBND xã", "screen", COMMUNE),
)


@dataclass(frozen=True)
class DemoState:
    """What the demo remembers between starts. Passwords are made at first start: there are no default ones."""

    passwords: dict[str, str]
    broker_port: int
    aired: int = 0

    def save(self, folder: Path) -> None:
        """Keep it, readable by its owner alone."""
        write_private(folder / "demo.json", json.dumps(asdict(self)).encode(), overwrite=True)


def load(folder: Path) -> DemoState | None:
    """What was kept, or None before the first start."""
    path = folder / "demo.json"
    return DemoState(**json.loads(path.read_bytes())) if path.is_file() else None


def found(core: Core, broker_port: int) -> DemoState:
    """Found the commune: areas and people; receivers enrol over the API."""
    core.database.migrate()
    with core.database.writing() as session:
        for area, name, kind, parent in _AREAS:
            session.add(Area(id=area, name=name, kind=kind, parent_id=parent, valid_from=date(2025, 7, 1)))
            session.flush()
        # A demo is to be heard whenever it is started: without the quiet hours of the national defaults.
        loud = Policy(rules=tuple(rule for rule in NATIONAL_POLICY.rules if not isinstance(rule, QuietHours)))
        session.add(
            AreaPolicy(area_id=NATIONAL, policy=loud.model_dump(mode="json"), revision=1, changed_at=core.clock.now())
        )
    passwords: dict[str, str] = {}
    for username, name, role, bound in _PEOPLE:
        passwords[username] = secrets.token_urlsafe(12)
        core.people.add(username=username, name=name, role=role, area=bound, password=passwords[username])
    return DemoState(passwords=passwords, broker_port=broker_port)


def bulletins() -> list[tuple[str, str]]:
    """The demo's bulletins as (title, text), in the order in which they are aired."""
    folder = files("broadcaster.demo") / "bulletins"
    texts = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".txt")), key=lambda entry: entry.name)
    return [split(entry.read_text("utf-8")) for entry in texts]


def split(text: str) -> tuple[str, str]:
    """A text file's title (its first line, without a heading's marks) and its text."""
    title, _, rest = text.strip().partition("\n")
    title = title.lstrip("#").strip().strip("*").strip()
    if len(title) > 200:  # a paragraph without a title of its own
        cut = title[:120].rsplit(" ", 1)[0]
        return cut + " …", text.strip()
    return title, rest.strip() or title
