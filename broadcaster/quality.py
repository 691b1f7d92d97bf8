"""The quality report as it is kept with a bulletin, and the gate: a clip with a fault is neither submitted nor released."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from audio.quality import Fault, assess
from audio.rendered import Rendered
from audio.script import Token
from audio.sentences import places_of_script
from broadcaster.errors import ConflictError
from broadcaster.people import Actor
from broadcaster.speech import WAITING, Speech, place
from broadcaster.storage.models import Bulletin
from broadcaster.whereabouts import visible_to

Json = dict[str, Any]


def report(rendered: Rendered, speech: Speech) -> Json:
    """The report of a fresh clip. Places are offsets in the title, the text, or the text of a further language version."""
    found = assess(rendered)
    uncertain = [
        _uncertain(token, speech, number)
        for number, version in enumerate(rendered.versions)
        if version.script is not None
        for token in version.script.uncertain
    ]
    others = [
        {"fault": str(each.fault), "vi": each.vi, "en": each.en}
        for each in found.faults
        if each.fault is not Fault.UNCERTAIN
    ]
    return {
        "uncertain": uncertain,
        "faults": [*(_fault(token) for token in uncertain), *others],
        "syllables": found.syllables,
        "syllables_a_second": _rounded(found.syllables_a_second),
        "slowest": _rounded(found.slowest),
        "fastest": _rounded(found.fastest),
        "lufs": found.lufs,
        "true_peak_dbtp": found.true_peak_dbtp,
        "clipped": found.clipped,
        "duration_ms": found.duration_ms,
        "engine": found.engine,
        "voice": found.voice,
        "synthetic": found.synthetic,
        "fallback": found.fallback,
        "fallback_reason": found.fallback_reason,
        "sentences": _heard(rendered, speech),
    }


def _heard(rendered: Rendered, speech: Speech) -> list[Json]:
    """When each sentence of title and text is heard, in milliseconds, and where it stands there; again where it is repeated."""
    read = rendered.versions[0].script
    if read is None:
        return []
    places = places_of_script(read)
    found: list[Json] = []
    waited_for = 0
    for sentence in rendered.sentences:
        if sentence.text != places[waited_for][0]:
            continue  # the station's call, "Xin nhắc lại", another language
        _, start, end = places[waited_for]
        part, first, last = place(speech.title, start, end)
        heard = {"start_ms": sentence.start_ms, "end_ms": sentence.start_ms + sentence.speech_ms}
        found.append({**heard, "part": part, "start": first, "end": last})
        waited_for = (waited_for + 1) % len(places)
    return found


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 2)


def _uncertain(token: Token, speech: Speech, number: int) -> Json:
    part, start, end = place(speech.title, token.start, token.end) if number == 0 else ("text", token.start, token.end)
    return {
        "version": number,
        "part": part,
        "start": start,
        "end": end,
        "text": token.text,
        "kind": token.cls.value,
        "reading": token.reading,
        "alternatives": list(token.alternatives),
    }


def _fault(token: Json) -> Json:
    text, reading = token["text"][:40], token["reading"]
    said = (
        (f"đang đọc là “{reading}”", f"it is read as “{reading}”") if reading else ("chưa đọc được", "it is not read")
    )
    return {
        "fault": str(Fault.UNCERTAIN),
        "vi": f"Chưa chắc cách đọc “{text}” ({said[0]}): hãy xác nhận, chọn cách đọc khác, hoặc viết rõ bằng lời.",
        "en": f"The reading of “{text}” is uncertain ({said[1]}): confirm it, choose another, or write it out in words.",
        "text": token["text"],
        "reading": reading,
    }


def without(quality: Json | None, settled: Collection[tuple[str, str]]) -> Json | None:
    """The report of the same clip once the readings of these (text, reading) are settled as they are spoken."""
    if quality is None:
        return None
    return {
        **quality,
        "uncertain": [each for each in quality["uncertain"] if (each["text"], each["reading"]) not in settled],
        "faults": [
            each
            for each in quality["faults"]
            if each["fault"] != Fault.UNCERTAIN or (each["text"], each["reading"]) not in settled
        ],
    }


def require_speech(bulletin: Bulletin) -> None:
    """Raise ConflictError while the speech is not made, or where it could not be."""
    if bulletin.rendering == "done" and bulletin.clip_sha256 is not None:
        return
    if bulletin.rendering == "failed":
        raise ConflictError(
            f"Không tạo được giọng đọc: {bulletin.rendering_error_vi}",
            f"The speech could not be made: {bulletin.rendering_error_en}",
            rendering=bulletin.rendering,
        )
    raise ConflictError(
        "Giọng đọc chưa tạo xong. Chờ tạo xong, nghe thử, rồi gửi hoặc duyệt.",
        f"The speech is not made ({bulletin.rendering}). Wait, listen, then submit or release.",
        rendering=bulletin.rendering,
    )


def require_quality(bulletin: Bulletin) -> None:
    """Raise ConflictError, with all faults, unless the clip passes every gate."""
    require_speech(bulletin)
    if bulletin.quality is None:
        raise ConflictError(
            "Tệp âm thanh chưa được kiểm tra chất lượng. Sửa và lưu lại bản tin để tạo lại.",
            "The clip was never assessed. Edit and save the bulletin to have it made again.",
        )
    faults = bulletin.quality["faults"]
    if faults:
        more = len(faults) - 1
        raise ConflictError(
            f"Tệp âm thanh chưa đạt: {faults[0]['vi']}" + (f" (và {more} lỗi khác)" if more else ""),
            f"The clip does not pass: {faults[0]['en']}" + (f" (and {more} more)" if more else ""),
            faults=faults,
        )


@dataclass(frozen=True)
class Blocked:
    """A waiting bulletin that the gate holds back, and why."""

    id: str
    title: str
    faults: list[Json]


def blocked_bulletins(session: Session, actor: Actor, *, limit: int) -> list[Blocked]:
    """The waiting bulletins, of those that this person may see, whose clip has a fault, or has none because the speech could not be made; the newest first."""
    waiting = session.scalars(
        select(Bulletin)
        .where(Bulletin.state.in_(WAITING), Bulletin.rendering != "pending", *visible_to(actor))
        .order_by(Bulletin.updated_at.desc())
        .limit(10 * limit)
    )
    return [Blocked(row.id, row.title, faults) for row in waiting if (faults := _faults(row))][:limit]


def _faults(bulletin: Bulletin) -> list[Json]:
    if bulletin.rendering == "failed":
        return [{"fault": "failed", "vi": bulletin.rendering_error_vi, "en": bulletin.rendering_error_en}]
    return list((bulletin.quality or {}).get("faults", ()))
