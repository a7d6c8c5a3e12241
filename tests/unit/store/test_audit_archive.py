"""Old entries of the log of reads go into files and only then out of the database; the chain goes on (PRV-14, O18)."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ews.errors import AuditUnavailable, Busy, InputRefused
from ews.home import sha256, to_json
from ews.store.audit_archive import next_part, remove, write
from ews.store.audit_chain import Head
from ews.store.audit_copy import copy_log
from ews.store.audit_log import AuditLog, open_audit_log
from ews.store.audit_tables import audit_engine
from tests.cast import ANA, JUN, KAI, NOON
from tests.unit.store.test_audit_log import LIST, READ, Place, place

__all__ = ["place"]  # a fixture

TODAY = NOON + timedelta(days=900)
YEAR_ONE = NOON + timedelta(days=300)
OLD = (READ, LIST, READ, LIST, replace(LIST, student_keys=(KAI.key, JUN.key)))
YOUNG = (replace(LIST, at=TODAY), replace(READ, at=TODAY))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archives"


@pytest.fixture
def log(place: Place) -> Iterator[AuditLog]:
    """Five entries of long ago, and two of today."""
    opened = open_audit_log(place.where)
    for entry in (*OLD, *YOUNG):
        opened.append([entry])
    yield opened
    opened.close()


def archived(log: AuditLog, folder: Path, at_most: int = 2) -> int:
    return log.archive(folder, YEAR_ONE, by="Ana Reyes", at=TODAY, at_most=at_most)


@pytest.fixture
def both(log: AuditLog, place: Place, folder: Path) -> Iterator[AuditLog]:
    """The same log after it was archived, read with its archives."""
    assert archived(log, folder) == len(OLD)
    opened = open_audit_log(place.where, folder)
    yield opened
    opened.close()


def test_old_entries_are_in_files_young_ones_in_the_database_and_both_are_read_in_order_PRV_4(
    both: AuditLog, log: AuditLog, place: Place, folder: Path
):
    assert sorted(path.name for path in folder.iterdir()) == [
        "reads-000000001-000000002", "reads-000000003-000000004", "reads-000000005-000000005",
    ]  # fmt: skip
    assert place.count("audit_entries") == len(YOUNG) + 3, "today's, and one for each archive"
    assert [logged.seq for logged in log.of_student(ANA.key)] == [6, 7]
    listed = replace(LIST, student_keys=tuple(sorted(LIST.student_keys)))
    of_ana = list(both.of_student(ANA.key))
    assert [logged.seq for logged in of_ana] == [1, 2, 3, 4, 6, 7]
    assert [logged.entry for logged in of_ana[:2]] == [
        READ,
        listed,
    ]
    assert [logged.seq for logged in both.of_student(KAI.key)] == [5]
    assert [logged.seq for logged in both.between(NOON, TODAY)] == [1, 2, 3, 4, 5]
    assert len(list(both.between(NOON, TODAY + timedelta(days=1)))) == len(OLD) + len(YOUNG) + 3


def test_the_chain_goes_on_from_the_archives_and_a_head_noted_before_still_proves_it_O18(both: AuditLog, log: AuditLog):
    first, second, third = (archive.head for archive in log.archived())
    for noted in (first, second, third, log.head()):
        assert both.verify(noted).problem is log.verify(noted).problem is None
    inside = Head(1, next(both.of_student(ANA.key)).sha256)
    assert both.verify(inside).problem is None
    with pytest.raises(InputRefused, match="--archives"):
        log.verify(inside)
    assert "was cut or rewritten" in str(both.verify(Head(1, "ab" * 32)).problem)
    assert "was cut or rewritten" in str(log.verify(Head(2, "ab" * 32)).problem)


def test_nothing_old_is_nothing_to_archive_and_again_changes_nothing(both: AuditLog, log: AuditLog, folder: Path):
    head = log.head()
    assert archived(log, folder) == 0
    assert log.archive(folder, NOON - timedelta(days=1), by="x", at=TODAY) == 0
    assert log.head() == head


def test_an_entry_after_a_young_one_stays_whatever_its_clock_said(log: AuditLog, place: Place, folder: Path):
    log.append([READ])
    assert archived(log, folder) == len(OLD)
    assert place.count("audit_entries") == len(YOUNG) + 1 + 3
    assert log.verify().problem is None


def test_a_list_shown_before_and_after_is_in_both_places_and_one_that_left_comes_back_when_shown_again(
    both: AuditLog, log: AuditLog, place: Place
):
    assert place.count("audit_lists") == 1, "that of Ana and Jun, shown today, too"
    log.append([replace(OLD[4], at=TODAY)])
    assert place.count("audit_lists") == 2
    assert [logged.seq for logged in both.of_student(KAI.key)] == [5, log.head().seq]
    assert both.verify().problem is None


def test_the_database_refuses_to_delete_what_is_in_no_archive_and_to_change_what_points_to_one_O18(
    both: AuditLog, place: Place
):
    schema, engine = "" if place.on_sqlite else "audit.", place.engine()
    for statement in (
        f"delete from {schema}audit_entries where seq > 5", f"delete from {schema}audit_lists",
        f"update {schema}audit_entries set seq = 1 where seq = 7", f"delete from {schema}audit_archives",
        f"update {schema}audit_archives set seq = 99",
    ):  # fmt: skip
        with engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text(statement))
    engine.dispose()
    assert both.verify().problem is None


def test_what_is_changed_in_an_archive_or_missing_is_found_and_not_read_O18(both: AuditLog, folder: Path):
    first = folder / "reads-000000001-000000002"
    for name in ("entries.parquet", "lists.parquet", "manifest.json"):
        file, kept = first / name, (first / name).read_bytes()
        for change in (kept + b" ", None):
            file.unlink() if change is None else file.write_bytes(change)
            assert "reads-000000001" in str(both.verify().problem)
            with pytest.raises(AuditUnavailable, match="cannot be read"):
                list(both.of_student(ANA.key))
        file.write_bytes(kept)
    assert both.verify().problem is None


def test_an_archive_forged_with_its_manifest_is_found_by_the_database_O18(both: AuditLog, folder: Path):
    first = folder / "reads-000000001-000000002"
    rows = pq.read_table(first / "entries.parquet").to_pylist()
    rows[0]["login"] = "nobody"
    pq.write_table(pa.Table.from_pylist(rows), first / "entries.parquet")
    told = json.loads((first / "manifest.json").read_text(encoding="utf-8"))
    told["files"]["entries.parquet"] = sha256(first / "entries.parquet")
    (first / "manifest.json").write_text(to_json(told), encoding="utf-8")
    assert "the manifest of reads-000000001-000000002" in str(both.verify().problem)


def test_whatever_stops_it_before_the_removal_the_next_try_takes_up_what_was_written(
    log: AuditLog, place: Place, folder: Path
):
    engine = audit_engine(place.where if not place.on_sqlite else Path(place.where) / "audit.db")
    part = next_part(engine, YEAR_ONE, 2)
    assert part is not None
    write(engine, folder, part, by="x", at=TODAY)
    assert place.count("audit_entries") == len(OLD) + len(YOUNG)
    assert archived(log, folder) == len(OLD)
    assert log.verify().problem is None
    with pytest.raises(Busy):
        remove(engine, write(engine, folder, part, by="x", at=TODAY))
    engine.dispose()


def test_what_was_written_wrongly_or_is_not_as_it_was_is_not_removed_O18(log: AuditLog, place: Place, folder: Path):
    place.edit("update audit_entries set login = 'nobody' where seq = 2")
    with pytest.raises(AuditUnavailable, match="entry 2 is not as it was written"):
        archived(log, folder)
    assert place.count("audit_entries") == len(OLD) + len(YOUNG)


REFUSED_EVERY_DELETE = {
    True: "create trigger audit_entries_no_delete before delete on audit_entries "
    "begin select raise(abort, 'the log of reads is append-only'); end",
    False: "create or replace trigger audit_entries_append_only before update or delete or truncate "
    "on audit.audit_entries for each statement execute function audit.refuse()",
}
"""As logs were made before there were archives, by whether they are on SQLite."""


def test_a_log_that_was_made_before_archives_were_is_archived_once_it_is_opened_anew(
    log: AuditLog, place: Place, folder: Path
):
    place.run(REFUSED_EVERY_DELETE[place.on_sqlite])
    with pytest.raises(AuditUnavailable):
        archived(log, folder)
    with closing(open_audit_log(place.where, folder)) as opened:
        assert archived(opened, folder) == len(OLD)
        assert opened.verify().problem is None


def test_a_copy_made_while_entries_are_added_is_proved_and_reads_as_the_log_did_REL_8(tmp_path: Path):
    with closing(open_audit_log(tmp_path)) as log:
        log.append([READ, LIST])
        copied = copy_log(tmp_path, tmp_path / "copy.db")
        log.append([READ])
        assert (copied.head.seq, copied.problem) == (2, None)
        assert log.verify(copied.head).problem is None
    with closing(open_audit_log(tmp_path / "copy.db")) as copy:
        assert [logged.seq for logged in copy.of_student(ANA.key)] == [1, 2]
        copy.append([READ])
        assert copy.verify(copied.head).problem is None
    assert (tmp_path / "copy.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("wrong", ["copy.db", "copy", "nowhere/copy.db"])
def test_a_copy_never_goes_over_a_file_and_a_log_that_is_not_there_leaves_none(tmp_path: Path, wrong: str):
    (tmp_path / "copy.db").write_text("kept", encoding="utf-8")
    with closing(open_audit_log(tmp_path)), pytest.raises(InputRefused):
        copy_log(tmp_path, tmp_path / wrong)
    with pytest.raises(AuditUnavailable):
        copy_log(tmp_path / "elsewhere.db", tmp_path / "new.db")
    with pytest.raises(InputRefused, match="pg_dump"):
        copy_log("postgresql://db/ews", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()
    assert (tmp_path / "copy.db").read_text(encoding="utf-8") == "kept"
