"""Connections that do not wait for ever: uvicorn itself has no limit on how slowly a request head may come (W10)."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


class PromptProtocol(H11Protocol):
    """Closes a connection that does not bring a whole request head in time.

    The time is uvicorn's `timeout_keep_alive`, in seconds, counted from the opening of the connection, or from the
    first byte after the last answer; bytes that trickle in do not prolong it. Whoever holds a thousand silent
    connections holds them no longer than that.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Start the clock."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Read on; the clock runs while a head is incomplete, and stops while a request is answered."""
        super().data_received(data)
        self._await_head()

    def on_response_complete(self) -> None:
        """Begin to wait for the next head."""
        self._stop()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.timeout_keep_alive, self.transport.close)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
