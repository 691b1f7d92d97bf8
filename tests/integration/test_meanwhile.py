"""Two people with the same form: the second is told what the first changed, and loses nothing of what was typed."""

import re
from collections.abc import Callable
from html import unescape

import pytest

from broadcaster.people import Grant, Role
from broadcaster.sound import Sound
from broadcaster.targets import Targets
from tests.integration.permission_world import World


def _seen(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]+)"', page)
    assert found is not None
    return unescape(found[1])


def _group(world: World) -> None:
    operator = world.station.log_ins.recognise(world.tokens["operator-a"], address="")
    targets = Targets(areas=("a-thon-1",), kinds=("loudspeaker",))
    world.station.groups.save(operator, name="Tên của người kia", targets=targets, group=world.ids["a"]["group_id"])


def _sound(world: World) -> None:
    editor = world.station.log_ins.recognise(world.tokens["editor-a"], address="")
    world.station.area_sounds.put(editor, "a", Sound(rate_wpm=170))


def _person(world: World) -> None:
    admin = world.station.log_ins.recognise(world.tokens["administrator-a"], address="")
    grants = [Grant(Role.EDITOR, "a-thon-1")]
    world.station.people.change(admin, "viewer-a", name="Tên của người kia", grants=grants, disabled=False)


@pytest.mark.parametrize(
    ("who", "read", "post", "form", "meanwhile", "told", "kept"),
    [
        (
            *("operator-a", "/groups/{group_id}", "/groups/{group_id}"),
            {"name": "Tên của tôi", "areas": "a", "kinds": "loudspeaker"},
            _group,
            ("Tên của người kia", "Thôn, Xã a", "Cụm loa"),
            'value="Tên của tôi"',
        ),
        (
            *("editor-a", "/sound?area=a", "/sound?area=a"),
            {"rate_wpm": "120"},
            _sound,
            ("170",),
            'value="120"',
        ),
        (
            *("administrator-a", "/people/{person_id}", "/people/{person_id}"),
            {"name": "Tên của tôi", "roles": "operator", "areas": "a"},
            _person,
            ("Tên của người kia", "Biên tập viên (Thôn, Xã a)", "Người xem (Xã a)"),
            'value="Tên của tôi"',
        ),
    ],
)
def test_the_second_is_told_and_saves_knowingly(
    *,
    world: World,
    who: str,
    read: str,
    post: str,
    form: dict[str, str],
    meanwhile: Callable[[World], None],
    told: tuple[str, ...],
    kept: str,
) -> None:
    send, ids = (lambda *given, **more: world.runner.run(world.send(who, *given, **more))), world.ids["a"]
    read, post = read.format(**ids), post.format(**ids)
    seen = _seen(send("GET", read).text)
    meanwhile(world)
    answer = send("POST", post, data={**form, "seen": seen})
    page = unescape(answer.text)
    assert answer.status_code == 409
    assert "người khác đã lưu thay đổi" in page
    box = page[page.index("Những gì bạn nhập vẫn còn") :].partition("</dl>")[0]
    for each in told:
        assert each in box, each
    assert kept in page
    again = send("POST", post, data={**form, "seen": _seen(answer.text)})
    assert again.status_code in (200, 303), again.text
    stale = send("POST", post, data={**form, "seen": "{nonsense"})
    assert stale.status_code == 409
    world.restore()


def test_what_is_wrong_otherwise_does_not_make_the_form_newer(world: World) -> None:
    """An empty name is refused before anything else: the page still carries what was seen, not what stands now."""
    path = f"/groups/{world.ids['a']['group_id']}"
    seen = _seen(world.runner.run(world.send("operator-a", "GET", path)).text)
    _group(world)
    form = {"name": "", "areas": "a", "kinds": "loudspeaker", "seen": seen}
    answer = world.runner.run(world.send("operator-a", "POST", path, data=form))
    assert answer.status_code == 422
    assert _seen(answer.text) == seen
    world.restore()
