"""Uploaded sounds: recorded speech in place of synthesis, and jingles."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime, BaseModel, Field

from api.auth import ActorDep, StationDep
from api.idempotency import Idempotent
from api.paging import link_next
from api.uploads import BINARY, body_of
from audio.recordings import FORMATS_EN
from broadcaster.people import Right
from broadcaster.recordings import LIMITS, Kind
from broadcaster.storage.models import Recording as RecordingRow


def _said(kind: Kind) -> str:
    limits = LIMITS[kind]
    longest = f"{limits.longest_s / 60:g} min" if limits.longest_s >= 60 else f"{limits.longest_s:g} s"
    return f"{limits.shortest_s:g} s to {longest} in {limits.max_bytes / 1e6:g} MB"


router = APIRouter(tags=["recordings"], route_class=Idempotent)


class Recording(BaseModel):
    """An uploaded sound as it is kept: mono, 24 kHz."""

    sha256: str
    kind: Kind
    name: str
    size: int = Field(description="bytes")
    duration_ms: int
    lufs: float = Field(description="As recorded; it is brought to the loudness of speech.")
    true_peak_dbtp: float
    clipped: int = Field(description="Samples at full scale: many mean that it was recorded too loud.")
    person_id: str
    created_at: AwareDatetime

    @classmethod
    def of(cls, row: RecordingRow) -> "Recording":
        """From the database's row."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


@router.post(
    "/recordings",
    status_code=201,
    openapi_extra=BINARY,
    description=f"Upload an {FORMATS_EN} file as the body: speech of {_said('speech')}, a jingle of {_said('jingle')}.",
)
async def upload_recording(
    request: Request,
    station: StationDep,
    actor: ActorDep,
    name: Annotated[str, Query(min_length=1, max_length=200, description="The file's name, for people.")],
    kind: Kind = "speech",
) -> Recording:
    """Upload a sound."""
    actor.need(Right.EDIT)
    data = await body_of(request, LIMITS[kind].max_bytes)
    return Recording.of(await run_in_threadpool(station.recordings.add, actor, data, name=name, kind=kind))


@router.get("/recordings")
def list_recordings(
    request: Request,
    response: Response,
    station: StationDep,
    actor: ActorDep,
    *,
    after: Annotated[
        str | None,
        Query(pattern=r"^(speech|jingle):[0-9a-f]{64}$", description="As the Link header says: kind and hash."),
    ] = None,
    kind: Kind | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[Recording]:
    """Uploaded sounds, the newest first."""
    rows = station.recordings.newest(actor, kind=kind, limit=limit + 1, after=after)
    if len(rows) > limit:
        link_next(request, response, after=f"{rows[limit - 1].kind}:{rows[limit - 1].sha256}")
    return [Recording.of(row) for row in rows[:limit]]
