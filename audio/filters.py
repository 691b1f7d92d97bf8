"""FFmpeg's filters on sound in memory."""

from collections.abc import Iterable, Iterator

import av
from av.filter import Graph

from audio.pcm import Pcm, audio_frames, collected


def graph(rate: int, filters: Iterable[tuple[str, str]]) -> Graph:
    """A chain of filters (name, options) for mono float sound at ``rate`` Hz."""
    made = Graph()
    last = made.add_abuffer(sample_rate=rate, format="flt", layout="mono")
    for name, options in (*filters, ("abuffersink", "")):
        following = made.add(name, options) if options else made.add(name)
        last.link_to(following)
        last = following
    made.configure()
    return made


def pulled(filters: Graph) -> Iterator[av.AudioFrame]:
    """What comes out of the graph until it wants more, or has ended."""
    while True:
        try:
            frame = filters.pull()
            if isinstance(frame, av.AudioFrame):
                yield frame
        except (av.BlockingIOError, av.EOFError):
            return


def filtered(sound: Pcm, filters: Iterable[tuple[str, str]]) -> Pcm:
    """The sound through a chain of filters that keep its length."""
    chain = graph(sound.rate, filters)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=sound.rate)

    def shaped() -> Iterator[av.AudioFrame]:
        for frame in audio_frames(sound):
            for part in resampler.resample(frame):
                chain.push(part)
            yield from pulled(chain)
        chain.push(None)
        yield from pulled(chain)

    return collected(shaped(), sound.rate)
