"""Rendering: speech is made when a bulletin is saved, never at play time. A killed server makes it after its restart."""

import logging
import threading
from collections.abc import Callable

from sqlalchemy import select, update

from audio.render import Clip, Renderer, RenderError
from broadcaster.clock import Clock
from broadcaster.storage.database import Database
from broadcaster.storage.models import Bulletin, ClipRecord

log = logging.getLogger(__name__)


class Rendering:
    """One thread that renders pending bulletins, oldest first; several sentences at a time within one."""

    def __init__(
        self, database: Database, clock: Clock, renderer: Callable[[], Renderer], *, changed: Callable[[], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._build = renderer
        self._changed = changed
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
        renderer = self._build()
        try:
            while not self._stop.is_set():
                # With a limit, in case another process of this station saved the bulletin.
                self._wake.wait(timeout=5.0)
                self._wake.clear()
                while not self._stop.is_set() and self._render_next(renderer):
                    pass
        finally:
            renderer.close()

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
        try:
            clip = renderer.render(f"{bulletin.title}.\n{bulletin.text}").clip
        except RenderError as error:
            self._failed(bulletin, error.vi, error.en)
        except Exception:  # a fault of ours: it must stand with the bulletin, not stop all others
            log.exception("bulletin %s could not be rendered", bulletin.id)
            self._failed(
                bulletin,
                "lỗi trong hệ thống, xem nhật ký kỹ thuật. Sửa và lưu lại bản tin để thử lại.",
                "a fault in the system, see the server's log. Edit and save the bulletin to try again.",
            )
        else:
            self._done(bulletin, clip)
        self._changed()
        return True

    def _done(self, bulletin: Bulletin, clip: Clip) -> None:
        with self._database.writing() as session:
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
                        created_at=self._clock.now(),
                    )
                )
                session.flush()
            session.execute(
                update(Bulletin)
                .where(Bulletin.id == bulletin.id, Bulletin.revision == bulletin.revision)
                .values(rendering="done", clip_sha256=clip.sha256, script_sha256=clip.script_sha256)
            )

    def _failed(self, bulletin: Bulletin, vi: str, en: str) -> None:
        with self._database.writing() as session:
            session.execute(
                update(Bulletin)
                .where(Bulletin.id == bulletin.id, Bulletin.revision == bulletin.revision)
                .values(rendering="failed", rendering_error_vi=vi, rendering_error_en=en)
            )
