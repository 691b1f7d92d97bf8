"""How an area sounds: voice, rate, pitch, equaliser, call, repeats, jingle; each its own, or as above."""

from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Form, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.uploads import file_of
from api.web import page as pages
from api.web.area_tree import tree_of
from api.web.meanwhile import SeenDep, carried, changed_of
from api.web.mentions import CountDep, IdsDep, Named, address_of, named
from audio.announcement import MOST_REPEATS
from broadcaster.area_sounds import state_of
from broadcaster.errors import BroadcasterError, InvalidError, TooLargeError
from broadcaster.people import Actor, Right
from broadcaster.recordings import LIMITS
from broadcaster.sound import Sound
from broadcaster.station import Station
from broadcaster.storage.models import Recording

router = pages.router()
JINGLES = 50
FIELDS = tuple(Sound.model_fields)
OWN = "own"
_LABELS = {
    "voice": "sound_voice",
    "rate_wpm": "sound_rate",
    "pitch": "sound_pitch",
    "equaliser": "sound_equaliser",
    "call": "sound_call",
    "repeats": "sound_repeats",
    "jingle": "sound_jingle",
    "jingle_in_place_of_chime": "sound_chime",
}


@router.get("/sound")
def show(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    area: str = "",
    anew: IdsDep,
    anew_all: CountDep | None = None,
    jingle: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """What an area says itself, and what is in force there; after a change, what is spoken anew. `jingle` is one that was just uploaded: it is chosen already."""
    actor.need(Right.READ)
    changed = None if anew_all is None else named(station, actor, anew, anew_all)
    return _shown(request, station, actor, area, anew=changed, chosen=jingle)


@router.post("/sound")
def put(
    *,
    request: Request,
    station: StationDep,
    actor: ActorDep,
    area: Annotated[str, Form(max_length=64)],
    voice: Annotated[str, Form(max_length=60)] = "",
    rate_wpm: Annotated[str, Form(max_length=10)] = "",
    pitch: Annotated[str, Form(max_length=10)] = "",
    equaliser: Annotated[str, Form(max_length=10)] = "",
    call_mode: Annotated[str, Form(max_length=10)] = "",
    call: Annotated[str, Form(max_length=300)] = "",
    repeats: Annotated[str, Form(max_length=10)] = "",
    jingle: Annotated[str, Form(max_length=64)] = "",
    jingle_in_place_of_chime: Annotated[str, Form(max_length=3)] = "",
    seen: SeenDep = "",
) -> Response:
    """Replace what the area says itself; tells which bulletins are spoken anew."""
    actor.need(Right.PRONOUNCE, area)
    typed = {
        "voice": voice,
        "rate_wpm": rate_wpm,
        "pitch": pitch,
        "equaliser": equaliser,
        "call_mode": call_mode,
        "call": call,
        "repeats": repeats,
        "jingle": jingle,
        "jingle_in_place_of_chime": jingle_in_place_of_chime,
    }
    try:
        sound = _sound(typed)
        station.require_voices(sound.voice)
        anew = station.area_sounds.put(actor, area, sound, seen=seen)
    except BroadcasterError as error:
        return _shown(request, station, actor, area, typed=typed, problem=error, seen=seen)
    return RedirectResponse(f"/sound?{urlencode({'area': area})}&done=sound_saved&{address_of('anew', anew)}", 303)


@router.post("/sound/jingles")
async def upload(
    request: Request, station: StationDep, actor: ActorDep, area: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """Keep a jingle. Nothing sounds otherwise before it is chosen and saved."""
    actor.need(Right.EDIT)
    try:
        data, name = await file_of(request, LIMITS["jingle"].max_bytes)
        made = await run_in_threadpool(station.recordings.add, actor, data, name=name, kind="jingle")
    except (InvalidError, TooLargeError) as error:
        return await run_in_threadpool(_shown, request, station, actor, area, refused_upload=error)
    where = urlencode({"area": area, "done": "jingle_uploaded", "jingle": made.sha256})
    return RedirectResponse(f"/sound?{where}#content", 303)  # the form's own place is where a refusal stands


def _sound(typed: dict[str, str]) -> Sound:
    """What was typed. Nothing is as above; `none` is a deliberate nothing. Raises InvalidError."""
    given: dict[str, Any] = {
        name: typed[name].strip()
        for name in ("voice", "rate_wpm", "pitch", "equaliser", "repeats")
        if typed[name].strip()
    }
    for name in ("rate_wpm", "pitch", "repeats"):
        if name in given:
            given[name] = int(given[name]) if given[name].isdigit() else -1
    if typed["call_mode"]:
        given["call"] = typed["call"].strip() if typed["call_mode"] == OWN else ""
    if typed["jingle"]:
        given["jingle"] = "" if typed["jingle"] == "none" else typed["jingle"]
    if typed["jingle_in_place_of_chime"]:
        given["jingle_in_place_of_chime"] = typed["jingle_in_place_of_chime"] == "yes"
    try:
        return Sound(**given)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        limits = {"rate_wpm": "80 – 260", "pitch": "0 – 100", "repeats": f"0 – {MOST_REPEATS}"}.get(name, "")
        raise InvalidError(
            f"Giá trị không dùng được{f'; nhập số trong khoảng {limits}' if limits else ''}.",
            f"This value does not serve{f'; enter a number from {limits}' if limits else ''}.",
            field=name,
        ) from error


def _typed(own: Sound) -> dict[str, str]:
    given = own.given()
    found = {name: str(given.get(name, "")) for name in FIELDS}
    found["call_mode"] = "" if own.call is None else OWN if own.call else "none"
    found["jingle"] = "none" if own.jingle == "" else found["jingle"]
    chime = own.jingle_in_place_of_chime
    found["jingle_in_place_of_chime"] = "" if chime is None else "yes" if chime else "no"
    return found


def _jingles(station: Station, actor: Actor, used: Iterable[str]) -> list[Recording]:
    """The newest that were uploaded, and those that are used."""
    newest = station.recordings.newest(actor, kind="jingle", limit=JINGLES)
    there = {row.sha256 for row in newest}
    return [*newest, *(row for row in station.recordings.of(actor, "jingle", used) if row.sha256 not in there)]


def _shown(
    request: Request,
    station: Station,
    actor: Actor,
    area: str,
    *,
    typed: dict[str, str] | None = None,
    problem: BroadcasterError | None = None,
    anew: Named | None = None,
    seen: str = "",
    chosen: str = "",
    refused_upload: BroadcasterError | None = None,
) -> Response:
    tree = tree_of(station)
    at = area or tree.first(actor)
    if at is None:
        return pages.page(request, "area_none.html", actor=actor, heading="sound", tree=tree)
    of = station.area_sounds.of(actor, at)
    way = tree.way(at)
    with station.database.reading() as session:
        above = station.speaking.sound_of(session, [each.id for each in way[:-1]])
    voices = sorted({name for engine in station.engines.values() for name in engine.voices.get("vi", ())})
    typed = _typed(of.own) if typed is None else typed
    jingles = _jingles(station, actor, (chosen, typed["jingle"], of.effective.jingle or "", above.jingle or ""))
    if chosen in (row.sha256 for row in jingles):
        typed["jingle"] = chosen
    return pages.page(
        request,
        "sound.html",
        actor=actor,
        tree=tree,
        area=tree.areas[at],
        parent=way[-2] if len(way) > 1 else None,
        own=of.own,
        effective=of.effective,
        above=above,
        typed=typed,
        voices=[(name, name) for name in dict.fromkeys([*voices, *([of.own.voice] if of.own.voice else [])])],
        pitch=any(engine.pitch for engine in station.engines.values()),
        jingles=jingles,
        most_repeats=MOST_REPEATS,
        problem=problem or refused_upload,
        refused_upload=refused_upload is not None,
        seen=carried(seen, problem, state_of(of.own)),
        changed=[
            (_LABELS[name], *("" if each is None else str(each) for each in pair))
            for name, pair in changed_of(problem).items()
        ],
        anew=anew,
        may_change=actor.may(Right.PRONOUNCE, at),
        may_upload=actor.may(Right.EDIT),
    )
