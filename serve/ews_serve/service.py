"""What every request is answered from: the store, the log of reads, the model, opened once a process."""

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from ews.access import AccessPolicy
from ews.store.audit_log import AuditLog, open_audit_log
from ews.store.opening import Store, open_store, store_url
from ews.store.swift import SwiftConnection
from ews_serve.live import LiveModels
from ews_serve.log_together import LogTogether
from ews_serve.measures import Measures
from ews_serve.settings import Settings

Found = TypeVar("Found")

ACCESS_POLICY = "access.toml"
"""The file of the home in which a district says when a relationship counts."""


@dataclass(frozen=True)
class Service:
    """One process' open service.

    Attributes:
        settings: as told at the start.
        store: where lists and people are.
        audit: the log of reads.
        live: the model for live estimates.
        measures: what Prometheus may know.
        policy: when a relationship counts.
        now: the clock, in UTC.
    """

    settings: Settings
    store: Store
    audit: AuditLog
    live: LiveModels
    measures: Measures
    policy: AccessPolicy
    now: Callable[[], datetime]

    @cached_property
    def answers_at_once(self) -> bool:
        """Whether a read of one student takes less than handing it to a thread: a file's reader waits for no writer."""
        return self.store.is_sqlite

    @cached_property
    def log_together(self) -> LogTogether:
        """The log of reads, for what runs on the event loop."""
        return LogTogether(self.audit)

    def glance(self) -> AbstractContextManager[Any]:
        """One short reading, of one person or student; where it answers at once, only on the event loop's thread.

        Raises:
            StoreUnavailable: the database does not answer or is damaged.
        """
        return self._swift.reading() if self._swift else self.store.reading()

    def kept(self, name: Hashable, look: Callable[[Any], Found | None]) -> Found | None:
        """What `look` finds in a glance; where the store tells that nothing was committed since, without looking.

        Raises:
            StoreUnavailable: the database does not answer or is damaged.
        """
        if self._swift:
            return self._swift.kept(name, look)
        with self.store.reading() as connection:
            return look(connection)

    @cached_property
    def _swift(self) -> SwiftConnection | None:
        return SwiftConnection(str(self.store.file)) if self.store.file else None

    def on(self, at: datetime) -> date:
        """The school's date at a point in time."""
        zone = self.settings.time_zone
        return at.astimezone(ZoneInfo(zone) if zone else None).date()

    def close(self) -> None:
        """Write what waits, and let go of the databases."""
        self.audit.close()
        self.store.close()
        if self._swift:
            self._swift.close()


def open_service(settings: Settings, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Service:
    """Open everything.

    Raises:
        StoreUnavailable: there is no store, or its tables are of another version.
        AuditUnavailable: the log of reads cannot be opened.
        InvalidPolicy: the home's access policy holds something unknown.
    """
    store = open_store(settings.store or settings.home)
    return Service(
        settings=settings,
        store=store,
        audit=open_audit_log(audit_place(settings)),
        live=LiveModels(settings.home),
        measures=Measures(),
        policy=AccessPolicy.read(settings.home / ACCESS_POLICY),
        now=now,
    )


def audit_place(settings: Settings) -> str:
    """Where the log of reads is: as told; else beside a PostgreSQL store, in a schema of its own; else in the home."""
    if settings.audit:
        return settings.audit
    beside = settings.store and store_url(settings.store).get_backend_name() == "postgresql"
    return settings.store if beside else str(settings.home)
