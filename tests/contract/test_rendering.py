"""Speech is made in the background, and what comes too late is not kept. On SQLite and on PostgreSQL, with a real engine."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from audio.announcement import Announcement
from audio.render import Renderer, build_renderer
from audio.rendered import Rendered
from audio.script import read
from broadcaster.readings import Choice
from broadcaster.releases import find
from broadcaster.rendering import Rendering
from broadcaster.speech import Speech, read_out
from broadcaster.storage.models import Bulletin
from schedules.rules import Once
from tests.brokers import wait_for
from tests.commune import Commune


class Interrupted(Renderer):
    """A real renderer; between its work and its return, once, something else happens."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self.meanwhile: Callable[[], Any] = lambda: None
        self.spoken: list[str] = []

    @property
    def engines(self) -> Any:
        return self._renderer.engines

    def render(self, what: Announcement | str) -> Rendered:
        rendered = self._renderer.render(what)
        self.spoken.append(" ".join(sentence.text for sentence in rendered.sentences))
        happens, self.meanwhile = self.meanwhile, lambda: None
        happens()
        return rendered

    def close(self) -> None:
        self._renderer.close()


@pytest.fixture
def renderer(tmp_path: Path) -> Interrupted:
    return Interrupted(build_renderer(tmp_path / "clips", engines=("espeak",), workers=1))


@pytest.fixture
def rendering(commune: Commune, renderer: Interrupted) -> Iterator[Rendering]:
    made = Rendering(
        commune.database, commune.clock, commune.speaking, lambda: renderer, changed=commune.changes.notify
    )
    yield made
    made.stop()


def _row(commune: Commune, bulletin: str) -> Bulletin:
    with commune.database.reading() as session:
        return find(session, bulletin)


def _done(commune: Commune, rendering: Rendering, bulletin: str) -> Bulletin:
    rendering.wake()
    wait_for(lambda: _row(commune, bulletin).rendering != "pending")
    row = _row(commune, bulletin)
    assert row.rendering == "done", row.rendering_error_en
    return row


def _draft(commune: Commune, text: str) -> Any:
    given = commune.draft(Once(at=commune.clock.now() + timedelta(hours=1)), title="Tin")
    return type(given)(**{**vars(given), "text": text})


def test_a_clip_that_an_edit_or_the_lexicon_has_overtaken_is_not_kept(
    commune: Commune, renderer: Interrupted, rendering: Rendering
) -> None:
    bulletin = commune.bulletins.write(commune.editor, _draft(commune, "Chào OCOP."))
    renderer.meanwhile = lambda: commune.bulletins.edit(
        commune.editor, bulletin, _draft(commune, "Xin chào OCOP."), revision=1
    )
    rendering.start()
    row = _done(commune, rendering, bulletin)
    assert row.script_sha256 == read(read_out("Tin", "Xin chào OCOP.")).sha256
    assert len(renderer.spoken) == 2

    renderer.meanwhile = lambda: commune.lexicons.put(commune.editor, "xa", written="OCOP", reading="ốc cốp")
    commune.bulletins.edit(commune.editor, bulletin, _draft(commune, "Mời xem OCOP."), revision=2)
    row = _done(commune, rendering, bulletin)
    assert "mời xem ốc cốp" in renderer.spoken[-1]
    with commune.database.reading() as session:
        assert row.spoken == commune.speaking.of(session, row).facts()


def test_the_report_is_kept_and_what_is_settled_passes(
    commune: Commune, renderer: Interrupted, rendering: Rendering
) -> None:
    text = "Mời bà con nộp hồ sơ ở QXZK."
    bulletin = commune.bulletins.write(commune.editor, _draft(commune, text))
    rendering.start()
    row = _done(commune, rendering, bulletin)
    assert row.quality is not None
    (doubt,) = row.quality["uncertain"]
    assert (doubt["part"], text[doubt["start"] : doubt["end"]], doubt["version"]) == ("text", "QXZK", 0)
    assert [fault["fault"] for fault in row.quality["faults"]] == ["uncertain_reading"]
    commune.readings.settle(
        commune.editor, bulletin, [Choice("QXZK", doubt["reading"], reading="quỹ xóa nghèo")], revision=1
    )
    row = _done(commune, rendering, bulletin)
    assert "quỹ xóa nghèo" in renderer.spoken[-1]
    assert (row.quality or {})["faults"] == []
    assert len(renderer.spoken) == 2
    # A new start renders nothing that would sound as it does.
    rendering.stop()
    again = Rendering(commune.database, commune.clock, commune.speaking, lambda: renderer, changed=lambda: None)
    again.start()
    again.stop()
    assert _row(commune, bulletin).rendering == "done"


def test_a_bulletin_whose_speech_cannot_be_told_holds_up_no_other(
    commune: Commune, rendering: Rendering, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, other = (commune.bulletins.write(commune.editor, _draft(commune, text)) for text in ("Mưa to.", "Nắng."))
    of = commune.speaking.of

    def failing(session: Session, bulletin: Bulletin, *places: Any) -> Speech:
        if bulletin.id == broken:
            raise LookupError("nobody foresaw this")
        return of(session, bulletin, *places)

    monkeypatch.setattr(commune.speaking, "of", failing)
    rendering.start()
    _done(commune, rendering, other)
    wait_for(lambda: _row(commune, broken).rendering == "failed")
    assert "server's log" in (_row(commune, broken).rendering_error_en or "")


def test_engines_that_do_not_come_up_are_tried_again(commune: Commune, renderer: Interrupted) -> None:
    tried: list[int] = []

    def build() -> Renderer:
        tried.append(len(tried))
        if len(tried) == 1:
            raise OSError("no process could be started")
        return renderer

    made = Rendering(commune.database, commune.clock, commune.speaking, build, changed=commune.changes.notify)
    bulletin = commune.bulletins.write(commune.editor, _draft(commune, "Nắng."))
    made.start()
    try:
        wait_for(lambda: tried)
        _done(commune, made, bulletin)
    finally:
        made.stop()
    assert len(tried) == 2
