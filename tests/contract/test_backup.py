"""Backup and restore of either database, and what a restored station must do anew."""

import shutil
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url, select

from broadcaster import audit
from broadcaster.backup import back_up, restore
from broadcaster.errors import SetupError
from broadcaster.identity import signatory
from broadcaster.settings import Settings
from broadcaster.storage.database import Database
from broadcaster.storage.models import Receiver
from devices.links.port import Delivery
from devices.wire.messages import ReceiptState
from tests.commune import STATION, Commune
from tests.conftest import SteppedClock
from tests.contract.test_planning import _once


def _elsewhere(url: str, folder: Path) -> str:
    """An empty database of the same kind."""
    if make_url(url).get_backend_name() == "sqlite":
        return f"sqlite:///{folder / 'station.db'}"
    name = f"t{uuid4().hex}"
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def test_what_was_backed_up_is_restored_with_its_log_and_newer_configurations(
    database_url: str, clock: SteppedClock, tmp_path: Path
) -> None:
    old = Settings(folder=tmp_path / "old", station=STATION, database_url=database_url)
    new = Settings(folder=tmp_path / "new", station=STATION, database_url=_elsewhere(database_url, tmp_path / "new"))
    (old.folder / "clips" / "ab").mkdir(parents=True)
    (old.folder / "clips" / "ab" / "clip.mp3").write_bytes(b"sound")
    database = Database(database_url)
    commune = Commune(database, clock)
    commune.ingestion._signatory = signatory(old.folder, STATION)  # the station's own key, as in a folder
    database.last_of_all.clear()
    audit.keep(database, commune.ingestion._signatory, clock)
    commune.link.open()
    commune.released(_once(commune, hours=1))
    commune.planner.run()
    order = commune.orders()[0].id
    commune.ingestion.take(
        [Delivery(*commune.message("loa-dong", commune.receipt("loa-dong", order, ReceiptState.READY)))]
    )
    with database.reading() as session:
        revision = session.get_one(Receiver, "loa-dong").configuration_revision
    commune.released(_once(commune, hours=2))
    made = back_up(old, tmp_path / "backup.tar", now=clock.now())
    commune.planner.run()  # what the station did after its backup was made
    ordered = {row.id for row in commune.orders()}
    assert len(ordered) == 2
    commune.link.close()
    database.close()
    shutil.rmtree(old.folder)
    found, finding = restore(new, tmp_path / "backup.tar")
    assert found == made
    assert (finding.rows, finding.actions, finding.faults) == (1, 6, [])
    assert (new.folder / "clips" / "ab" / "clip.mp3").read_bytes() == b"sound"
    restored = Database(new.database)
    with restored.reading() as session:
        row = session.scalars(select(Receiver).where(Receiver.id == "loa-dong")).one()
    # Receivers hold the order that the backup does not know: the restored station must call it by the same name.
    commune.database = restored
    commune.new_planner().run()
    assert {row.id for row in commune.orders()} == ordered
    restored.close()
    assert row.configuration_revision > revision + 1000
    assert row.configuration_document is None
    with pytest.raises(SetupError, match="not empty"):
        restore(new, tmp_path / "backup.tar")
