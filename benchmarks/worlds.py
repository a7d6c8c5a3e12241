"""Simulated worlds whose mentors change a stated share of the days missed, where both lives of a student are known."""

from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from benchmarks.frames import DISTRICT, LAST_YEAR, PRESET, YEARS, fingerprint, once
from ews.simulator import load_parameters
from ews.simulator.world import draw, tasks

HAZARDS = {0: 0.0, -8: -0.185, -23: -0.58}
"""By the percent of days missed that mentors of a whole year change in a district of preset `district`: what they add
to the log hazard of discretionary spells, and 0.3 of it to that of illness. Found by trying; measured at every use."""


def truth_of(work: Path, seed: int, students: int, percent: int) -> pd.DataFrame:
    """`truth/students` of the last year of one district, whose mentors change so many percent of the days missed.

    Without mentors of the last year its students and their days are those of `benchmarks.frames.records_of`.
    """

    def make() -> pd.DataFrame:
        world = load_parameters(PRESET).changed(
            size={"students": students, "years": YEARS}, mentoring={"effect": HAZARDS[percent]}
        )
        found = pa.concat_tables(
            [area["truth/students"] for area in draw(tasks(world, LAST_YEAR, seed), 1)]
        ).to_pandas()
        return found[found["school_year"] == LAST_YEAR.ending].reset_index(drop=True)

    return once(work / f"truth-{fingerprint(DISTRICT)}" / f"{students}-seed-{seed}-{-percent}-percent.parquet", make)


LIVED = ("school_year", "simulator", "tables")
"""Modules that decide lived years: the simulator's alone, since nothing is ingested."""

LIVED_HAZARDS = {0: 0.0, -8: -0.222, -23: -0.77}
"""The same in lived years of a world without a shock, by percent of the days that are missed there. They are stronger:
the truth's table lets a mentor change what follows from discretionary spells too, so it says a seventh too much."""

_ALL_MENTORED = {"share": 2.0, "chronic_share": 0.5, "accepted": 1.0, "start_day": (0, 1), "grades": (0, 13)}
"""Twice as many mentors as students: those who were chronically absent, and those who were not, have one each."""


def lives_of(work: Path, seed: int, students: int) -> pd.DataFrame:
    """Every student's last of three years lived without a mentor, and with one under each effect: one row a student.

    One world is drawn once with nobody mentored and once for each effect with everybody mentored from the first day of
    the last year on; students, schools, families, and the two years before are the same, the days of the last one are
    drawn anew where the effect is not zero. Nobody moves for the sake of it: `school_id` is that of the last year's
    first day.

    Returns:
        student_id, school_id, grade_level, household_id, days absent and enrolled two years before (`_two_before`) and
        the year before (`_before`; null = not enrolled), and of the last year `days_enrolled`, `days_absent_0` (without
        a mentor), `days_absent_8`, `days_absent_23` (with one).
    """

    def make() -> pd.DataFrame:
        first = _lived(seed, students, 0)
        for percent in list(LIVED_HAZARDS)[1:]:
            days = _lived(seed, students, percent)[["student_id", "days_absent_0"]]
            days.columns = ["student_id", f"days_absent_{-percent}"]
            first = first.merge(days, on="student_id", validate="1:1")
        return first

    return once(work / f"lives-{fingerprint(LIVED)}" / f"{students}-seed-{seed}.parquet", make)


def _lived(seed: int, students: int, percent: int) -> pd.DataFrame:
    mentoring = {"share": 0.0, **(_ALL_MENTORED if percent else {}), "first_year": 2, "effect": LIVED_HAZARDS[percent]}
    world = load_parameters(f"{PRESET}+no_shock").changed(
        size={"students": students, "years": 3}, truth={"students_per_cell": 0}, mentoring=mentoring
    )
    names = ("attendance", "enrollments", "calendar", "students")
    parts = [{name: area[name] for name in names} for area in draw(tasks(world, LAST_YEAR, seed), 1)]
    with duckdb.connect() as connection:
        for name in names:
            connection.register(name, pa.concat_tables([part[name] for part in parts]))
        return connection.execute(_LIVED).df()


_LIVED = f"""
with days as (
  select *, row_number() over (partition by school_id, school_year order by date) as day from calendar),
stays as (
  select e.*, a.school_year, b.day - a.day + 1 as days_enrolled
  from enrollments e asof join days a on e.school_id = a.school_id and e.entry_date <= a.date
  asof join days b on e.school_id = b.school_id and e.exit_date >= b.date),
enrolled as (
  select student_id, school_year, arg_min(school_id, entry_date) as school_id,
         arg_min(grade_level, entry_date) as grade_level, sum(days_enrolled)::double as days_enrolled
  from stays group by all),
away as (
  select student_id, date from attendance where category in ('excused', 'unexcused', 'suspension')
  group by all having sum(round(absent_share * 10000)) * 2 >= 10000),
absent as (
  select student_id, school_year, count(*)::double as days_absent
  from away join (select distinct date, school_year from calendar) using (date) group by all),
years as (
  select e.*, coalesce(days_absent, 0) as days_absent from enrolled e left join absent using (student_id, school_year))
select y.student_id, y.school_id, y.grade_level, s.household_id, b.days_absent as days_absent_before,
       b.days_enrolled as days_enrolled_before, t.days_absent as days_absent_two_before,
       t.days_enrolled as days_enrolled_two_before, y.days_enrolled, y.days_absent as days_absent_0
from years y join students s using (student_id)
left join years b on b.student_id = y.student_id and b.school_year = {LAST_YEAR.ending - 1}
left join years t on t.student_id = y.student_id and t.school_year = {LAST_YEAR.ending - 2}
where y.school_year = {LAST_YEAR.ending} order by y.student_id
"""
