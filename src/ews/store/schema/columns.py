"""What every table of the store is made of: one set of names, and the kinds of columns."""

import datetime as dt
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData, String, TypeDecorator

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _bytewise(length: int) -> Any:
    """Text that compares and sorts by its bytes on every database, whatever its language."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Instant(TypeDecorator[dt.datetime]):
    """A point in time, always with its zone; SQLite keeps none, so there UTC is kept and given back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """UTC; without a zone where the database knows none.

        Raises:
            ValueError: the time has no zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone is no point in time")
        utc = value.astimezone(dt.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: dt.datetime | None, _: Dialect) -> dt.datetime | None:
        """UTC, with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


KEY = _bytewise(36)
"""A random UUID, as text."""

ID = _bytewise(64)
"""An id of the district, as given (`007` stays `007`)."""

HASH = String(64)
"""SHA-256, as 64 hexadecimal digits."""

INSTANT = Instant()
