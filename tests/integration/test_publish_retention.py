"""Backups that prove themselves, and deletion that lasts: REL-8, P06, PRV-14, O19."""

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import insert, text

from ews import families, withheld
from ews.errors import InputRefused, StoreUnavailable
from ews.families import Consent, Correction
from ews.home import Home
from ews.score import current_run
from ews.store.checking import check
from ews.store.copying import backup, restore
from ews.store.opening import Store, open_store
from ews.store.purges import purged_students, purges
from ews.store.purging import purge_runs, purge_students
from ews.store.reading import run_in_force, runs, student_keys
from ews.store.schema import SESSIONS, STAFF
from ews.store.sealing import stored_list_hash
from ews.withheld import withheld_students
from tests.postgres import new_database
from tests.published import OCTOBER, gone, published, renamed, scored, scored_again
from tests.stores import DATABASES, new_store

NOVEMBER = dt.datetime(2026, 11, 2, 12, 0, tzinfo=dt.UTC)
TABLES = ("schools", "students", "stays", "histories", "runs", "risk_rows", "in_force", "staff")


@pytest.fixture
def home(tmp_path) -> Home:
    return scored_again(tmp_path / "home")


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> Home:
    return scored(tmp_path_factory.mktemp("before") / "home")


@pytest.fixture(params=DATABASES)
def store(request, tmp_path, before, home) -> Iterator[Store]:
    """A store with two runs, the second in force; somebody works here and is signed in."""
    made = new_store(request.param, tmp_path / "store")
    published(made, before)
    published(made, home, OCTOBER)
    with made.writing() as connection:
        who = {"staff_key": "k", "login": "ana", "name": "Ana", "is_active": True, "created_at": OCTOBER}
        connection.execute(insert(STAFF).values(**who))
        connection.execute(insert(SESSIONS).values(
            secret_sha256="0" * 64, staff_key="k", csrf_secret="x", created_at=OCTOBER, last_seen_at=OCTOBER
        ))  # fmt: skip
    yield made
    made.close()


def place(store: Store) -> str:
    return store.engine.url.render_as_string(hide_password=False)


