"""Fetching clips from file servers that break off, lie about ranges, or forge."""

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from devices.receiver.clips import Clips, Fetched
from devices.wire.messages import Sound
from tests.media import Media

DATA = bytes(range(256)) * 400
SOUND = Sound(sha256=hashlib.sha256(DATA).hexdigest(), size=len(DATA), duration_ms=1000)
STOP = threading.Event()


@pytest.fixture
def media() -> Iterator[Media]:
    made = Media()
    made.clips[SOUND.sha256] = DATA
    yield made
    made.close()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=5) as made:
        yield made


def files(clips: Clips) -> list[str]:
    return sorted(path.suffix for path in clips.path(SOUND).parent.iterdir())


def test_a_clip_is_fetched_and_verified(tmp_path: Path, media: Media, client: httpx.Client) -> None:
    clips = Clips(tmp_path)
    assert not clips.present(SOUND)
    assert clips.fetch(SOUND, (media.url,), client, STOP)[0] is Fetched.READY
    assert clips.present(SOUND)
    assert clips.verified(SOUND)
    assert clips.path(SOUND).read_bytes() == DATA
    assert clips.size() == len(DATA)
    assert files(clips) == [".mp3"]


def test_what_another_thread_takes_away_meanwhile_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Outdated(list[os.DirEntry[str]]):
        """What stood in a folder just before its last file got another name."""

        def __enter__(self) -> "Outdated":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    clips = Clips(tmp_path, reserve_bytes=0)
    clips.path(SOUND).write_bytes(DATA)
    part, seen = tmp_path / f"{'b' * 64}.part", os.scandir

    def scandir(folder: Path) -> Outdated:
        part.write_bytes(b"x")
        listed = Outdated(seen(folder))
        part.unlink()
        return listed

    monkeypatch.setattr(os, "scandir", scandir)
    assert clips.size() == len(DATA)
    assert clips.make_room(SOUND, set())


def test_it_goes_on_where_it_broke_off(tmp_path: Path, media: Media, client: httpx.Client) -> None:
    clips = Clips(tmp_path)
    media.break_after = 40_960
    assert clips.fetch(SOUND, (media.url,), client, STOP)[0] is Fetched.UNAVAILABLE
    assert files(clips) == [".part"]
    media.break_after = None
    assert clips.fetch(SOUND, (media.url,), client, STOP)[0] is Fetched.READY
    assert [first for _, first in media.requests] == [0, 40_960]


def test_a_server_without_ranges_is_read_from_the_start(tmp_path: Path, media: Media, client: httpx.Client) -> None:
    clips = Clips(tmp_path)
    media.break_after = 40_960
    clips.fetch(SOUND, (media.url,), client, STOP)
    media.break_after = None
    media.ignore_range = True
    assert clips.fetch(SOUND, (media.url,), client, STOP)[0] is Fetched.READY


def test_a_wrong_part_is_thrown_away_and_fetched_anew(tmp_path: Path, media: Media, client: httpx.Client) -> None:
    clips = Clips(tmp_path)
    clips.path(SOUND).with_suffix(".part").write_bytes(b"x" * 5000)
    assert clips.fetch(SOUND, (media.url,), client, STOP)[0] is Fetched.READY
    assert [first for _, first in media.requests] == [5000, 0]


def test_a_part_that_is_too_long_is_thrown_away(tmp_path: Path, media: Media, client: httpx.Client) -> None:
    clips = Clips(tmp_path)
    clips.path(SOUND).with_suffix(".part").write_bytes(DATA + b"more")
    assert clips.fetch(SOUND, (media.url,), client, STOP)[0] is Fetched.READY


def test_a_whole_part_needs_no_request(tmp_path: Path, media: Media, client: httpx.Client) -> None:
    clips = Clips(tmp_path)
    clips.path(SOUND).with_suffix(".part").write_bytes(DATA)
    assert clips.fetch(SOUND, (media.url,), client, STOP)[0] is Fetched.READY
    assert media.requests == []


@pytest.mark.parametrize("forged", [DATA[:-1] + b"!", DATA + b"more", b"!" + DATA[1:]])
def test_another_file_is_deleted_and_told_of(tmp_path: Path, media: Media, client: httpx.Client, forged: bytes) -> None:
    clips = Clips(tmp_path)
    media.clips[SOUND.sha256] = forged
    outcome, detail = clips.fetch(SOUND, (media.url,), client, STOP)
    assert outcome is Fetched.MISMATCH
    assert media.url in detail
    assert files(clips) == []


