"""How areas sound: voice, rate, pitch, equaliser, call, repeats, jingle."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.auth import ActorDep, StationDep
from api.preconditions import state_meant
from api.v1.readings import Mentioned
from broadcaster.area_sounds import state_of
from broadcaster.people import Right
from broadcaster.sound import Sound
from broadcaster.unchanged import tag_of

router = APIRouter(tags=["sound"])


class AreaSound(BaseModel):
    """What an area says itself, and what is in force there."""

    own: Sound
    effective: Sound = Field(description="Its own over those above it over the station's settings.")


class SoundChange(AreaSound):
    """The same after a change, with the waiting bulletins that are spoken anew."""

    anew: list[Mentioned]


class Voices(BaseModel):
    """What an engine of this station offers."""

    engine: str
    online: bool
    voices: dict[str, list[str]] = Field(description="By language; the usual one first.")
    slowest_wpm: int
    fastest_wpm: int
    pitch: bool = Field(description="Whether the pitch can be changed.")


@router.get("/areas/{area_id}/sound")
def read_sound(response: Response, station: StationDep, actor: ActorDep, area_id: str) -> AreaSound:
    """How an area sounds. Its ETag is for If-Match."""
    found = station.area_sounds.of(actor, area_id)
    response.headers["ETag"] = f'"{tag_of(state_of(found.own))}"'
    return AreaSound(own=found.own, effective=found.effective)


@router.put("/areas/{area_id}/sound")
def put_sound(
    *, request: Request, response: Response, station: StationDep, actor: ActorDep, area_id: str, body: Sound
) -> SoundChange:
    """Replace what the area says itself, with If-Match only if it is as it was read; {} inherits all. What waits there is spoken anew; what is
    released stays."""
    seen = state_meant(request)
    station.require_voices(body.voice)
    anew = station.area_sounds.put(actor, area_id, body, seen=seen)
    found = station.area_sounds.of(actor, area_id)
    response.headers["ETag"] = f'"{tag_of(state_of(found.own))}"'
    return SoundChange(own=found.own, effective=found.effective, anew=[Mentioned.of(mention) for mention in anew])


@router.get("/voices")
def list_voices(station: StationDep, actor: ActorDep) -> list[Voices]:
    """The engines of this station in the order in which they are tried; empty for a moment after its start."""
    actor.need(Right.READ)
    return [
        Voices(
            engine=name,
            online=offered.online,
            voices={language: list(names) for language, names in offered.voices.items()},
            slowest_wpm=offered.rates[0],
            fastest_wpm=offered.rates[1],
            pitch=offered.pitch,
        )
        for name, offered in station.engines.items()
    ]
