"""A language version to sound: by an engine that has the voice, or from a recording."""

import hashlib
import json
from dataclasses import dataclass, replace

from audio import script
from audio.announcement import Recording, Text
from audio.composition import Piece
from audio.engines.chain import EngineChain, Manner
from audio.errors import RenderError
from audio.recordings import load
from audio.rendered import RECORDED, RenderedVersion
from audio.sentences import CALL_PAUSE_MS, Sentences, sentences_as_written, sentences_of_script, with_repeats
from audio.store import ClipStore


@dataclass(frozen=True, slots=True)
class Spoken:
    """A version's pieces in the order in which they are heard."""

    version: RenderedVersion
    pieces: tuple[Piece, ...]


def speak(text: Text, chain: EngineChain, usual: Manner, *, call: Text | None = None, repeats: int = 0) -> Spoken:
    """Have ``text`` spoken, ``call`` before it, in one voice. ``usual`` is the station's manner, for what the text leaves open.

    Raises :class:`RenderError` for a voice or a rate that no engine has, and ``EngineError`` if none could speak.
    """
    manner = _manner(text, usual)
    _check(chain, text.language, manner)
    read, body = _sentences(text)
    if not body:
        raise RenderError(
            "văn bản không có gì đọc được: hãy viết ít nhất một từ",
            "the text holds nothing that can be spoken: write at least one word",
        )
    sentences = with_repeats(_sentences(call)[1] if call else [], body, repeats, vietnamese=read is not None)
    made = chain.speak([words for words, _ in sentences], manner, language=text.language)
    source = (made.engine, replace(manner, voice=made.voice))
    return Spoken(
        RenderedVersion(
            language=text.language,
            script=read,
            sha256=read.sha256 if read else _sha256(body),
            engine=made.engine,
            voice=made.voice,
            fallback=made.fallback,
            fallback_reason=made.fallback_reason,
        ),
        tuple(
            Piece(sound, source, (source, words), pause_ms, words, text.language)
            for sound, (words, pause_ms) in zip(made.sounds, sentences, strict=True)
        ),
    )


def play(recording: Recording, store: ClipStore, *, repeats: int = 0) -> Spoken:
    """A recorded version, again after a pause if it is repeated: no voice that is not its own is put into it. Raises :class:`RenderError` if the store does not have it."""
    sound = load(recording.sha256, store)
    piece = Piece(sound, ("recording", recording.sha256), recording.sha256, CALL_PAUSE_MS)
    return Spoken(
        RenderedVersion(
            language=recording.language,
            script=None,
            sha256=recording.sha256,
            engine=RECORDED,
            voice=RECORDED,
            fallback=False,
            fallback_reason=None,
        ),
        (piece,) * (repeats + 1),
    )


def _sentences(text: Text) -> tuple[script.Script | None, Sentences]:
    if not text.vietnamese:
        return None, sentences_as_written(text.text)
    read = script.read(text.text, text.lexicon)
    return read, sentences_of_script(read)


def _sha256(body: Sentences) -> str:
    return hashlib.sha256(json.dumps(body, ensure_ascii=False).encode()).hexdigest()


def _manner(text: Text, usual: Manner) -> Manner:
    if text.voice is None and not text.vietnamese:
        raise RenderError(
            f"bản tiếng “{text.language}” chưa có giọng đọc: hãy chọn giọng hoặc tải lên bản ghi âm",
            f"the version in {text.language!r} names no voice: choose one, or upload a recording",
        )
    return Manner(
        usual.voice if text.voice is None else text.voice,
        usual.rate_wpm if text.rate_wpm is None else text.rate_wpm,
        usual.pitch if text.pitch is None else text.pitch,
    )


def _check(chain: EngineChain, language: str, manner: Manner) -> None:
    voice, rate_wpm, pitch = manner.voice, manner.rate_wpm, manner.pitch
    having = [each.link.engine for each in chain.speakers(voice, language) if each.instead_of is None]
    if not having:
        offered = {
            link.engine.name: link.engine.capabilities.voices.get(language.partition("-")[0], ())
            for link in chain.links
        }
        listed = "; ".join(f"{name}: {', '.join(voices)}" for name, voices in offered.items() if voices)
        raise RenderError(
            f"không có giọng “{voice[:40]}” cho tiếng “{language}”. "
            + (f"Hãy chọn: {listed}" if listed else "Không bộ đọc nào nói tiếng này: hãy tải lên bản ghi âm"),
            f"there is no voice {voice[:40]!r} for {language!r}: "
            + (f"choose from {listed}" if listed else "no engine speaks this language, upload a recording"),
        )
    rates = [engine.capabilities.rates for engine in having]
    if not any(low <= rate_wpm <= high for low, high in rates):
        low, high = min(each for each, _ in rates), max(each for _, each in rates)
        raise RenderError(
            f"giọng “{voice}” đọc được {low} đến {high} từ một phút, không phải {rate_wpm}: hãy chọn lại tốc độ",
            f"the voice {voice!r} speaks {low} to {high} words a minute, not {rate_wpm}: choose another rate",
        )
    if not 0 <= pitch <= 100:
        raise RenderError(
            f"cao độ giọng phải từ 0 đến 100, không phải {pitch}", f"the pitch is 0 to 100, not {pitch}: choose another"
        )