def test_a_shorter_file_is_never_ready(tmp_path: Path, media: Media, client: httpx.Client) -> None:
    clips = Clips(tmp_path)
    media.clips[SOUND.sha256] = DATA[:-1]
    for _ in range(3):
        assert clips.fetch(SOUND, (media.url,), client, STOP)[0] is Fetched.UNAVAILABLE
    assert not clips.present(SOUND)


def test_one_honest_server_is_enough(tmp_path: Path, media: Media, client: httpx.Client) -> None:
    forger = Media()
    forger.clips[SOUND.sha256] = DATA[:-1] + b"!"
    clips = Clips(tmp_path)
    assert clips.fetch(SOUND, (forger.url, media.url), client, STOP)[0] is Fetched.READY
    forger.close()


def test_a_forger_beside_a_server_that_is_away_decides_nothing(
    tmp_path: Path, media: Media, client: httpx.Client
) -> None:
    media.clips[SOUND.sha256] = DATA[:-1] + b"!"
    outcome, _ = Clips(tmp_path).fetch(SOUND, ("http://127.0.0.1:9", media.url), client, STOP)
    assert outcome is Fetched.UNAVAILABLE


def test_a_file_that_changed_on_the_disk_is_found_out(tmp_path: Path, media: Media, client: httpx.Client) -> None:
    clips = Clips(tmp_path)
    clips.fetch(SOUND, (media.url,), client, STOP)
    clips.path(SOUND).write_bytes(DATA[:-1] + b"!")
    assert clips.present(SOUND)
    assert not clips.verified(SOUND)
    assert not clips.present(SOUND)


def test_without_an_address_it_says_so(tmp_path: Path, client: httpx.Client) -> None:
    outcome, detail = Clips(tmp_path).fetch(SOUND, (), client, STOP)
    assert (outcome, detail) == (Fetched.UNAVAILABLE, "no media address is configured")


def sound(data: bytes) -> Sound:
    return Sound(sha256=hashlib.sha256(data).hexdigest(), size=len(data), duration_ms=1000)


def put(clips: Clips, number: int, *, age_s: int) -> Sound:
    data = bytes([number]) * 1000
    made = sound(data)
    clips.path(made).write_bytes(data)
    os.utime(clips.path(made), (1_000_000 - age_s, 1_000_000 - age_s))
    return made


def test_the_longest_unused_clips_make_room(tmp_path: Path) -> None:
    clips = Clips(tmp_path, max_bytes=3500, reserve_bytes=0)
    old, older, oldest = (put(clips, number, age_s=number) for number in (1, 2, 3))
    assert clips.make_room(sound(b"n" * 1000), set())
    assert [clips.present(one) for one in (old, older, oldest)] == [True, True, False]
    assert clips.verified(older)  # used again: now it is the youngest
    assert clips.make_room(sound(b"n" * 2000), set())
    assert [clips.present(one) for one in (old, older)] == [False, True]


def test_what_is_due_is_never_dropped(tmp_path: Path) -> None:
    clips = Clips(tmp_path, max_bytes=3500, reserve_bytes=0)
    due = [put(clips, number, age_s=number) for number in (1, 2, 3)]
    needed = {one.sha256 for one in due}
    assert not clips.make_room(sound(b"n" * 1000), needed)
    assert all(clips.present(one) for one in due)
    assert clips.make_room(sound(b"n" * 1000), needed - {due[0].sha256})
    assert [clips.present(one) for one in due] == [False, True, True]


def test_the_last_of_the_disk_is_left_to_the_journal(tmp_path: Path) -> None:
    clips = Clips(tmp_path, reserve_bytes=shutil.disk_usage(tmp_path).total)
    assert not clips.make_room(SOUND, set())


def test_a_part_of_the_clip_itself_does_not_stand_in_its_way(tmp_path: Path) -> None:
    clips = Clips(tmp_path, max_bytes=len(DATA), reserve_bytes=0)
    clips.path(SOUND).with_suffix(".part").write_bytes(DATA[:5000])
    assert clips.make_room(SOUND, set())
    assert files(clips) == [".part"]
