"""A Piper voice for tests: a network of four nodes that makes a tone of each letter, written as ONNX by hand."""

import json
import math
import struct
from pathlib import Path

LETTERS = "_^$ aăâbcdđeêghiklmnoôơpqrstuưvxyàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ,.\u0300\u0301\u0302\u0303\u0306\u0309\u031b\u0323"


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _node(kind: str, inputs: list[str], output: str, attribute: bytes = b"") -> bytes:
    return _field(1, b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(4, kind) + attribute)


def _tensor(name: str, dims: list[int], kind: int, raw: bytes) -> bytes:
    return _field(5, b"".join(_field(1, dim) for dim in dims) + _field(2, kind) + _field(8, name) + _field(9, raw))


def _value(number: int, name: str, kind: int, dims: list[str]) -> bytes:
    shape = b"".join(_field(1, _field(2, dim)) for dim in dims)
    return _field(number, _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, shape))))


def write_voice(folder: Path) -> Path:
    """Make ``test.onnx`` and its settings in ``folder``; returns the path of the voice. Each letter sounds 1,200 samples at 22,050 Hz."""
    tone = struct.pack("<1200f", *(0.5 * math.sin(2 * math.pi * 440 * step / 22_050) for step in range(1200)))
    cast = _field(5, _field(1, "to") + _field(3, 1) + _field(20, 2))
    graph = (
        _node("Cast", ["input"], "numbers", cast)
        + _node("Reshape", ["numbers", "column"], "letters")
        + _node("MatMul", ["letters", "tone"], "sound")
        + _node("Reshape", ["sound", "row"], "output")
        + _field(2, "voice")
        + _tensor("column", [2], 7, struct.pack("<2q", -1, 1))
        + _tensor("row", [4], 7, struct.pack("<4q", 1, 1, 1, -1))
        + _tensor("tone", [1, 1200], 1, tone)
        + _value(11, "input", 7, ["batch", "n"])
        + _value(11, "input_lengths", 7, ["batch"])
        + _value(11, "scales", 1, ["three"])
        + _value(12, "output", 1, ["a", "b", "c", "d"])
    )
    voice = folder / "test.onnx"
    voice.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, _field(2, 13)))
    settings = {
        "audio": {"sample_rate": 22_050},
        "espeak": {"voice": "vi"},
        "phoneme_type": "text",
        "num_symbols": len(LETTERS),
        "num_speakers": 1,
        "phoneme_id_map": {letter: [place + 1] for place, letter in enumerate(LETTERS)},
    }
    voice.with_name("test.onnx.json").write_text(json.dumps(settings), encoding="utf-8")
    return voice
