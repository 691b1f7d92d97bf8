"""MP3 in pieces that can be joined: what did not change need not be encoded again.

Each piece is encoded by itself with LAME, without the bit reservoir, so that its frames stand alone; it begins and ends in silence and its length is a whole number of
frames, so the joined frames decode to exactly what one long encoding would give. 64 kbit/s mono at 24 kHz: both engines give at most 24 kHz, horn loudspeakers end near
8 kHz, and LAME has twice the bits a sample that it would have at 48 kHz; MPEG-2 Layer III at 24 kHz is read by whatever reads MP3. Every frame has 192 bytes.
"""

import io
from collections.abc import Mapping, Sequence

import av

from audio.pcm import Pcm, audio_frames, collected

SAMPLE_RATE = 24_000
BIT_RATE = 64_000
FRAME = 576
"""Samples in a frame of MPEG-2 Layer III."""
DELAY = 1_105
"""Samples by which LAME (576) and the decoder (529) delay the sound; the LAME tag tells players to skip them."""
FRAME_BYTES = 192
QUIET_END = 3 * FRAME
"""Silence that a piece must end with, so that nothing is lost where it is cut off."""
_LAME_DELAY = 576
_TAIL = 2
"""Frames after the last piece that hold the end of the delayed sound."""


def whole_frames(sound: Pcm, *, last: bool = False) -> Pcm:
    """``sound`` with silence added, so that it is a whole number of frames; the last piece is made to end, with the delay, on a frame."""
    extra = -(sound.frames + DELAY) % FRAME if last else -sound.frames % FRAME
    return Pcm(sound.data + bytes(extra * 2), sound.rate)


def encode_piece(sound: Pcm) -> bytes:
    """The frames of a piece, and after them the two that hold the end of its delayed sound. ``sound`` is at 24 kHz and ends in silence."""
    if sound.rate != SAMPLE_RATE:
        raise ValueError(f"a piece must be at {SAMPLE_RATE} Hz, not {sound.rate}")
    packets: list[bytes] = []
    with av.open(io.BytesIO(), "w", format="mp3") as container:
        stream = container.add_stream(
            "libmp3lame", rate=SAMPLE_RATE, options={"compression_level": "7", "reservoir": "0"}
        )
        stream.bit_rate = BIT_RATE
        stream.layout = "mono"
        for frame in (*audio_frames(sound), None):
            packets += [bytes(packet) for packet in stream.encode(frame)]
    wanted = -(-sound.frames // FRAME) + _TAIL
    data = b"".join(packets[:wanted])
    if len(data) != wanted * FRAME_BYTES:
        raise RuntimeError(
            f"LAME gave {len(packets)} frames for {sound.frames} samples: this build of FFmpeg does not suit"
        )
    return data


def decode_piece(data: bytes) -> Pcm:
    """A piece's frames as sound, from its first sample on."""
    with av.open(io.BytesIO(data), "r", format="mp3") as container:
        sound = collected(container.decode(audio=0), SAMPLE_RATE)
    return Pcm(sound.data[DELAY * 2 :], SAMPLE_RATE)


def join(pieces: Sequence[bytes], tags: Mapping[str, str]) -> bytes:
    """Pieces of :func:`encode_piece` as one MP3 file with ID3v2.4 tags (unknown names become ``TXXX`` frames) and the LAME tag that makes it gapless.

    All pieces but the last are whole frames, the last one is made by ``whole_frames(…, last=True)``: then the decoded file has exactly the samples of the pieces.
    """
    tail = _TAIL * FRAME_BYTES
    body = b"".join(piece[:-tail] for piece in pieces[:-1]) + pieces[-1]
    # The last piece's length with the delay is a whole number of frames; encode_piece rounds up and adds two, one too many.
    body = body[: -FRAME_BYTES * _surplus()]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3") as container:
        container.metadata.update(dict(tags))
        stream = container.add_stream("libmp3lame", rate=SAMPLE_RATE)
        stream.bit_rate = BIT_RATE
        stream.layout = "mono"
        container.start_encoding()
        for place in range(0, len(body), FRAME_BYTES):
            packet = av.Packet(body[place : place + FRAME_BYTES])
            packet.stream = stream
            packet.pts = packet.dts = place // FRAME_BYTES * FRAME
            container.mux(packet)
    return _gapless(bytearray(buffer.getvalue()))


def _surplus() -> int:
    """Frames that the last piece has too many: ceil(n / FRAME) + 2 against (n + DELAY) / FRAME, where the latter is whole."""
    n = FRAME * 10 - DELAY
    return -(-n // FRAME) + _TAIL - (n + DELAY) // FRAME


def _gapless(mp3: bytearray) -> bytes:
    """Write the encoder's delay into the LAME tag, and the tag's checksum anew. (FFmpeg's muxer knows the delay only of what it encoded itself.)"""
    info = mp3.find(b"Info")
    start = info - 13  # frame header and side information of an MPEG-2 mono frame
    delay_at = info + 141  # after frames, bytes, table of contents, quality and nine fields of the LAME tag
    mp3[delay_at : delay_at + 3] = (_LAME_DELAY << 12).to_bytes(3, "big")
    crc_at = info + 154
    mp3[crc_at : crc_at + 2] = _crc16(mp3[start:crc_at]).to_bytes(2, "big")
    return bytes(mp3)


def _crc16(data: bytes | bytearray) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc
