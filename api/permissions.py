"""Who may do what: every route with the right that it asks for and where (permissions.tsv). Tests try each row for each role."""

from dataclasses import dataclass
from importlib.resources import files

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api.app import create_app
from broadcaster.errors import SetupError
from broadcaster.people import RIGHTS, Right, Role

OPEN = ("anybody", "device", "log-in")
WHERE = {
    "-": "no matter where",
    "own": "only if all that it concerns lies in one's own area",
    "heard": "if it is heard in one's own area, or belongs to it",
    "narrowed": "a list: of one's own area, and of what is heard there",
    "common": "the same for everybody",
    "station": "only with a role for the whole station",
}


@dataclass(frozen=True)
class Permission:
    """A row: any one of `rights` is asked for; or `anybody`, `device` (what it sends is signed), `log-in` (whoever has one)."""

    method: str
    path: str
    rights: tuple[str, ...]
    where: str

    def allows(self, role: Role) -> bool:
        """Whether the role may do it where it is bound to."""
        return self.rights[0] in OPEN or any(Right(right) in RIGHTS[role] for right in self.rights)


def permissions() -> list[Permission]:
    """The table in its order. Raises SetupError for a row that makes no sense."""
    lines = (files("api") / "permissions.tsv").read_text(encoding="utf-8").splitlines()
    found = []
    for number, line in enumerate(lines[1:], 2):
        cells = line.split("\t")
        known = {*OPEN, *Right}
        if len(cells) != 4 or cells[3] not in WHERE or not cells[2] or set(cells[2].split()) - known:
            raise SetupError(
                f"api/permissions.tsv, dòng {number} không đúng: {line}", f"api/permissions.tsv, line {number}: {line}"
            )
        found.append(Permission(cells[0], cells[1], tuple(cells[2].split()), cells[3]))
    return found


def routes(app: FastAPI) -> set[tuple[str, str]]:
    """Every method and path that the application answers; static files, which anybody may have, apart."""
    return {
        (method, str(context.path))
        for context in iter_route_contexts(app.routes)
        for method in (getattr(context, "methods", None) or ())
        if method != "HEAD"
    }


def reference_text() -> str:
    """docs/reference/permissions.md. Raises SetupError where a route has no row, or a row no route."""
    rows = permissions()
    named, there = {(row.method, row.path) for row in rows}, routes(create_app(None))
    for kind, odd in (("route without a row", there - named), ("row without a route", named - there)):
        if odd:
            listed = "; ".join(f"{method} {path}" for method, path in sorted(odd))
            raise SetupError(f"api/permissions.tsv: {kind}: {listed}", f"api/permissions.tsv: {kind}: {listed}")
    lines = [
        "# Permissions",
        "",
        "Generated from `api/permissions.tsv`; tests try every row for every role, in the own area and in another. A right holds in the area to which a",
        "role is bound and in all that is under it ([decision 0020](../decisions/0020-roles-are-bound-to-areas.md)).",
        "",
        "| where | meaning |",
        "|---|---|",
        *(f"| {name} | {meaning} |" for name, meaning in WHERE.items()),
        "",
        f"| route | asks for | where | {' | '.join(Role)} |",
        f"|---|---|---|{'---|' * len(Role)}",
    ]
    for row in rows:
        cells = ["✓" if row.allows(role) else "" for role in Role]
        lines.append(f"| `{row.method} {row.path}` | {' or '.join(row.rights)} | {row.where} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
