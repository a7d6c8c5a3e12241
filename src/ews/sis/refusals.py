"""When a whole feed is refused: too many bad rows, or less or older than what is in force."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from ews.errors import InputRefused
from ews.sis.rejects import Counts

MOST_REJECTED = 0.20
"""Share of a table's rows above which its file is taken to be the wrong file or the wrong format."""

FEWEST_REJECTED = 10
"""Rejected rows up to which a share says nothing."""

LEAST_KEPT = 0.50
"""Share of the rows in force below which a feed is taken to be cut off."""

FEWEST_LOST = 10
"""Students or marks of one school up to which losing more than half says nothing."""

MOST_DAYS_BEHIND = 14
"""Days by which the marks of one school may end earlier than before: a last mark may have been corrected away."""

_COMPARED = ("schools", "students", "attendance", "attendance_years")


@dataclass(frozen=True)
class Override:
    """Who takes a feed that would be refused, why, and when; kept with the ingest.

    Attributes:
        by: the person.
        why: their reason.
        at: when, as ISO 8601 with time zone; "" where the caller has no clock.
    """

    by: str = ""
    why: str = ""
    at: str = ""


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


@dataclass(frozen=True)
class Lesser:
    """One way in which a feed is less than the tables in force.

    Attributes:
        kind: `shrink` or `older`; a person may allow it by that word.
        text: what is less, in counts and names of schools.
    """

    kind: Literal["shrink", "older"]
    text: str


def lesser(now: Mapping[str, Any], in_force: Mapping[str, Any]) -> list[Lesser]:
    """Every way in which the manifest of a feed tells of less than the manifest in force."""
    shrunken = [*_shrunken_tables(now["counts"], in_force["counts"]), *_shrunken_schools(now, in_force)]
    older = [*_older(now, in_force), *_older_schools(now, in_force)]
    return [Lesser("shrink", text) for text in shrunken] + [Lesser("older", text) for text in older]


def refuse_lesser(found: Sequence[Lesser], allowed: Collection[str], override: Override) -> None:
    """Refuse what is less and was not allowed, or was allowed by nobody for no reason.

    Raises:
        InputRefused: naming the first of it and the option that allows it.
    """
    for one in found:
        if one.kind not in allowed:
            raise InputRefused(
                f"{one.text} Nothing was changed. Export it again; if it is right, allow it with --allow-{one.kind} "
                "--by NAME --why REASON."
            )
    if found and not (override.by.strip() and override.why.strip()):
        raise InputRefused(f"{found[0].text} To take it all the same, say who decides and why: --by NAME --why REASON.")


def _shrunken_tables(now: Mapping[str, Any], in_force: Mapping[str, Any]) -> Iterator[str]:
    for name in _COMPARED:
        before, after = (counts.get(name, {}).get("accepted", 0) for counts in (in_force, now))
        if after < before * LEAST_KEPT:
            yield f"{name} has {after} rows, the tables in force have {before}: the export may be cut off."


def _shrunken_schools(now: Mapping[str, Any], in_force: Mapping[str, Any]) -> Iterator[str]:
    for what in ("students", "marks"):
        pairs = [
            (school, before[what], now.get("schools", {}).get(school, {}).get(what, 0))
            for school, before in in_force.get("schools", {}).items()
        ]
        lost = [pair for pair in pairs if pair[2] < pair[1] * LEAST_KEPT and pair[1] - pair[2] >= FEWEST_LOST]
        if lost:
            school, before, after = lost[0]
            yield (
                f"{_of_schools(len(lost))} lost more than half of their {what}: {school} has {after}, in the tables in "
                f"force {before}."
            )


def _older(now: Mapping[str, Any], in_force: Mapping[str, Any]) -> Iterator[str]:
    through, before = now["data_through"], in_force.get("data_through")
    last_year, last_before = (max(manifest.get("school_years") or [0]) for manifest in (now, in_force))
    if through is not None and before is not None and through < before:
        yield f"This feed ends with {through}, the tables in force reach {before}."
    elif last_year < last_before:
        yield f"This feed ends with school year {last_year}, the tables in force reach {last_before}."


def _older_schools(now: Mapping[str, Any], in_force: Mapping[str, Any]) -> Iterator[str]:
    ends = {school: facts["through"] for school, facts in now.get("schools", {}).items()}
    behind = [
        (school, ends[school], facts["through"])
        for school, facts in in_force.get("schools", {}).items()
        if facts["through"] and ends.get(school) and _days_between(ends[school], facts["through"]) > MOST_DAYS_BEHIND
    ]
    if behind:
        school, after, before = behind[0]
        yield (
            f"{_of_schools(len(behind))} end earlier than before: the marks of {school} end with {after}, in the "
            f"tables in force with {before}."
        )


def _of_schools(number: int) -> str:
    return f"{number} schools" if number > 1 else "Of the schools one"


def _days_between(earlier: str, later: str) -> int:
    return (date.fromisoformat(later) - date.fromisoformat(earlier)).days
