"""Opening the store: at this version or not at all, on a disk whose locks hold, and never half made."""

import datetime as dt
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text

from ews.errors import Busy, StoreUnavailable
from ews.store import opening, upgrading, versions
from ews.store.checking import check
from ews.store.opening import Store, open_store, store_url
from ews.store.places import file_system_of, refuse_network_folder
from ews.store.schema import IN_FORCE, METADATA, SCHOOLS, STAFF
from ews.store.upgrading import create_or_upgrade, open_or_make
from tests.postgres import new_database
from tests.stores import DATABASES, new_store

LATER = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "9999", "{head}"
def upgrade():
    op.add_column("schools", sa.Column("later", sa.Text))
    {then}
"""


@pytest.fixture(params=DATABASES)
def empty(request, tmp_path) -> Iterator[Store]:
    made = new_store(request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture
def a_later_version(tmp_path, monkeypatch):
    """A migration after the newest: a function that says what it does at its end."""
    folder = tmp_path / "migrations"
    shutil.copytree(versions.MIGRATIONS, folder)
    head = ScriptDirectory(str(folder)).get_current_head()

    def make(then: str = "pass") -> None:
        (folder / "versions" / "9999_later.py").write_text(LATER.format(head=head, then=then))
        monkeypatch.setattr(versions, "MIGRATIONS", folder)

    return make


def where(store: Store) -> str:
    return store.engine.url.render_as_string(hide_password=False)


def test_the_migrations_make_the_tables_that_the_code_describes(empty):
    with empty.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_only_one_run_can_be_in_force(empty):
    second = insert(IN_FORCE).values(one=2, run_id="x", data_id="x", since=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    with pytest.raises(Exception, match="one_row"), empty.writing() as connection:
        connection.execute(second)


def test_sqlite_keeps_what_was_acknowledged_through_a_power_cut_REL_1(tmp_path):
    made = new_store("sqlite", tmp_path)
    with made.reading() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        told = {name: connection.exec_driver_sql(f"pragma {name}").scalar() for name in names}
    made.close()
    assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1,
                    "busy_timeout": opening.BUSY_SECONDS * 1000}  # fmt: skip


def test_only_its_owner_may_open_the_file(tmp_path):
    new_store("sqlite", tmp_path / "home").close()
    assert oct((tmp_path / "home" / "store.db").stat().st_mode)[-3:] == "600"


def test_a_store_that_is_not_there_is_told_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(StoreUnavailable, match="ews store upgrade"):
        open_store(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["mysql://here/x", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused(url):
    with pytest.raises(StoreUnavailable, match="PostgreSQL"):
        store_url(url)


def test_a_database_that_does_not_answer_is_told_without_its_password_O04(tmp_path):
    with pytest.raises(StoreUnavailable) as told:
        open_store(f"postgresql://ews:hunter2@/none?host={tmp_path}")
    assert "hunter2" not in str(told.value)


def test_a_folder_that_may_not_be_written_is_told_O04(tmp_path):
    made = new_store("sqlite", tmp_path)
    with made.writing() as connection:
        connection.execute(insert(SCHOOLS).values(school_id="1"))
    made.close()
    reader = open_store(tmp_path, read_only=True)
    with pytest.raises(StoreUnavailable, match="reading only"), reader.writing():
        pass
    with reader.reading() as connection:
        assert connection.scalar(select(SCHOOLS.c.school_id)) == "1"
        with pytest.raises(Exception, match="readonly|not answer"):
            connection.execute(insert(SCHOOLS).values(school_id="2"))
    reader.close()


def test_what_a_newer_ews_made_is_refused_and_not_taken_back_O10(empty):
    with empty.writing() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    for attempt in (open_store, create_or_upgrade, open_or_make):
        with pytest.raises(StoreUnavailable, match="newer"):
            attempt(where(empty))


def test_what_an_older_ews_made_is_refused_until_it_is_upgraded_O09(empty, a_later_version):
    with empty.writing() as connection:
        connection.execute(insert(SCHOOLS).values(school_id="014"))
    a_later_version()
    for attempt in (open_store, open_or_make):
        with pytest.raises(StoreUnavailable, match="ews store upgrade"):
            attempt(where(empty))
    upgraded = create_or_upgrade(where(empty))
    with upgraded.reading() as connection:
        assert connection.execute(text("select school_id, later from schools")).all() == [("014", None)]
    upgraded.close()


def test_an_upgrade_of_sqlite_is_backed_up_first_O09(tmp_path, a_later_version):
    made = new_store("sqlite", tmp_path)
    with made.writing() as connection:
        connection.execute(insert(SCHOOLS).values(school_id="014"))
    made.close()
    a_later_version()
    create_or_upgrade(tmp_path).close()
    (copy,) = tmp_path.glob("store.before-*.db")
    with closing(sqlite3.connect(copy)) as before:
        assert before.execute("select school_id from schools").fetchall() == [("014",)]
        assert "later" not in [row[1] for row in before.execute("pragma table_info(schools)")]


def test_an_upgrade_that_breaks_off_changes_nothing_and_can_be_run_again_O09(empty, a_later_version):
    a_later_version("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        create_or_upgrade(where(empty))
    with empty.reading() as connection:
        columns = connection.execute(text("select * from schools")).keys()
        assert "later" not in set(columns)
        assert versions.standing(connection) is versions.Standing.OLDER
    a_later_version()
    again = create_or_upgrade(where(empty))
    with again.reading() as connection:
        assert versions.standing(connection) is versions.Standing.AT_HEAD
    again.close()


@pytest.mark.parametrize("database", DATABASES)
def test_of_many_who_make_it_at_once_each_finds_it_whole_or_is_told_G15(tmp_path, database):
    place = str(tmp_path / "store.db") if database == "sqlite" else new_database()
    together, told = threading.Barrier(6), []

    def make() -> None:
        together.wait()
        try:
            create_or_upgrade(place).close()
            told.append("made")
        except Busy:
            told.append("busy")

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 6
    assert "made" in told
    made = open_store(place)
    assert check(made) == []
    made.close()


def test_of_two_writers_one_waits_and_both_are_kept_O08(empty):
    together = threading.Barrier(2)

    def write(name: str) -> None:
        together.wait()
        for number in range(20):
            with empty.writing() as connection:
                known = connection.scalar(text("select count(*) from schools"))
                connection.execute(insert(SCHOOLS).values(school_id=f"{name}{number}", name=str(known)))

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with empty.reading() as connection:
        assert connection.scalar(text("select count(*) from schools")) == 40


def test_what_raises_is_not_kept(empty):
    def write() -> float:
        with empty.writing() as connection:
            connection.execute(insert(SCHOOLS).values(school_id="1"))
            return 1 / 0

    with pytest.raises(ZeroDivisionError):
        write()
    with empty.reading() as connection:
        assert connection.scalar(text("select count(*) from schools")) == 0


def test_a_reader_sees_one_state_whatever_is_written_meanwhile_E07(empty):
    with empty.reading() as connection:
        count = text("select count(*) from schools")
        before = connection.scalar(count)
        with empty.writing() as writer:
            writer.execute(insert(SCHOOLS).values(school_id="1"))
        assert connection.scalar(count) == before == 0
    with empty.reading() as connection:
        assert connection.scalar(count) == 1


def test_an_error_tells_no_value_of_a_row_O17(empty):
    row = {"staff_key": "k", "login": "ana.pena", "name": "Ana Peña-Canary", "is_active": True,
           "created_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}  # fmt: skip
    with pytest.raises(Exception) as told, empty.writing() as connection:  # noqa: PT011 - each database has its own
        connection.execute(insert(STAFF), [row, {**row, "login": "other"}])
    assert "Canary" not in str(told.value)


def test_times_keep_their_zone_and_need_one_O15(empty):
    noon = dt.datetime(2026, 11, 1, 1, 30, tzinfo=dt.timezone(dt.timedelta(hours=-4)))
    row = {"staff_key": "k", "login": "x", "name": "x", "is_active": True, "created_at": noon}
    with empty.writing() as connection:
        connection.execute(insert(STAFF).values(**row))
    with empty.reading() as connection:
        kept = connection.scalar(select(STAFF.c.created_at))
    assert (kept, kept.utcoffset()) == (noon, dt.timedelta())
    with pytest.raises(Exception, match="zone"), empty.writing() as connection:
        connection.execute(insert(STAFF).values(**{**row, "staff_key": "l", "created_at": noon.replace(tzinfo=None)}))


def test_ids_sort_by_their_bytes_on_every_database(empty):
    ids = ["B", "a", "_", "É", "10", "9", "-"]
    with empty.writing() as connection:
        connection.execute(insert(SCHOOLS), [{"school_id": one} for one in ids])
    with empty.reading() as connection:
        kept = list(connection.scalars(select(SCHOOLS.c.school_id).order_by(SCHOOLS.c.school_id)))
    assert kept == sorted(ids, key=str.encode)


def test_a_network_folder_is_refused_for_sqlite_O08(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr("ews.store.places._MOUNTS", mounts)
    with pytest.raises(StoreUnavailable, match="network"):
        refuse_network_folder(tmp_path / "store.db")
    assert file_system_of(Path("/srv/a b"), "x /srv/a\\040b cifs rw 0 0") == "cifs"
    assert file_system_of(Path("/srv"), "") == ""


def test_a_damaged_file_is_told_and_not_written_O07(tmp_path):
    (tmp_path / "store.db").write_bytes(os.urandom(8192))
    with pytest.raises(StoreUnavailable, match="damaged"):
        open_store(tmp_path)


def test_two_programs_hold_it_one_after_the_other(tmp_path):
    new_store("sqlite", tmp_path).close()
    holding = upgrading.open_or_make(tmp_path)
    words = f"from ews.store.opening import open_store as o\nwith o({str(tmp_path)!r}).alone(): pass"
    with holding.alone():
        done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=False, timeout=60)
    assert "Busy" in done.stderr
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    holding.close()
