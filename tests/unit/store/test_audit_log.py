"""The log of reads: append-only, linked, on disk before anything is shown (PRV-4, PRV-5, PRV-9, O17, O18)."""

import asyncio
import os
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

    def edit(self, *statements: str) -> None:
        """Change it as its owner could, with the triggers out of the way."""
        self.run(*(OFF_SQLITE if self.on_sqlite else OFF_POSTGRESQL), *statements)

    def run(self, *statements: str) -> None:
        engine = self.engine()
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()


OFF_SQLITE = [
    f"drop trigger if exists audit_{table}_no_{act}"
    for table in ("entries", "students")
    for act in ("update", "delete")
]
OFF_POSTGRESQL = [
    "set search_path to audit", "alter table audit_entries disable trigger all",
    "alter table audit_students disable trigger all",
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
    log.append([READ])
    engine, on_sqlite = place.engine(), place.on_sqlite
    schema = "" if on_sqlite else "audit."
    statements = [
        f"update {schema}audit_entries set login = 'x'", f"delete from {schema}audit_entries",
        f"update {schema}audit_students set seq = 2", f"delete from {schema}audit_students",
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
            ("audit", "audit_entries"), ("audit", "audit_students"),
        }  # fmt: skip
    log.close()
    store.close()
