"""Clips for receivers and listeners, with HTTP Range."""

from typing import Annotated

from fastapi import APIRouter, Path
from sqlalchemy import select
from starlette.responses import FileResponse

from api.auth import StationDep, TokenDep
from broadcaster.errors import NotFoundError, NotLoggedInError
from broadcaster.storage.models import Airing

router = APIRouter(tags=["media"])


class _ClipResponse(FileResponse):
    # Threads hand each chunk over: at 64 kB a clip costs four times what it costs at 1 MB.
    chunk_size = 1024 * 1024


@router.get("/media/{sha256}", response_class=_ClipResponse, responses={200: {"content": {"audio/mpeg": {}}}})
def read_clip(
    station: StationDep, token: TokenDep, sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
) -> FileResponse:
    """A clip by its SHA-256. What was released for airing is public; a draft's clip is for those who are logged in."""
    with station.database.reading() as session:
        released = session.scalar(select(Airing.id).where(Airing.clip_sha256 == sha256).limit(1))
    missing = NotFoundError("Không có tệp âm thanh này.", "There is no such clip.")
    if released is None:
        try:
            station.people.recognise(token)
        except NotLoggedInError:
            raise missing from None
    path = station.clip_path(sha256)
    if path is None:
        raise missing
    return _ClipResponse(
        path,
        media_type="audio/mpeg",
        headers={"ETag": f'"{sha256}"', "Cache-Control": "public, max-age=31536000, immutable"},
    )
