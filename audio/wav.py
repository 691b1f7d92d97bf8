"""A clip as WAV, for whoever edits sound or burns it to a card. Nothing in the station plays it."""

import io
from pathlib import Path

import av

from audio.mastering import decode
from audio.pcm import audio_frames

WAV = "audio/wav"


def wav_of(clip: Path) -> bytes:
    """What is heard of a clip's MP3, 16 bit mono at its rate; its title and the mark that it is synthetic go into the INFO chunk."""
    with av.open(str(clip), "r") as container:
        tags = dict(container.metadata)
    sound = decode(clip)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="wav", container_options={"fflags": "+bitexact"}) as container:
        container.metadata["title"] = tags["title"]
        container.metadata["comment"] = (
            f"{tags['comment']}; SYNTHETIC_SPEECH={tags['SYNTHETIC_SPEECH']}; SCRIPT_SHA256={tags['SCRIPT_SHA256']}"
        )
        stream = container.add_stream("pcm_s16le", rate=sound.rate, layout="mono")
        for frame in (*audio_frames(sound), None):
            container.mux(stream.encode(frame))
    return buffer.getvalue()
