"""Every route for every role, in the own area and in another: the table is the truth, and a route without a row fails."""

import httpx

from api.app import create_app
from api.permissions import Permission, permissions, routes
from broadcaster.people import Role
from tests.integration.permission_pages import SAMPLES
from tests.integration.permission_samples import Sample
from tests.integration.permission_world import World

REFUSED = 403


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    named = [(row.method, row.path) for row in permissions()]
    assert sorted(named) == sorted(routes(create_app(None)))
    assert set(SAMPLES) <= set(named), "samples of routes that are no more"


def _sample(row: Permission, world: World, side: str) -> tuple[Sample, str]:
    sample = SAMPLES.get((row.method, row.path), lambda _: Sample())(world.ids[side])
    return sample, row.path.replace(":path}", "}").format(**{**world.ids[side], **sample.ids})


async def _asked(row: Permission, world: World, person: str | None, side: str) -> tuple[Sample, httpx.Response]:
    sample, path = _sample(row, world, side)
    answer = await world.send(
        person, row.method, path, json=sample.json, params=sample.params, data=sample.data, content=sample.content
    )
    if row.method != "GET" and answer.status_code < 400:
        world.restore()
    return sample, answer


def _wrong(row: Permission, role: Role, sample: Sample, answer: httpx.Response, world: World, *, side: str) -> str:
    """What is wrong with an answer to the role of commune a, asking for something of commune `side`; empty if nothing is."""
    allowed = row.allows(role) and not (side == "b" and row.where in ("own", "heard")) and row.where != "station"
    if not allowed:
        problem = f"not refused: {answer.status_code}" if answer.status_code != REFUSED else ""
        # A page keeps its form and says in it what is wrong.
        return "" if not row.path.startswith("/api") and answer.status_code == 422 else problem
    if answer.status_code not in sample.answers:
        return f"{answer.status_code} {answer.text[:300]}"
    if sample.shows is not None:
        for other, expected in (("a", True), ("b", False)):
            if (world.ids[other][sample.shows] in answer.text) is not expected:
                return f"{'shows not' if expected else 'shows'} what is {other}'s"
    return ""


def test_each_role_may_do_what_the_table_says_and_nothing_else(world: World) -> None:
    wrong, tried = world.runner.run(_try_all(world))
    assert not wrong, "\n".join(wrong)
    assert tried > 800


async def _try_all(world: World) -> tuple[list[str], int]:
    """15 requests a row: five roles of a commune, asking for their own, for another commune's, and without any log-in."""
    wrong: list[str] = []
    tried = 0
    for row in permissions():
        if row.path in {"/api/v1/sessions/current", "/logout"}:
            continue  # they end the log-in with which all else is asked; tests of accounts have them
        for side in ("a", "b") if row.where in ("own", "heard") else ("a",):
            for role in Role:
                sample, answer = await _asked(row, world, f"{role}-a", side)
                tried += 1
                if problem := _wrong(row, role, sample, answer, world, side=side):
                    wrong.append(f"{row.method} {row.path}, {role} for {side}: {problem}")
        sample, answer = await _asked(row, world, None, "a")
        door = answer.status_code in (401, 303) or (answer.status_code == 422 and not row.path.startswith("/api"))
        if row.rights[0] in ("anybody", "device"):
            door = answer.status_code in sample.answers
        if not door:
            wrong.append(f"{row.method} {row.path}, nobody: {answer.status_code} {answer.text[:200]}")
        tried += 1
    return wrong, tried


def test_who_serves_the_whole_station_may_do_it_everywhere(world: World) -> None:
    wrong = world.runner.run(_try_whole(world))
    assert not wrong, "\n".join(wrong)


async def _try_whole(world: World) -> list[str]:
    wrong = []
    for row in permissions():
        if row.where not in ("own", "heard", "station"):
            continue
        for role in Role:
            sample, answer = await _asked(row, world, f"{role}-station", "b")
            expected = sample.answers if row.allows(role) else (REFUSED,)
            if answer.status_code not in expected and row.path.startswith("/api"):
                wrong.append(f"{row.method} {row.path}, {role}: {answer.status_code} {answer.text[:200]}")
    return wrong
