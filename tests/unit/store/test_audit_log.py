"""The log of reads: append-only, linked, on disk before anything is shown (PRV-4, PRV-5, PRV-9, O17, O18)."""

import asyncio
import os
import sqlite3
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from ews.errors import AuditUnavailable
from ews.store.audit_chain import FIRST, Entry, Head
from ews.store.audit_log import AuditLog, open_audit_log
from tests.cast import ANA, JUN, KAI, NOON, ROSA, TOMAS

READ = Entry(
    at=NOON, staff_key=TOMAS.key, login=TOMAS.login, role="counselor", view="attendance", result="shown",
    reason="caseload", student_keys=(ANA.key,), run_id="run-1", model_version=3, correlation_id="c0ffee",
)  # fmt: skip
LIST = replace(READ, staff_key=ROSA.key, login=ROSA.login, view="risk_list", student_keys=(ANA.key, JUN.key))


@pytest.fixture
def log(tmp_path: Path):
    opened = open_audit_log(tmp_path)
    yield opened
    opened.close()


def edit(log_folder: Path, *statements: str) -> None:
    """What somebody with the file can do, triggers dropped."""
    with sqlite3.connect(log_folder / "audit.db") as connection:
        for name in ("audit_entries_no_update", "audit_entries_no_delete",
                     "audit_students_no_update", "audit_students_no_delete"):  # fmt: skip
            connection.execute(f"drop trigger {name}")
        for statement in statements:
            connection.execute(statement)


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


def test_the_database_refuses_to_change_or_delete_an_entry_O18(log: AuditLog, tmp_path: Path):
    log.append([READ])
    engine = create_engine(f"sqlite:///{tmp_path / 'audit.db'}")
    for statement in (
        "update audit_entries set login = 'x'", "delete from audit_entries",
        "update audit_students set seq = 2", "delete from audit_students",
    ):  # fmt: skip
        with engine.begin() as connection, pytest.raises(Exception, match="append-only"):
            connection.execute(text(statement))
    engine.dispose()


def test_an_untouched_log_holds_and_goes_on_after_it_was_closed(tmp_path: Path):
    for number in range(3):
        log = open_audit_log(tmp_path)
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
        ("delete from audit_entries where seq = 3", "entries after 2 were taken out"),
        ("delete from audit_entries", "entries after 0 were taken out"),
        ("delete from audit_students where seq = 1", "index of students"),
        ("update audit_students set student_key = 'other' where seq = 1", "index of students"),
    ],
)
def test_whatever_is_changed_or_taken_out_is_found_O18(log: AuditLog, tmp_path: Path, statement: str, problem: str):
    log.append([READ, LIST, READ])
    assert log.verify().problem is None
    edit(tmp_path, statement)
    assert problem in str(log.verify().problem)


def test_a_log_rewritten_whole_is_found_by_a_head_that_was_noted_elsewhere_O18(log: AuditLog, tmp_path: Path):
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


def test_several_processes_keep_one_chain(tmp_path: Path):
    logs = [open_audit_log(tmp_path) for _ in range(4)]

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


def test_a_log_that_cannot_be_written_refuses_and_takes_entries_again_once_it_can_O18(log: AuditLog, tmp_path: Path):
    log.append([READ])
    assert log.can_be_written()
    assert log.head().seq == 1
    with sqlite3.connect(tmp_path / "audit.db") as connection:
        connection.execute("alter table audit_entries rename to hidden")
    with pytest.raises(AuditUnavailable, match="nothing is shown"):
        log.append([READ])
    with pytest.raises(AuditUnavailable):
        asyncio.run(log.appended([READ]))
    assert not log.can_be_written()
    with sqlite3.connect(tmp_path / "audit.db") as connection:
        connection.execute("alter table hidden rename to audit_entries")
    log.append([LIST])
    assert log.head().seq == 2


def test_a_folder_that_may_not_be_made_is_refused_with_a_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(AuditUnavailable, match="cannot be opened"):
        open_audit_log(tmp_path / "file" / "home")


def test_others_on_this_machine_may_not_read_it(log: AuditLog, tmp_path: Path):
    log.append([READ])
    assert (tmp_path / "audit.db").stat().st_mode & 0o077 == 0
    assert os.access(tmp_path / "audit.db", os.R_OK)
