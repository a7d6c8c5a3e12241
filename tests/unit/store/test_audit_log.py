"""The log of reads: append-only, linked, on disk before anything is shown (PRV-4, PRV-5, PRV-9, O17, O18)."""

import asyncio
import os
import sqlite3
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from ews.errors import AuditUnavailable
from ews.store.audit_chain import FIRST, Entry, Head
from ews.store.audit_log import FILE, AuditLog, log_place, open_audit_log
from ews.store.opening import store_url
from ews.store.upgrading import create_or_upgrade
from tests.cast import ANA, JUN, KAI, NOON, ROSA, TOMAS
from tests.postgres import new_database

READ = Entry(
    at=NOON, staff_key=TOMAS.key, login=TOMAS.login, role="counselor", view="attendance", result="shown",
    reason="caseload", student_keys=(ANA.key,), run_id="run-1", model_version=3, correlation_id="c0ffee",
)  # fmt: skip
LIST = replace(READ, staff_key=ROSA.key, login=ROSA.login, view="risk_list", student_keys=(ANA.key, JUN.key))


@dataclass(frozen=True)
class Place:
    """Where a log is, and what somebody with its database can do to it."""

    where: str | Path

    @property
    def on_sqlite(self) -> bool:
        return isinstance(self.where, Path)

    def engine(self) -> Engine:
        return create_engine(f"sqlite:///{Path(self.where) / FILE}" if self.on_sqlite else store_url(self.where))

    def count(self, table: str) -> int:
        engine = self.engine()
        with engine.connect() as connection:
            found = connection.scalar(text(f"select count(*) from {'' if self.on_sqlite else 'audit.'}{table}"))
        engine.dispose()
        return int(found or 0)

    def edit(self, *statements: str) -> None:
        """Change it as its owner could, with the triggers out of the way."""
        self.run(*(OFF_SQLITE if self.on_sqlite else OFF_POSTGRESQL), *statements)

    def run(self, *statements: str) -> None:
        engine = self.engine()
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()


TABLES = ("entries", "students", "lists", "list_reads")
OFF_SQLITE = [f"drop trigger if exists audit_{table}_{name}" for table in TABLES for name in ("no_update", "kept")]
OFF_POSTGRESQL = [
    "set search_path to audit", *(f"alter table audit_{table} disable trigger all" for table in TABLES)
]  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(tmp_path if request.param == "sqlite" else new_database())


@pytest.fixture
def log(place: Place):
    opened = open_audit_log(place.where)
    yield opened
    opened.close()


def test_an_entry_says_who_in_which_role_when_saw_whom_and_why_PRV_5(log: AuditLog):
    log.append([READ])
    (logged,) = log.of_student(ANA.key)
    assert (logged.seq, logged.entry) == (1, READ)


def test_a_list_is_one_entry_that_names_every_student_on_it_PRV_4(log: AuditLog):
    log.append([READ, LIST])
    assert [logged.entry.view for logged in log.of_student(ANA.key)] == ["attendance", "risk_list"]
    assert [logged.entry.login for logged in log.of_student(JUN.key)] == ["rosa.imani"]
    assert list(log.of_student(KAI.key)) == []


def test_the_same_students_shown_again_take_one_row_more_and_every_read_names_them_PRV_4(log: AuditLog, place: Place):
    again = replace(LIST, login="another", student_keys=tuple(reversed(LIST.student_keys)), run_id="run-2")
    log.append([LIST])
    log.append([again])
    log.append([replace(LIST, student_keys=(ANA.key, KAI.key))])
    assert [logged.entry.login for logged in log.of_student(JUN.key)] == ["rosa.imani", "another"]
    assert [logged.seq for logged in log.of_student(KAI.key)] == [3]
    assert [set(logged.entry.student_keys) for logged in log.of_student(ANA.key)] == [
        {ANA.key, JUN.key}, {ANA.key, JUN.key}, {ANA.key, KAI.key},
    ]  # fmt: skip
    assert list(log.of_student(ANA.key[:-1])) == list(log.of_student("%")) == []
    assert place.count("audit_lists") == 2
    assert place.count("audit_students") == 0
    assert log.verify().problem is None


def test_a_list_that_another_process_kept_first_is_kept_once(log: AuditLog, place: Place):
    other = open_audit_log(place.where)
    for one in (log, other, log):
        one.append([LIST])
    other.close()
    assert (place.count("audit_lists"), place.count("audit_list_reads")) == (1, 3)


def test_a_log_of_before_lists_were_kept_once_is_read_and_proved_as_it_was(tmp_path: Path):
    with sqlite3.connect(tmp_path / FILE) as old:
        old.executescript(OLD_LOG)
    old.close()
    log = open_audit_log(tmp_path)
    log.append([LIST])
    assert [logged.entry for logged in log.of_student(JUN.key)] == [LIST, LIST]
    assert log.verify(OLD_HEAD).problem is None
    log.close()


