"""Rendering: speech is made when a bulletin is saved, never at play time. A killed server makes it after its restart."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from audio.engines.port import Capabilities
from audio.errors import RenderError
from audio.render import Renderer
from audio.rendered import OpusFile, Rendered
from broadcaster import metrics, tracing
from broadcaster.clock import Clock
from broadcaster.quality import report
from broadcaster.speech import WAITING, Speaking, Speech, is_of, speak_anew
from broadcaster.storage.database import HELD, Database, passes
from broadcaster.storage.models import Bulletin, ClipRecord
from broadcaster.targets import Places

log = structlog.get_logger(__name__)
FAULT = (
    "lỗi trong hệ thống, xem nhật ký kỹ thuật. Sửa và lưu lại bản tin để thử lại.",
    "a fault in the system, see the server's log. Edit and save the bulletin to try again.",
)


class Rendering:
    """One thread that renders pending bulletins, oldest first; several sentences at a time within one."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        speaking: Speaking,
        renderer: Callable[[], Renderer],
        *,
        changed: Callable[[], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._speaking = speaking
        self._build = renderer
        self._changed = changed
        self.engines: Mapping[str, Capabilities] = {}
        """What the engines offer, once they are up."""
        self._looked_over: date | None = None
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="rendering", daemon=True)

    def start(self) -> None:
        """Begin with what was left pending."""
        self._wake.set()
        self._thread.start()

    def wake(self) -> None:
        """There may be a new pending bulletin."""
        self._wake.set()

    def stop(self) -> None:
        """Stop after the bulletin at hand; it stays pending if it is not done."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        renderer: Renderer | None = None
        try:
            while not self._stop.is_set():
                # With a limit, in case another process of this station saved the bulletin.
                self._wake.wait(timeout=5.0)
                self._wake.clear()
                try:
                    if renderer is None:
                        renderer = self._build()
                        self.engines = renderer.engines
                    self._look_over()
                    while not self._stop.is_set() and self._render_next(renderer):
                        pass
                except Exception:  # the next wake tries again; the rows are as they were
                    log.exception("rendering failed")
        finally:
            if renderer is not None:
                renderer.close()

    def _look_over(self) -> None:
        """Once a day and after a start: what waits may sound otherwise by now, by other settings, national readings or areas."""
        today = self._speaking.today()
        if today == self._looked_over:
            return
        with self._database.writing() as session:
            places = self._speaking.places(session)
            query = select(Bulletin).where(Bulletin.state.in_(WAITING), Bulletin.rendering == "done")
            for bulletin in session.scalars(query.order_by(Bulletin.id).with_for_update(**HELD)).all():
                speech = self._told(session, bulletin, places)
                if speech is not None and not is_of(bulletin, speech):  # else it stays as it was approved
                    speak_anew(bulletin)
        self._looked_over = today

    def _render_next(self, renderer: Renderer) -> bool:
        with self._database.reading() as session:
            bulletin = session.scalar(
                select(Bulletin)
                .where(Bulletin.rendering == "pending", Bulletin.state != "withdrawn")
                .order_by(Bulletin.updated_at)
                .limit(1)
            )
            if bulletin is None:
                return False
            speech = self._told(session, bulletin)
        if speech is None:
            self._failed(bulletin, None, *FAULT)
            self._changed()
            return True
        began = time.perf_counter()
        try:
            with tracing.tracer.start_as_current_span("speech", attributes={"bulletin": bulletin.id}):
                rendered = renderer.render(speech.announcement())
        except RenderError as error:
            self._failed(bulletin, speech, error.vi, error.en)
        except Exception:  # a fault of ours: it must stand with the bulletin, not stop all others
            log.exception("speech failed", bulletin=bulletin.id, revision=bulletin.revision)
            self._failed(bulletin, speech, *FAULT)
        else:
            self._done(bulletin, speech, rendered)
            spent, clip = time.perf_counter() - began, rendered.clip
            metrics.RENDERING_S.labels(clip.engine).observe(spent)
            log.info(
                "speech made",
                bulletin=bulletin.id,
                revision=bulletin.revision,
                clip=clip.sha256,
                engine=clip.engine,
                fallback=clip.fallback,
                seconds=round(spent, 3),
            )
        self._changed()
        return True

    def _told(self, session: Session, bulletin: Bulletin, places: Places | None = None) -> Speech | None:
        """What it is to speak; None where that cannot be told, which must not stop all others."""
        try:
            return self._speaking.of(session, bulletin, places)
        except Exception as error:
            if passes(error):
                raise
            log.exception("what a bulletin is to speak cannot be told", bulletin=bulletin.id)
            return None

    def _standing(self, session: Session, bulletin: Bulletin, speech: Speech | None) -> Bulletin | None:
        """The bulletin, held, if what was rendered still is what it would speak; otherwise it stays pending, and is rendered again.

        No `speech`: that could not be told.
        """
        row = session.get(Bulletin, bulletin.id, with_for_update=HELD)
        if row is None or row.rendering != "pending":
            return None
        still = row.revision == bulletin.revision if speech is None else self._speaking.of(session, row) == speech
        return row if still else None

    def _done(self, bulletin: Bulletin, speech: Speech, rendered: Rendered) -> None:
        clip = rendered.clip
        with self._database.writing() as session:
            row = self._standing(session, bulletin, speech)
            if row is None:
                return
            if session.get(ClipRecord, clip.sha256) is None:
                session.add(
                    ClipRecord(
                        sha256=clip.sha256,
                        size=clip.size,
                        duration_ms=clip.duration_ms,
                        lufs=clip.lufs,
                        true_peak_dbtp=clip.true_peak_dbtp,
                        engine=clip.engine,
                        voice=clip.voice,
                        fallback=clip.fallback,
                        fallback_reason=clip.fallback_reason,
                        script_sha256=clip.script_sha256,
                        synthetic=clip.synthetic,
                        opus=_opus(clip.opus),
                        created_at=self._clock.now(),
                    )
                )
                session.flush()
            row.rendering = "done"
            row.clip_sha256, row.script_sha256 = clip.sha256, clip.script_sha256
            row.spoken, row.quality = speech.facts(), report(rendered, speech)

    def _failed(self, bulletin: Bulletin, speech: Speech | None, vi: str, en: str) -> None:
        metrics.RENDERING_FAILURES.inc()
        log.error("no speech", bulletin=bulletin.id, revision=bulletin.revision, cause=en)
        with self._database.writing() as session:
            row = self._standing(session, bulletin, speech)
            if row is not None:
                row.rendering, row.rendering_error_vi, row.rendering_error_en = "failed", vi, en


def _opus(file: OpusFile | None) -> dict[str, Any] | None:
    if file is None:
        return None
    return {"sha256": file.sha256, "size": file.size, "duration_ms": file.duration_ms, "media_type": file.media_type}
