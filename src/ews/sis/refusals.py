"""When a whole feed is refused: too many bad rows, or less or older than what is in force."""

from collections.abc import Mapping
from pathlib import Path

from ews.errors import InputRefused
from ews.sis.rejects import Counts

MOST_REJECTED = 0.20
"""Share of a table's rows above which its file is taken to be the wrong file or the wrong format."""

FEWEST_REJECTED = 10
"""Rejected rows up to which a share says nothing."""

LEAST_KEPT = 0.50
"""Share of the rows in force below which a feed is taken to be cut off."""

_COMPARED = ("schools", "students", "attendance", "attendance_years")


def refuse_bad_tables(counts: Mapping[str, Counts], rejects: Path) -> None:
    """Refuse a feed of which a table was rejected whole or in large part.

    Raises:
        InputRefused: naming the first such table and where its rejected rows are listed.
    """
    for name, count in counts.items():
        whole = count.rejected > 0 and count.accepted == 0
        large = count.rejected > FEWEST_REJECTED and count.rejected > MOST_REJECTED * count.read
        if whole or large:
            raise InputRefused(
                f"{count.rejected} of {count.read} rows of {name} break a rule, too many for single mistakes. "
                f"Nothing was changed. See what to do with each in {rejects}"
            )


def refuse_shrunken(counts: Mapping[str, Counts], in_force: Mapping[str, Mapping[str, int]]) -> None:
    """Refuse a feed with far fewer schools, students or marks than the tables in force.

    Raises:
        InputRefused: naming the table that shrank.
    """
    for name in _COMPARED:
        before = in_force.get(name, {}).get("accepted", 0)
        now = counts[name].accepted if name in counts else 0
        if now < before * LEAST_KEPT:
            raise InputRefused(
                f"{name} has {now} rows, the tables in force have {before}: the export may be cut off. "
                "Nothing was changed. Export it again, or allow a smaller feed with --allow-shrink."
            )


def refuse_older(through: str | None, years: list[int], in_force: Mapping[str, object]) -> None:
    """Refuse a feed that ends before the tables in force do.

    Raises:
        InputRefused: naming the day or school year it ends with.
    """
    before, years_before = in_force.get("data_through"), in_force.get("school_years")
    older_day = through is not None and before is not None and through < str(before)
    older_year = isinstance(years_before, list) and years_before and max(years, default=0) < max(years_before)
    if older_day or older_year:
        ends = through if older_day else f"school year {max(years, default=0)}"
        raise InputRefused(
            f"This feed ends with {ends}, the tables in force reach further. Nothing was changed. "
            "Export it again, or allow an older feed with --allow-older."
        )