OLD_HEAD = Head(2, "fbcbfba266d600f86188a9da811a79adb7ca7d9f65e9f2de11e8dbdd43e6d737")
OLD_LOG = f"""
create table audit_entries (
    seq integer not null primary key autoincrement, at varchar(32) not null, staff_key varchar(36) not null,
    login text not null, role varchar(32) not null, view varchar(32) not null, result varchar(16) not null,
    reason varchar(64) not null, student_keys text not null, school_id text, fields text not null,
    purpose text not null, viewing_as text, run_id varchar(32), model_version integer,
    correlation_id varchar(64) not null, party text, legal_basis text, previous_sha256 varchar(64) not null,
    sha256 varchar(64) not null);
create table audit_students (student_key varchar(36), seq integer, primary key (student_key, seq)) without rowid;
insert into audit_entries values
    (1, '2026-10-05T12:00:00.000000+00:00', '{TOMAS.key}', 'tomas.nunez', 'counselor', 'attendance', 'shown',
    'caseload', '["{ANA.key}"]', null, '', '', null, 'run-1', 3, 'c0ffee', null, null, '{FIRST.sha256}',
    '045ab312bf8dbecba6542e3357472534c7866f7ad47d8dc250e8265bef6ff57e'),
    (2, '2026-10-05T12:00:00.000000+00:00', '{ROSA.key}', 'rosa.imani', 'counselor', 'risk_list', 'shown',
    'caseload', '["{ANA.key}","{JUN.key}"]', null, '', '', null, 'run-1', 3, 'c0ffee', null, null,
    '045ab312bf8dbecba6542e3357472534c7866f7ad47d8dc250e8265bef6ff57e', '{OLD_HEAD.sha256}');
insert into audit_students values ('{ANA.key}', 1), ('{ANA.key}', 2), ('{JUN.key}', 2);
"""


def test_what_was_read_between_two_times_is_found_whatever_the_zone_PRV_9(log: AuditLog):
    later = replace(READ, at=NOON + timedelta(minutes=1))
    log.append([READ, later])
    from datetime import timezone

    here = timezone(timedelta(hours=-5))
    start = NOON.astimezone(here)
    assert [logged.entry for logged in log.between(start, start + timedelta(minutes=1))] == [READ]
    assert len(list(log.between(start, start + timedelta(minutes=2)))) == 2


def test_a_disclosure_names_the_party_and_the_ground_PRV_4(log: AuditLog):
    left = replace(LIST, view="export", result="exported", party="Receiving district", legal_basis="34 CFR 99.34")
    log.append([left])
    assert next(log.of_student(JUN.key)).entry == left


def test_the_database_refuses_to_change_or_delete_an_entry_O18(log: AuditLog, place: Place):
    log.append([READ, LIST])
    engine, on_sqlite = place.engine(), place.on_sqlite
    schema = "" if on_sqlite else "audit."
    statements = [
        f"update {schema}audit_entries set login = 'x'", f"delete from {schema}audit_entries",
        f"update {schema}audit_students set seq = 2", f"delete from {schema}audit_students",
        f"update {schema}audit_lists set sha256 = 'x'", f"delete from {schema}audit_lists",
        f"update {schema}audit_list_reads set seq = 3", f"delete from {schema}audit_list_reads",
    ]  # fmt: skip
    for statement in statements if on_sqlite else [*statements, "truncate audit.audit_entries"]:
        with engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text(statement))
    engine.dispose()


def test_an_untouched_log_holds_and_goes_on_after_it_was_closed(place: Place):
    for number in range(3):
        log = open_audit_log(place.where)
        assert log.head().seq == number
        log.append([READ])
        assert log.verify().problem is None
        log.close()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("update audit_entries set login = 'nobody' where seq = 2", "entry 2 is not as it was written"),
        ("update audit_entries set purpose = 'ok' where seq = 3", "entry 3 is not as it was written"),
        ("update audit_entries set student_keys = '[]' where seq = 1", "entry 1 is not as it was written"),
        ("delete from audit_entries where seq = 2", "after entry 1 comes entry 3"),
        ("delete from audit_entries where seq = 1", "after entry 0 comes entry 2"),
        ("delete from audit_entries where seq = 3", "was cut or rewritten"),
        ("delete from audit_entries", "was cut or rewritten"),
        ("delete from audit_students where seq = 1", "index of students"),
        ("update audit_students set student_key = 'other' where seq = 1", "index of students"),
        ("update audit_list_reads set sha256 = 'other' where seq = 2", "index of students"),
        ("delete from audit_list_reads", "index of students"),
        ("delete from audit_lists", "list of students that was shown"),
        (f"update audit_lists set student_keys = '[\"{KAI.key}\"]'", "list of students that was shown"),
    ],
)
def test_whatever_is_changed_or_taken_out_is_found_O18(log: AuditLog, place: Place, statement: str, problem: str):
    log.append([READ, LIST, READ])
    kept = log.head()
    assert log.verify(kept).problem is None
    place.edit(statement)
    found = str(log.verify(kept).problem)
    assert problem in found or ("cut" in problem and "were taken out" in found)


