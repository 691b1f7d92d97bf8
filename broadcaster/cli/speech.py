"""`say` and `script`: speech from the command line, without a station."""

import dataclasses
import json
import os
import sys
import tempfile
from pathlib import Path

from audio.render import RenderError, build_renderer
from audio.script import read
from audio.script.checks import check
from audio.script.findings import Severity
from broadcaster.errors import InvalidError, SetupError

ENGINES = ("gtts", "espeak")


def say_text(text: str, output: Path, *, engines: list[str] | None, voice: str, rate: int, json_output: bool) -> None:
    """Render a text and put the clip at `output`, whole or not at all."""
    unknown = sorted(set(engines or ()) - set(ENGINES))
    if unknown:
        raise SetupError(
            f"Không có bộ đọc '{unknown[0]}'. Chọn: {', '.join(ENGINES)}.",
            f"There is no engine '{unknown[0]}'. Choose from: {', '.join(ENGINES)}.",
        )
    if not output.parent.is_dir():
        raise SetupError(f"Không có thư mục {output.parent}.", f"There is no folder {output.parent}.")
    with tempfile.TemporaryDirectory() as folder:
        renderer = build_renderer(Path(folder), engines=tuple(engines or ENGINES), voice=voice, rate=rate)
        try:
            clip = renderer.render(text).clip
        except RenderError as error:
            raise InvalidError(error.vi, error.en) from error
        finally:
            renderer.close()
        temporary = output.with_name(f".{output.name}.{os.getpid()}")
        try:
            temporary.write_bytes(clip.path.read_bytes())
            temporary.replace(output)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise SetupError(
                f"Không ghi được {output}: {error.strerror}.", f"{output} cannot be written: {error.strerror}."
            ) from error
    if json_output:
        facts = {**dataclasses.asdict(clip), "path": str(output)}
        sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
        return
    note = f" ({clip.fallback_reason})" if clip.fallback else ""
    sys.stdout.write(
        f"{output}: {clip.duration_ms / 1000:.1f} s, {clip.lufs:.1f} LUFS, {clip.true_peak_dbtp:.1f} dBTP, "
        f"engine {clip.engine}{note}\n"
    )


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
    sys.stdout.write(json.dumps({"sha256": script.sha256, "tokens": tokens}, ensure_ascii=False) + "\n")
