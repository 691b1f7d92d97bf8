"""A reading that an editor of a commune proposes for the province, on the pages: compose, then the lexicon."""

import json
import re
from html import unescape

from tests.integration.permission_world import World

WORDS = "Thông báo\nGửi QXZK báo cáo."


def _sent(world: World, person: str, path: str, **form: str) -> str:
    answer = world.runner.run(world.send(person, "POST", path, data=form))
    assert answer.status_code in (200, 303), answer.text
    return unescape(answer.text)


def test_it_goes_from_the_compose_page_to_the_lexicon_above(world: World) -> None:
    form = {"key": "de-xuat", "words": WORDS, "area": "a", "kind": "loudspeaker", "when": "evening"}
    page = _sent(world, "editor-a", "/compose/preview", **form)
    assert '<option value="a">mọi bản tin của Xã a</option>' in page
    assert '<option value="propose:tinh">bản tin này, và đề xuất cho Tỉnh</option>' in page
    proposed = re.search(r'settle:\["QXZK", "([^"]+)"', page)
    assert proposed is not None
    choice = json.dumps(["QXZK", json.loads(f'"{proposed[1]}"'), "quy xê dét ca"])
    page = _sent(world, "editor-a", "/compose/preview", **form, scope="propose:tinh", do=f"settle:{choice}")
    settled = re.search(r"name=\"settled\" value=\"(\[.*?\])\">", page)
    assert settled is not None
    assert json.loads(settled[1])[3:] == ["", "tinh"]
    _sent(world, "editor-a", "/compose", **form, settled=settled[1], do="save")
    for person, may in (("editor-a", False), ("editor-station", True)):
        answer = world.runner.run(world.send(person, "GET", "/lexicon", params={"area": "tinh"}))
        page = unescape(answer.text)
        assert "Đề xuất chờ trả lời (1)" in page
        assert "Người editor-a đề xuất lúc" in page
        assert ("Nhận vào từ điển" in page) is may
    action = re.search(r'action="(/lexicon/proposals/[^"]+/acceptance)"', page)
    assert action is not None
    for refused in ("editor-a", "operator-station"):
        assert world.runner.run(world.send(refused, "POST", action[1], data={})).status_code == 403
    answer = world.runner.run(world.send("editor-station", "POST", action[1], data={"reason": "đúng"}))
    assert answer.status_code == 303, answer.text
    page = unescape(world.runner.run(world.send("editor-station", "GET", answer.headers["location"])).text)
    assert "“QXZK” từ nay đọc là “quy xê dét ca”" in page
    # Whoever has that address sees the titles that are theirs to see.
    address = f"/lexicon/change?area=tinh&written=QXZK&anew={world.ids['a']['draft']}&anew_all=3"
    for person, title, more in (("editor-a", True, 2), ("viewer-b", False, 3)):
        page = unescape(world.runner.run(world.send(person, "GET", address)).text)
        assert ("Tin draft của a" in page) is title
        assert f"và {more} bản tin nữa" in page
    entries = world.runner.run(world.send("viewer-b", "GET", "/api/v1/areas/b/lexicon")).json()["entries"]
    assert [(each["area"], each["spoken"]) for each in entries if each["written"] == "QXZK"] == [
        ("tinh", "quy xê dét ca")
    ]
    world.restore()