def rows(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        return {table: connection.scalar(text(f"select count(*) from {table}")) for table in TABLES}


def list_hashes(store: Store) -> dict[str, str]:
    with store.reading() as connection:
        return {run.run_id: stored_list_hash(connection, run.run_id) for run in runs(connection)}


def test_a_backup_is_one_whole_store_in_a_file_with_the_same_lists_REL_8(store, tmp_path):
    done = backup(store, tmp_path / "copy.db")
    copy = open_store(tmp_path / "copy.db")
    assert check(copy) == []
    assert rows(copy) == rows(store)
    assert list_hashes(copy) == list_hashes(store)
    assert done.list_sha256 == list_hashes(store)[done.run_id]
    copy.close()
    assert oct((tmp_path / "copy.db").stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize("target", DATABASES)
def test_a_restored_store_has_the_same_lists_on_any_database_REL_8(store, home, tmp_path, target):
    told, hashes = rows(store), list_hashes(store)
    backup(store, tmp_path / "copy.db")
    where = tmp_path / "other" if target == "sqlite" else new_database()
    done = restore(tmp_path / "copy.db", where, home)
    back = open_store(where)
    assert (rows(back), list_hashes(back), check(back)) == (told, hashes, [])
    assert done.list_sha256 == hashes[done.run_id]
    again = published(back, home, NOVEMBER)
    assert not again.changed
    back.close()


def test_no_backup_brings_a_session_back_A06(store, home, tmp_path):
    backup(store, tmp_path / "copy.db")
    restore(tmp_path / "copy.db", place(store), home)
    with store.reading() as connection:
        assert connection.scalar(text("select count(*) from sessions")) == 0
        assert connection.scalar(text("select count(*) from staff")) == 1


def test_a_backup_never_overwrites_and_a_broken_one_is_never_put_back(store, home, tmp_path):
    backup(store, tmp_path / "copy.db")
    with pytest.raises(InputRefused, match="exists"):
        backup(store, tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as raw:
        raw.execute("update risk_rows set line = replace(line, '\"rank\":1,', '\"rank\":2,')")
        raw.commit()
    before = list_hashes(store)
    with pytest.raises(InputRefused, match="not those that were published"):
        restore(tmp_path / "copy.db", place(store), home)
    with pytest.raises(InputRefused, match="no backup"):
        restore(tmp_path / "none.db", place(store), home)
    assert list_hashes(store) == before


def test_a_damaged_store_is_set_aside_and_the_backup_takes_its_place_O07(tmp_path, home):
    made = new_store("sqlite", tmp_path / "store")
    published(made, home)
    backup(made, tmp_path / "copy.db")
    hashes = list_hashes(made)
    made.close()
    (tmp_path / "store" / "store.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreUnavailable, match="restore"):
        open_store(tmp_path / "store")
    restore(tmp_path / "copy.db", tmp_path / "store", home)
    back = open_store(tmp_path / "store")
    assert list_hashes(back) == hashes
    back.close()
    assert (tmp_path / "store" / "store.damaged.db").exists()


def test_a_changed_list_is_found_by_its_hash_REL_8(store):
    assert check(store) == []
    with store.writing() as connection:
        connection.execute(text("update risk_rows set line = line || ' ' where rank = 1"))
    assert len(check(store)) == 2
    with store.writing() as connection:
        connection.execute(text("delete from in_force"))
    assert "none is in force" in check(store)[-1]


def test_old_runs_go_and_the_one_in_force_never_does_PRV_14(store, home, before):
    published(store, before, NOVEMBER)
    done = purge_runs(store, home, keep=0, by="Ana Reyes", at=NOVEMBER)
    with store.reading() as connection:
        assert [run.run_id for run in runs(connection)] == [current_run(before).run_id]
        assert run_in_force(connection) is not None
        assert connection.scalar(text("select count(distinct run_id) from risk_rows")) == 1
    assert done.runs == (current_run(home).run_id,)
    assert purge_runs(store, home, keep=0, by="Ana Reyes", at=NOVEMBER) is None
    assert purges(home) == [done]


def test_a_student_in_the_records_in_force_is_not_purged_but_told_what_to_do_first_P06(store, home):
    before = rows(store)
    with pytest.raises(InputRefused, match="student information system"):
        purge_students(store, home, [renamed()], by="Ana Reyes", why="a request", at=NOVEMBER)
    assert rows(store) == before
    assert purges(home) == []


def test_a_purged_student_is_gone_from_store_and_home_and_the_lists_are_sealed_anew_P06(store, home):
    with store.reading() as connection:
        (key,) = student_keys(connection, [gone()]).values()
    assert holding(home, gone())
    hashes = list_hashes(store)
    about = Correction(gone(), "Present on 3 March", "R. Egistrar", "2026-03-09T08:00:00+00:00", "an earlier ingest")
    consent = Consent(gone(), "attendance", "a study", "Lincoln", "Maria", "2026-03-01", "R. Egistrar")
    for name, noted in ((families.CORRECTIONS, about), (families.CONSENTS, consent)):
        (home.path / name).write_text(json.dumps(vars(noted)) + "\n", encoding="utf-8")
    objection = {"by": "R. Egistrar", "why": "as the family put it", "at": "2026-03-09T08:00:00+00:00"}
    wishes = {"salt": "00", "students": {gone(): objection, "another": objection}}
    (home.path / withheld.FILE).write_text(json.dumps(wishes), encoding="utf-8")
    done = purge_students(store, home, [gone()], by="Ana Reyes", why="a request", at=NOVEMBER)
    assert holding(home, gone()) == []
    assert (families.corrections(home), families.consents(home)) == ([], [])
    assert withheld_students(home) == {"another"}
    assert texts_with(store, gone()) == texts_with(store, key) == []
    assert check(store) == []
    old, new = current_run_ids(store)
    assert list_hashes(store)[new] == hashes[new]
    assert list_hashes(store)[old] != hashes[old]
    assert (done.students, purged_students(home)) == ((key,), [key])
    noted = (home.path / "purges.jsonl").read_text()
    assert gone() not in json.dumps(json.loads(noted)["students"])


def test_nothing_of_a_purged_student_stays_in_the_file_of_sqlite_P06(tmp_path, before, home):
    made = new_store("sqlite", tmp_path / "store")
    published(made, before)
    published(made, home, OCTOBER)
    with made.reading() as connection:
        (key,) = student_keys(connection, [gone()]).values()
    purge_students(made, home, [gone()], by="Ana Reyes", why="a request", at=NOVEMBER)
    made.close()
    for file in (tmp_path / "store").iterdir():
        assert key.encode() not in file.read_bytes(), file.name


def test_who_was_purged_after_a_backup_stays_purged_when_it_is_put_back_O19(store, home, tmp_path):
    backup(store, tmp_path / "copy.db")
    with store.reading() as connection:
        (key,) = student_keys(connection, [gone()]).values()
    purge_students(store, home, [gone()], by="Ana Reyes", why="a request", at=NOVEMBER)
    done = restore(tmp_path / "copy.db", place(store), home)
    assert done.purged == 1
    assert texts_with(store, gone()) == texts_with(store, key) == []
    assert check(store) == []


def current_run_ids(store: Store) -> tuple[str, str]:
    """The older run and the one in force."""
    with store.reading() as connection:
        (new,) = [run.run_id for run in runs(connection) if run.is_in_force]
        (old,) = [run.run_id for run in runs(connection) if not run.is_in_force]
    return old, new


def holding(home: Home, student_id: str) -> list[Path]:
    """Every table of the home that has a row of the student, and every other file that names the id as a word."""
    found = []
    for path in home.path.rglob("*.parquet"):
        rows = pd.read_parquet(path)
        if "student_id" in rows and (rows["student_id"] == student_id).any():
            found.append(path)
    found += [path for path in home.path.rglob("*.csv") if student_id in path.read_text().replace('"', "").split(",")]
    return found


def texts_with(store: Store, word: str) -> list[str]:
    """Tables in which any text column is, or holds, the word."""
    found = []
    with store.reading() as connection:
        for table in TABLES:
            rows = connection.execute(text(f"select * from {table}")).all()
            found += [table for row in rows if any(isinstance(cell, str) and word in cell for cell in row)]
    return found
