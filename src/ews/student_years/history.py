"""The as-of door: closed years computed once, and what was known at a point, handed out as one thing."""

from dataclasses import dataclass
from pathlib import Path

import narwhals as nw

from ews.engine import keep, scan
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years.columns import DEFINITION
from ews.student_years.compute import kept_student_years, student_years
from ews.student_years.records import Records, known_school_years


@dataclass(frozen=True)
class History:
    """What was known when the cohort was predicted, and nothing after it.

    Attributes:
        target_year: the school year predicted.
        after_day: instructional days of the target year already seen; 0 before its first.
        past: `student_years` of every known year before the target year, as they are kept (`opened` opens them).
        so_far: `student_years` of the target year through day `after_day`; None at 0.
        households: student_id and household_id of the roster, where known; None where the source has no such column.
        past_files: the files that hold `past`, whose names tell their content; empty where it is in no file.
    """

    target_year: SchoolYear
    after_day: int
    past: nw.LazyFrame
    so_far: nw.LazyFrame | None
    households: nw.LazyFrame | None = None
    past_files: tuple[Path, ...] = ()


def history_as_of(records: Records, place: Path, target_year: SchoolYear, after_day: int, policy: Policy) -> History:
    """What was known before the target year's first instructional day, or after n of them.

    Args:
        records: the ingest.
        place: the folder that keeps student years (`stored_student_years`).
        target_year: the school year predicted.
        after_day: instructional days of it already seen.
        policy: tells when a year is complete.

    Raises:
        NotEnoughData: no year before the target year is known.
    """
    files = _stored_files(place, records, policy, target_year)
    so_far = student_years(records, target_year, policy, through_day=after_day) if after_day else None
    return History(target_year, after_day, scan(files, records.engine), so_far, _households(records), tuple(files))


def kept_beside(folder: Path) -> Path:
    """Where student years of one ingest's folder are kept: beside the ingests, so that a later one finds them."""
    return folder.parent / "student_years"


def stored_student_years(
    place: Path, records: Records, policy: Policy, *, before: SchoolYear | None = None
) -> nw.LazyFrame:
    """`student_years` of all known years (before one): each computed once, and kept in the folder `place`.

    A year is named by the hash of its records, so that a later ingest in which it is the same does not compute it
    again; of each year only the one that was used last is kept. The rule for open years is in the policy, and part
    of the place.

    Raises:
        NotEnoughData: no such year is known.
    """
    return scan(_stored_files(place, records, policy, before), records.engine)


def one_student_year(place: Path, records: Records, school_year: SchoolYear, policy: Policy) -> nw.LazyFrame:
    """`student_years` of one known year as they are kept in `place`, or counted when asked for, and not kept.

    An engine counts only what is read of them, which is little where it is days absent and enrolled.
    """
    path = _path(_kept(place, policy), records, school_year)
    return scan([path], records.engine) if path.exists() else kept_student_years(records, school_year, policy)


def _stored_files(place: Path, records: Records, policy: Policy, before: SchoolYear | None) -> list[Path]:
    years = [year for year in known_school_years(records) if before is None or year < before]
    if not years:
        when = f" before {before.label}" if before else ""
        raise NotEnoughData(f"No school year{when} is known. Ingest attendance of at least one.")
    return [_stored(_kept(place, policy), records, year, policy) for year in years]


def _kept(place: Path, policy: Policy) -> Path:
    return place / f"definition-{DEFINITION}-slack-{policy.closed_year_slack_days}"


def _path(kept: Path, records: Records, school_year: SchoolYear) -> Path:
    return kept / f"school_year={school_year}-{records.fingerprints[str(school_year)]}.parquet"


def _households(records: Records) -> nw.LazyFrame | None:
    if records.students is None or "household_id" not in records.students.collect_schema().names():
        return None
    return records.students.filter(~nw.col("household_id").is_null()).select("student_id", "household_id")


def _stored(kept: Path, records: Records, school_year: SchoolYear, policy: Policy) -> Path:
    """Where the year is kept; what it was in an earlier ingest goes once this one is whole."""
    path = _path(kept, records, school_year)
    return keep(path, lambda: kept_student_years(records, school_year, policy), f"school_year={school_year}-*.parquet")