@pytest.mark.parametrize("statement", ["delete from audit_entries where seq = 3", "delete from audit_entries"])
def test_sqlite_remembers_that_there_were_more_entries_O18(tmp_path: Path, statement: str):
    log = open_audit_log(tmp_path)
    log.append([READ, LIST, READ])
    Place(tmp_path).edit(statement)
    assert "were taken out" in str(log.verify().problem)
    log.close()


def test_a_log_rewritten_whole_is_found_by_a_head_that_was_noted_elsewhere_O18(tmp_path: Path):
    log = open_audit_log(tmp_path)
    log.append([READ, LIST])
    kept = log.head()
    log.append([READ])
    assert log.verify(kept).problem is None
    log.close()
    for file in tmp_path.glob("audit.db*"):
        file.unlink()
    forged = open_audit_log(tmp_path)
    forged.append([READ, READ, READ])
    assert forged.verify().problem is None
    assert "was cut or rewritten" in str(forged.verify(kept).problem)
    forged.close()


def test_a_head_is_noted_in_one_line_and_read_back():
    head = Head(7, "ab" * 32)
    assert Head.parse(str(head)) == head
    with pytest.raises(ValueError, match="number, a colon"):
        Head.parse("7:ab")
    assert FIRST.seq == 0


def test_names_and_purposes_with_line_ends_cannot_forge_an_entry_O17(log: AuditLog):
    odd = replace(READ, purpose='x"}\n{"seq": 2, "login": "dana"}\r\n\x1b[31m', login="ro\nsa")
    log.append([odd])
    (logged,) = log.of_student(ANA.key)
    assert logged.entry == odd
    assert log.verify().problem is None


def test_many_who_wait_at_once_are_all_on_disk_when_they_go_on(log: AuditLog):
    async def read_many() -> None:
        await asyncio.gather(*(log.appended([replace(READ, correlation_id=str(number))]) for number in range(300)))

    asyncio.run(read_many())
    ids = {logged.entry.correlation_id for logged in log.of_student(ANA.key)}
    assert ids == {str(number) for number in range(300)}
    assert log.verify().problem is None


def test_a_log_is_proved_while_entries_are_added_O18(log: AuditLog, place: Place):
    other, done = open_audit_log(place.where), threading.Event()

    def write() -> None:
        while not done.is_set():
            other.append([READ, LIST] * 20)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while (verdict := log.verify()).head.seq < 1_000:
            assert verdict.problem is None
    finally:
        done.set()
        writer.join()
        other.close()


def test_several_processes_keep_one_chain(place: Place):
    logs = [open_audit_log(place.where) for _ in range(4)]

    def write(log: AuditLog) -> None:
        for _ in range(25):
            log.append([READ])

    threads = [threading.Thread(target=write, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = logs[0].verify()
    assert (verdict.head.seq, verdict.problem) == (100, None)
    for log in logs:
        log.close()


def test_a_log_that_cannot_be_written_refuses_and_takes_entries_again_once_it_can_O18(log: AuditLog, place: Place):
    log.append([READ])
    assert log.can_be_written()
    assert log.head().seq == 1
    place.edit("alter table audit_entries rename to hidden")
    with pytest.raises(AuditUnavailable, match="nothing is shown"):
        log.append([READ])
    with pytest.raises(AuditUnavailable):
        asyncio.run(log.appended([READ]))
    assert not log.can_be_written()
    rename = "alter table hidden rename to audit_entries"
    place.run(rename) if place.on_sqlite else place.run("set search_path to audit", rename)
    log.append([LIST])
    assert log.head().seq == 2


def test_a_folder_that_may_not_be_made_is_refused_with_a_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(AuditUnavailable, match="cannot be opened"):
        open_audit_log(tmp_path / "file" / "home")


def test_others_on_this_machine_may_not_read_it(tmp_path: Path):
    log = open_audit_log(tmp_path)
    log.append([READ])
    log.close()
    assert (tmp_path / "audit.db").stat().st_mode & 0o077 == 0
    assert os.access(tmp_path / "audit.db", os.R_OK)


def test_the_log_is_beside_the_store_unless_told_otherwise(tmp_path: Path):
    assert log_place(tmp_path) == log_place(tmp_path, "", "") == tmp_path
    assert log_place(tmp_path, "postgresql://db/ews") == "postgresql://db/ews"
    assert log_place(tmp_path, str(tmp_path / "store.db")) == tmp_path
    assert log_place(tmp_path, "postgresql://db/ews", "postgresql://log/ews") == "postgresql://log/ews"


def test_on_the_stores_server_the_log_has_a_schema_of_its_own():
    url = new_database()
    store = create_or_upgrade(url)
    log = open_audit_log(url)
    log.append([READ])
    with store.reading() as connection:
        tables = "select table_schema, table_name from information_schema.tables where table_name like 'audit_%'"
        assert set(map(tuple, connection.execute(text(tables)))) == {
            ("audit", "audit_entries"), ("audit", "audit_students"), ("audit", "audit_lists"),
            ("audit", "audit_list_reads"), ("audit", "audit_archives"),
        }  # fmt: skip
    log.close()
    store.close()
