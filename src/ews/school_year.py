"""A school year, named by the year in which it ends (Ed-Fi): 2026 is 2025-26; and a day in words."""

import re
from dataclasses import dataclass
from datetime import date

from ews.errors import InvalidPolicy

_SPAN = re.compile(r"(\d{4})-(\d{2}|\d{4})")


@dataclass(frozen=True, order=True)
class SchoolYear:
    """One school year.

    A type and never a bare number, since half of the field's systems name a year by its autumn.

    >>> SchoolYear.parse("2025-26")
    SchoolYear(ending=2026)
    >>> str(SchoolYear(2026)), SchoolYear(2026).label
    ('2026', '2025-26')
    """

    ending: int

    def __post_init__(self) -> None:
        if not 1900 <= self.ending <= 2200:
            raise InvalidPolicy(
                f"{self.ending} is no school year. Name it by the year in which it ends, as 2026 for 2025-26."
            )

    @classmethod
    def parse(cls, text: "str | int | SchoolYear") -> "SchoolYear":
        """Read ``2026`` or ``2025-26``; anything else is refused."""
        if isinstance(text, SchoolYear):
            return text
        words = str(text).strip()
        span = _SPAN.fullmatch(words)
        if span:
            autumn, spring = int(span[1]), span[2]
            ending = autumn + 1
            if not str(ending).endswith(spring):
                raise InvalidPolicy(f"{words!r} does not span one school year. Write it as 2025-26 or 2026.")
            return cls(ending)
        if not words.isdecimal():
            raise InvalidPolicy(f"{words!r} is no school year. Write it as 2026 or 2025-26.")
        return cls(int(words))

    def __str__(self) -> str:
        return str(self.ending)

    @property
    def label(self) -> str:
        """The form people write: ``2025-26``."""
        return f"{self.ending - 1}-{self.ending % 100:02d}"

    @property
    def previous(self) -> "SchoolYear":
        """The school year before this one."""
        return SchoolYear(self.ending - 1)

    @property
    def next(self) -> "SchoolYear":
        """The school year after this one."""
        return SchoolYear(self.ending + 1)


def day_text(day: date) -> str:
    """A day as people say it.

    >>> day_text(date(2026, 10, 5))
    '5 October 2026'
    """
    return f"{day.day} {day:%B %Y}"
