"""Reads that end at the same moment go into the log together: one hand-over to its thread, one flush to disk."""

import asyncio
import contextlib
from concurrent.futures import Future

from ews.errors import AuditUnavailable
from ews.store.audit_chain import Entry
from ews.store.audit_log import UNAVAILABLE, WAIT_SECONDS, AuditLog

Waiting = list[tuple[Entry, "asyncio.Future[None]"]]


class LogTogether:
    """Adds entries to a log from one event loop; while some are being written, the next ones gather."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit
        self._waiting: Waiting = []
        self._handed: Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def append(self, entry: Entry) -> None:
        """Add one entry; it is on disk when this returns.

        Raises:
            AuditUnavailable: it could not be written; whatever was to be shown must not be.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((entry, done))
        if self._handed is None or self._handed.done() or self._loop is not loop:
            self._hand_over(loop)
        await done

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        batch, self._waiting, self._loop = self._waiting, [], loop
        handed = self._handed = self._audit.hand_over([entry for entry, _ in batch])
        late = loop.call_later(WAIT_SECONDS, self._end, loop, batch, AuditUnavailable(UNAVAILABLE))

        def ended(_: Future[None]) -> None:
            # A loop that was closed meanwhile has nobody left to tell.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._written, loop, batch, handed, late)

        handed.add_done_callback(ended)

    def _written(
        self, loop: asyncio.AbstractEventLoop, batch: Waiting, handed: "Future[None]", late: asyncio.TimerHandle
    ) -> None:
        late.cancel()
        self._end(loop, batch, handed.exception())

    def _end(self, loop: asyncio.AbstractEventLoop, batch: Waiting, refusal: BaseException | None) -> None:
        """Tell who waits, and hand over who came meanwhile: behind a batch that takes too long, too."""
        for _, done in batch:
            if done.done():
                continue  # whoever waited went away
            if refusal is None:
                done.set_result(None)
            else:
                done.set_exception(refusal)
        if self._waiting:
            self._hand_over(loop)
