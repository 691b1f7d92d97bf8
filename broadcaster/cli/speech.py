"""`say` and `script`: speech from the command line, without a station."""

import dataclasses
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

from audio.announcement import Announcement, Text
from audio.errors import RenderError
from audio.quality import assess
from audio.render import build_renderer
from audio.rendered import OPUS
from audio.script import read
from audio.script.checks import check
from audio.script.findings import Severity
from audio.wav import WAV, wav_of
from broadcaster.errors import InvalidError, SetupError

USUAL_ENGINES = ("gtts", "espeak")
ENGINES = (*USUAL_ENGINES, "piper")

_SUFFIXES = (".mp3", ".opus", ".ogg", ".wav")


def say_text(
    text: str,
    output: Path,
    *,
    engines: list[str] | None,
    piper_voice: Path | None,
    language: str,
    voice: str | None,
    rate: int,
    pitch: int,
    equaliser: str,
    json_output: bool,
) -> None:
    """Render a text and put the clip at `output`, whole or not at all, in the format that its suffix names."""
    unknown = sorted(set(engines or ()) - set(ENGINES))
    if unknown:
        raise SetupError(
            f"Không có bộ đọc '{unknown[0]}'. Chọn: {', '.join(ENGINES)}.",
            f"There is no engine '{unknown[0]}'. Choose from: {', '.join(ENGINES)}.",
        )
    if "piper" in (engines or ()) and (piper_voice is None or not piper_voice.is_file()):
        raise SetupError(
            "Bộ đọc piper cần tệp giọng đọc: hãy thêm --piper-voice và đường dẫn tệp .onnx.",
            "The engine piper needs a voice file: add --piper-voice and the path of its .onnx file.",
        )
    suffix = output.suffix.lower()
    if suffix not in _SUFFIXES:
        raise SetupError(
            f"Không ghi được tệp dạng '{suffix}'. Chọn: {', '.join(_SUFFIXES)}.",
            f"A clip cannot be written as '{suffix}'. Choose from: {', '.join(_SUFFIXES)}.",
        )
    if not output.parent.is_dir():
        raise SetupError(f"Không có thư mục {output.parent}.", f"There is no folder {output.parent}.")
    with tempfile.TemporaryDirectory() as folder:
        renderer = build_renderer(
            Path(folder),
            engines=tuple(engines or USUAL_ENGINES),
            piper_voice=piper_voice,
            equaliser=equaliser,
            opus=suffix in (".opus", ".ogg"),
        )
        try:
            version = Text(text, language, voice=voice, rate_wpm=rate, pitch=pitch)
            rendered = renderer.render(Announcement((version,)))
            clip = rendered.clip
        except RenderError as error:
            raise InvalidError(error.vi, error.en) from error
        finally:
            renderer.close()
        facts = {**dataclasses.asdict(clip), "path": str(output), "quality": assess(rendered).as_dict()}
        opus = facts.pop("opus")
        data = clip.path.read_bytes()
        if clip.opus is not None:
            facts |= {**opus, "path": str(output), "media_type": OPUS}
            data = clip.opus.path.read_bytes()
        elif suffix == ".wav":
            data = wav_of(clip.path)
            facts |= {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "media_type": WAV}
    _write(data, output)
    if json_output:
        sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
        return
    note = f" ({clip.fallback_reason})" if clip.fallback else ""
    sys.stdout.write(
        f"{output}: {facts['duration_ms'] / 1000:.1f} s, {facts['lufs']:.1f} LUFS, {facts['true_peak_dbtp']:.1f} dBTP, "
        f"engine {clip.engine}, voice {clip.voice}{note}\n"
    )


def _write(data: bytes, output: Path) -> None:
    temporary = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(output)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SetupError(
            f"Không ghi được {output}: {error.strerror}.", f"{output} cannot be written: {error.strerror}."
        ) from error


def check_text(text: str, *, json_output: bool) -> int:
    """Print what the editorial checks find; 1 if a finding blocks the release, else 0."""
    findings = check(text)
    if json_output:
        sys.stdout.write(json.dumps([dataclasses.asdict(item) for item in findings], ensure_ascii=False) + "\n")
    else:
        for item in findings:
            line = text.count("\n", 0, item.start) + 1
            change = "" if item.proposal is None else f" → “{item.proposal}”"
            sys.stdout.write(
                f"dòng {line}: {item.severity}: {item.concern}: “{item.text[:60]}”{change}: {item.cause}\n"
            )
    return 1 if any(item.severity is Severity.ERROR for item in findings) else 0


def show_script(text: str, *, json_output: bool) -> None:
    """The spoken form, one line for each line; or the tokens of the whole text as JSON."""
    if not json_output:
        # Only a line feed ends a line here: one line in, one line out, whatever else Unicode calls a line.
        for line in text.removesuffix("\n").split("\n"):
            sys.stdout.write(read(line).plain() + "\n")
        return
    script = read(text)
    tokens = [
        {
            "start": token.start,
            "end": token.end,
            "text": token.text,
            "class": token.cls.value,
            "reading": token.reading,
            "alternatives": list(token.alternatives),
            "certain": token.certain,
        }
        for token in script.tokens
    ]
    said = {"sha256": script.sha256, "lexicon": script.lexicon, "tokens": tokens}
    sys.stdout.write(json.dumps(said, ensure_ascii=False) + "\n")
