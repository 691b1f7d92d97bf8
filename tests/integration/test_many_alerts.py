"""More alerts than one page holds: the worst are there, and it is said how many are not."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from api.problems import Language
from api.web.operations import ALERT_ROWS
from api.web.words import words
from broadcaster.storage.models import Alert
from tests.integration.permission_world import World


def _standing(world: World) -> Sequence[Alert]:
    viewer = world.station.log_ins.recognise(world.tokens["viewer-a"], address="")
    return world.station.alerts.listed(viewer, standing=True)


@pytest.mark.parametrize("tongue", ["vi", "en"])
def test_the_worst_are_shown_however_old_and_the_rest_is_counted(world: World, tongue: Language) -> None:
    now = world.station.clock.now()
    before = len(_standing(world))
    with world.station.database.writing() as session:
        for number in range(ALERT_ROWS + 5):
            at = now - timedelta(hours=1 if number else 9)
            facts = {"area_name": f"Thôn số {number}", "receivers": [f"Loa {number}"]}
            alert = {"rule": "hot", "area_id": "a", "facts": facts, "opened_at": at, "changed_at": at}
            severity = "warning" if number else "critical"
            session.add(Alert(id=f"many-{number}", key=f"hot:{number}", severity=severity, size=1, **alert))
    answer = world.runner.run(world.send("viewer-a", "GET", "/alerts", headers={"Cookie": f"lang={tongue}"}))
    assert answer.status_code == 200
    page = answer.text
    assert page.index("Loa 0") < page.index("Loa 2")
    assert words(tongue)["al_more"] % {"n": before + 5} in page
