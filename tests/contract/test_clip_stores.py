"""Every clip store keeps the same promises."""

import hashlib
from pathlib import Path

import pytest

from audio.store import ClipMissingError, ClipStore, DiskStore, MemoryStore

SOUND = b"ID3" + bytes(range(256)) * 40
NAME = hashlib.sha256(SOUND).hexdigest()


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ClipStore:
    return DiskStore(tmp_path) if request.param == "disk" else MemoryStore(tmp_path)


def test_a_clip_is_found_by_the_hash_of_its_bytes(store: ClipStore) -> None:
    assert store.put(SOUND) == NAME
    assert store.put(SOUND) == NAME
    assert store.exists(NAME)
    assert store.size(NAME) == len(SOUND)
    assert store.path(NAME).read_bytes() == SOUND
    assert store.path(NAME).suffix == ".mp3"
    with store.open(NAME) as file:
        file.seek(3)
        assert file.read(2) == SOUND[3:5]


@pytest.mark.parametrize(("head", "suffix"), [(b"OggS", ".opus"), (b"fLaC", ".flac"), (b"\xff\xf3\x84\xc4", ".mp3")])
def test_its_name_tells_what_it_is(store: ClipStore, head: bytes, suffix: str) -> None:
    name = store.put(head + SOUND)
    assert store.path(name).suffix == suffix
    assert (store.exists(name), store.size(name)) == (True, len(SOUND) + 4)
    assert store.delete(name) is True
    assert not store.exists(name)


def test_a_clip_that_is_not_there(store: ClipStore) -> None:
    assert not store.exists(NAME)
    for ask in (store.path, store.size, store.open):
        with pytest.raises(ClipMissingError, match="render the bulletin again"):
            ask(NAME)
    assert store.delete(NAME) is False


def test_a_deleted_clip_is_gone(store: ClipStore) -> None:
    store.put(SOUND)
    assert store.delete(NAME) is True
    assert not store.exists(NAME)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", NAME.upper(), NAME[:-1], NAME + "0", "g" * 64])
def test_only_a_hash_is_a_name(store: ClipStore, name: str) -> None:
    for ask in (store.exists, store.path, store.open, store.delete):
        with pytest.raises(ValueError, match="64 hexadecimal digits"):
            ask(name)


def test_a_disk_store_outlives_its_process_and_leaves_no_half_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DiskStore(tmp_path).put(SOUND)
    assert DiskStore(tmp_path).exists(NAME)

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("audio.store.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        DiskStore(tmp_path).put(b"another")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [NAME + ".mp3"]
