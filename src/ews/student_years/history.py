"""The as-of door: closed years computed once, and what was known at a point, handed out as one thing."""

from dataclasses import dataclass
from pathlib import Path

import narwhals as nw

from ews.engine import Engine, scan, write_parquet
from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years.columns import DEFINITION
from ews.student_years.compute import student_years
from ews.student_years.records import Records, known_school_years


@dataclass(frozen=True)
class History:
    """What was known when the cohort was predicted, and nothing after it.

    Attributes:
        target_year: the school year predicted.
        after_day: instructional days of the target year already seen; 0 before its first.
        past: `student_years` of every known year before the target year.
        so_far: `student_years` of the target year through day `after_day`; None at 0.
        households: student_id and household_id of the roster, where known; None where the source has no such column.
    """

    target_year: SchoolYear
    after_day: int
    past: nw.LazyFrame
    so_far: nw.LazyFrame | None
    households: nw.LazyFrame | None = None


def history_as_of(
    records: Records, folder: Path, target_year: SchoolYear, after_day: int, policy: Policy, engine: Engine = "duckdb"
) -> History:
    """What was known before the target year's first instructional day, or after n of them.

    Raises:
        NotEnoughData: no year before the target year is known.
    """
    past = stored_student_years(folder, records, policy, engine, before=target_year)
    so_far = student_years(records, target_year, policy, through_day=after_day) if after_day else None
    return History(target_year, after_day, past, so_far, _households(records))


def stored_student_years(
    folder: Path,
    records: Records,
    policy: Policy,
    engine: Engine = "duckdb",
    *,
    before: SchoolYear | None = None,
) -> nw.LazyFrame:
    """`student_years` of all known years (before one), each computed once and kept beside the records.

    An ingest's folder never changes, so neither do its student years; only the rule for open years is in the
    policy, and it is part of the place where they are kept.

    Raises:
        NotEnoughData: no such year is known.
    """
    years = [year for year in known_school_years(records) if before is None or year < before]
    if not years:
        when = f" before {before.label}" if before else ""
        raise NotEnoughData(f"No school year{when} is known. Ingest attendance of at least one.")
    kept = folder / "student_years" / f"definition-{DEFINITION}-slack-{policy.closed_year_slack_days}"
    return scan([_stored(kept, records, year, policy) for year in years], engine)


def _households(records: Records) -> nw.LazyFrame | None:
    if records.students is None or "household_id" not in records.students.collect_schema().names():
        return None
    return records.students.filter(~nw.col("household_id").is_null()).select("student_id", "household_id")


def _stored(kept: Path, records: Records, school_year: SchoolYear, policy: Policy) -> Path:
    path = kept / f"school_year={school_year}.parquet"
    if not path.exists():
        write_parquet(student_years(records, school_year, policy).sort("student_id"), path)
    return path
