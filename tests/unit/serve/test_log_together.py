"""Entries of requests that end at the same moment are written together, and whoever waits learns what came of it."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ews.errors import AuditUnavailable
from ews.store.audit_chain import Entry
from ews.store.audit_log import AuditLog, open_audit_log
from ews_serve.log_together import LogTogether
from tests.cast import ANA, NOON, ROSA

ENTRY = Entry(NOON, ROSA.key, ROSA.login, "school_lead", "explanation", "shown", "school", (ANA.key,))


@pytest.fixture
def audit(tmp_path: Path) -> Iterator[AuditLog]:
    log = open_audit_log(tmp_path)
    yield log
    log.close()


def test_every_entry_is_in_the_log_when_its_request_goes_on(audit: AuditLog):
    log = LogTogether(audit)

    async def request(number: int) -> bool:
        await log.append(replace(ENTRY, correlation_id=str(number)))
        return str(number) in {one.entry.correlation_id for one in audit.of_student(ANA.key)}

    async def scenario() -> list[bool]:
        first = await asyncio.gather(*map(request, range(40)))
        return first + [await request(40)]

    assert all(asyncio.run(scenario()))
    assert audit.verify().problem is None
    assert audit.head().seq == 41


def test_many_that_wait_at_once_are_one_transaction(audit: AuditLog, monkeypatch: pytest.MonkeyPatch):
    sizes = []
    write = AuditLog.appended

    async def counted(self: AuditLog, entries) -> None:
        sizes.append(len(entries))
        await write(self, entries)

    monkeypatch.setattr(AuditLog, "appended", counted)

    async def scenario() -> None:
        log = LogTogether(audit)
        await asyncio.gather(*(log.append(ENTRY) for _ in range(100)))

    asyncio.run(scenario())
    assert sum(sizes) == 100
    assert len(sizes) <= 3


def test_when_it_cannot_be_written_everybody_is_refused_and_later_ones_are_tried_again_O18(tmp_path: Path):
    audit = open_audit_log(tmp_path)

    async def scenario() -> list[object]:
        log = LogTogether(audit)
        # The table is taken away, as a damaged or foreign file would lack it.
        with audit._engine.begin() as connection:
            connection.exec_driver_sql("alter table audit_entries rename to away")
        refused = await asyncio.gather(*(log.append(ENTRY) for _ in range(5)), return_exceptions=True)
        with audit._engine.begin() as connection:
            connection.exec_driver_sql("alter table away rename to audit_entries")
        return [*refused, await log.append(ENTRY)]

    *refused, written = asyncio.run(scenario())
    assert {type(one) for one in refused} == {AuditUnavailable}
    assert written is None
    audit.close()


def test_a_request_that_went_away_stops_nobody(audit: AuditLog):
    async def scenario() -> None:
        log = LogTogether(audit)
        away = asyncio.create_task(log.append(ENTRY))
        await asyncio.sleep(0)
        away.cancel()
        await log.append(ENTRY)

    asyncio.run(scenario())
    assert audit.head().seq >= 1
