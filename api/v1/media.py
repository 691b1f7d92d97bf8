"""Clips for receivers and listeners, with HTTP Range."""

from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Query
from sqlalchemy import select
from starlette.responses import FileResponse, Response

from api.auth import ActorDep, AddressDep, StationDep, TokenDep
from audio import waveform
from broadcaster.errors import NotFoundError, NotLoggedInError
from broadcaster.people import Right
from broadcaster.station import Station
from broadcaster.storage.models import Airing

router = APIRouter(tags=["media"])
Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
_MEDIA_TYPES = {".mp3": "audio/mpeg", ".opus": "audio/ogg", ".flac": "audio/flac"}
_KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}
_KEPT_BY_ALL = {"Cache-Control": "public, max-age=31536000, immutable"}


class _ClipResponse(FileResponse):
    # Threads hand each chunk over: at 64 kB a clip costs four times what it costs at 1 MB.
    chunk_size = 1024 * 1024


@router.get("/media/{sha256}", response_class=_ClipResponse, responses={200: {"content": {"audio/mpeg": {}}}})
def read_clip(station: StationDep, token: TokenDep, address: AddressDep, sha256: Sha256) -> FileResponse:
    """A clip by its SHA-256. What was released for airing is public; a draft's clip is for those who are logged in and may read."""
    with station.database.reading() as session:
        released = session.scalar(select(Airing.id).where(Airing.clip_sha256 == sha256).limit(1))
    missing = NotFoundError("Không có tệp âm thanh này.", "There is no such clip.")
    if released is None:
        try:
            station.log_ins.recognise(token, address=address).need(Right.READ)
        except NotLoggedInError:
            raise missing from None
    path = station.clip_path(sha256)
    if path is None:
        raise missing
    return _ClipResponse(
        path,
        media_type=_MEDIA_TYPES[path.suffix],
        # What stands between, such as a proxy, may keep for everybody only what everybody may hear.
        headers={"ETag": f'"{sha256}"', **(_KEPT if released is None else _KEPT_BY_ALL)},
    )


@router.get("/media/{sha256}/waveform", response_class=Response, responses={200: {"content": {"image/svg+xml": {}}}})
def draw_waveform(
    station: StationDep, actor: ActorDep, sha256: Sha256, count: Annotated[int, Query(ge=50, le=2000)] = 400
) -> Response:
    """The waveform of a clip or an uploaded recording as SVG, so that an editor sees speech and pauses."""
    actor.need(Right.READ)
    drawn = waveform.svg(_path(station, sha256), count=count)
    return Response(drawn, media_type="image/svg+xml", headers=_KEPT)


@router.get("/media/{sha256}/peaks")
def read_peaks(
    station: StationDep,
    actor: ActorDep,
    response: Response,
    sha256: Sha256,
    count: Annotated[int, Query(ge=1, le=10_000)] = 400,
) -> list[float]:
    """The same as figures: the largest magnitude, 0 to 1, in each of so many equal stretches."""
    actor.need(Right.READ)
    response.headers.update(_KEPT)
    return [round(float(peak), 4) for peak in waveform.peaks(_path(station, sha256), count)]


def _path(station: Station, sha256: str) -> FilePath:
    path = station.clip_path(sha256)
    if path is None:
        raise NotFoundError("Không có tệp âm thanh này.", "There is no such clip.")
    return path
