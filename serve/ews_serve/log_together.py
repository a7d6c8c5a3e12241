"""Reads that end at the same moment go into the log together: one hand-over to its thread, one flush to disk."""

import asyncio

from ews.errors import AuditUnavailable
from ews.store.audit_chain import Entry
from ews.store.audit_log import AuditLog

Waiting = list[tuple[Entry, "asyncio.Future[None]"]]


class LogTogether:
    """Adds entries to a log from one event loop; while some are being written, the next ones gather."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._waiting: Waiting = []
        self._writer: asyncio.Task[None] | None = None

    async def append(self, entry: Entry) -> None:
        """Add one entry; it is on disk when this returns.

        Raises:
            AuditUnavailable: it could not be written; whatever was to be shown must not be.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((entry, done))
        if self._writer is None or self._writer.done():
            self._writer = loop.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            refusal: AuditUnavailable | None = None
            try:
                await self._audit.appended([entry for entry, _ in batch])
            except AuditUnavailable as error:
                refusal = error
            _settle(batch, refusal)


def _settle(batch: Waiting, refusal: AuditUnavailable | None) -> None:
    for _, done in batch:
        if done.done():
            continue  # whoever waited went away
        if refusal is None:
            done.set_result(None)
        else:
            done.set_exception(refusal)
