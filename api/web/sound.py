"""How an area sounds: voice, rate, pitch, equaliser, call, repeats, jingle; each its own, or as above."""

from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.uploads import Posted, posted_of
from api.web import page as pages
from api.web.area_tree import tree_of
from api.web.meanwhile import carried, changed_of
from api.web.mentions import CountDep, IdsDep, Named, address_of, named
from audio.announcement import MOST_REPEATS
from audio.recordings import FORMATS
from broadcaster.area_sounds import state_of
from broadcaster.errors import BroadcasterError, InvalidError, TooLargeError
from broadcaster.people import Actor, Right
from broadcaster.recordings import LIMITS
from broadcaster.sound import PITCHES, RATES_WPM, Sound
from broadcaster.station import Station
from broadcaster.storage.models import Recording

router = pages.router()
JINGLES = 50
LONGEST = 1000
"""Letters of a field that are looked at; more than any may have."""
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
) -> Response:
    """What an area says itself, and what is in force there; after a change, what is spoken anew."""
    actor.need(Right.READ)
    changed = None if anew_all is None else named(station, actor, anew, anew_all)
    return _shown(request, station, actor, area, anew=changed)


@router.post("/sound")
async def put(
    request: Request, station: StationDep, actor: ActorDep, area: Annotated[str, Query(max_length=64)]
) -> Response:
    """Keep the jingle that was chosen; then show the form with it, or replace what the area says itself, which tells what is spoken anew."""
    actor.need(Right.PRONOUNCE, area)
    posted = await posted_of(request, LIMITS["jingle"].max_bytes)
    return await run_in_threadpool(_taken, request, station, actor, area, posted)


def _taken(request: Request, station: Station, actor: Actor, area: str, posted: Posted) -> Response:
    typed = {name: posted.fields.get(name, "")[:LONGEST] for name in (*FIELDS, "call_mode")}
    seen = posted.fields.get("seen", "")
    only = posted.fields.get("do") == "upload"
    try:
        if only or posted.file or posted.refused:
            data, name = posted.chosen()
            typed["jingle"] = station.recordings.add(actor, data, name=name, kind="jingle").sha256
    except (InvalidError, TooLargeError) as error:
        return _shown(request, station, actor, area, typed=typed, seen=seen, refused_upload=error)
    if only:
        return _shown(request, station, actor, area, typed=typed, seen=seen, uploaded=True)
    try:
        sound = _sound(typed)
        station.require_voices(sound.voice)
        anew = station.area_sounds.put(actor, area, sound, seen=seen)
    except BroadcasterError as error:
        return _shown(request, station, actor, area, typed=typed, problem=error, seen=seen)
    return RedirectResponse(f"/sound?{urlencode({'area': area})}&done=sound_saved&{address_of('anew', anew)}", 303)


def _sound(typed: dict[str, str]) -> Sound:
    """What was typed. Nothing is as above; `none` is a deliberate nothing. Raises InvalidError."""
    given: dict[str, Any] = {
        name: typed[name].strip()
        for name in ("voice", "rate_wpm", "pitch", "equaliser", "repeats")
        if typed[name].strip()
    }
    for name in ("rate_wpm", "pitch", "repeats"):
        if name in given:
            given[name] = int(given[name]) if given[name].isdecimal() else -1
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
        between = {"rate_wpm": RATES_WPM, "pitch": PITCHES, "repeats": (0, MOST_REPEATS)}.get(name)
        limits = f"{between[0]} – {between[1]}" if between else ""
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
    uploaded: bool = False,
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
    jingles = _jingles(station, actor, (typed["jingle"], of.effective.jingle or "", above.jingle or ""))
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
        uploaded=uploaded,
        rates=RATES_WPM,
        pitches=PITCHES,
        limits=LIMITS["jingle"],
        formats=FORMATS,
        seen=carried(seen, problem, state_of(of.own)),
        changed=[
            (_LABELS[name], *("" if each is None else str(each) for each in pair))
            for name, pair in changed_of(problem).items()
        ],
        anew=anew,
        may_change=actor.may(Right.PRONOUNCE, at),
        may_upload=actor.may(Right.EDIT),
    )
