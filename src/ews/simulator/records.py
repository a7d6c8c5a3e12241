"""From what happened to the canonical tables: enrollments, marks, names, demographics and mentoring as Arrow tables."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ews.simulator import truth
from ews.simulator.calendars import Calendar
from ews.simulator.drawn import SchoolYearDrawn, Task
from ews.simulator.families import Population
from ews.simulator.outcome_table import OutcomeTable
from ews.simulator.recording import SHARES
from ews.simulator.schools import LEVEL_NAMES, Schools
from ews.simulator.streams import Purpose, stream
from ews.tables import CATEGORIES, GRADES, PRETEND

Bools = NDArray[np.bool_]
Ints = NDArray[np.integer]

GRADE_NAMES = np.array(GRADES)
_TWO_DIGITS = np.array([f"{number:02d}" for number in range(100)])
_YES_NO = np.array(["no", "yes"])
RACES = np.array(
    [
        "Asian",
        "Black or African American",
        "Hispanic or Latino",
        "Two or more races",
        "White",
        "American Indian or Alaska Native",
    ]
)
_RACE_SHARES = np.array([[0.08, 0.11, 0.17, 0.06, 0.57, 0.01], [0.06, 0.25, 0.38, 0.05, 0.24, 0.02]])


def tables(task: Task, people: Population, schools: Schools, drawn: list[SchoolYearDrawn]) -> dict[str, pa.Table]:
    """Every canonical table of an area, and `truth/` tables."""
    ids = _Ids(task, people, schools)
    rng = stream(task.seed, Purpose.NAMES, task.area)
    return {
        "schools": _schools(task, schools),
        "calendar": pa.concat_tables([_calendar(ids, task.ending(i), year) for i, year in enumerate(drawn)]),
        "students": _students(rng, task, people, ids),
        "enrollments": pa.concat_tables([_enrollments(ids, year) for year in drawn]),
        "attendance": pa.concat_tables([_attendance(ids, year) for year in drawn]),
        "demographics": _demographics(rng, task, people, ids, drawn),
        "mentoring": pa.concat_tables([_mentoring(ids, year) for year in drawn]),
        "truth/causes": pa.concat_tables([year.causes for year in drawn]),
    } | _truth(task, ids, drawn)


class _Ids:
    """The text ids of an area's students, households and schools."""

    def __init__(self, task: Task, people: Population, schools: Schools) -> None:
        self.schools = pa.array(schools.ids)
        self.students = _numbered(task.area, people.count)
        self.households = pa.array(_household_ids(task.area, people.household_count))

    def student(self, row: Ints) -> pa.Array:
        return self.students.take(pa.array(row))

    def school(self, row: Ints) -> pa.Array:
        return self.schools.take(pa.array(row))


def _numbered(area: int, count: int) -> pa.Array:
    numbers = np.arange(1, count + 1) + area * 100_000
    return pa.array(np.char.zfill(numbers.astype(np.str_), 8))


def _household_ids(area: int, count: int) -> NDArray[np.str_]:
    return np.char.add("H", np.char.zfill((np.arange(1, count + 1) + area * 100_000).astype(np.str_), 8))


def _schools(task: Task, schools: Schools) -> pa.Table:
    return pa.table(
        {
            "school_id": pa.array(schools.ids),
            "name": pa.array(schools.names),
            "district_id": pa.array([f"{PRETEND}{task.district + 1:03d}"] * schools.count),
            "level": pa.array(np.array(LEVEL_NAMES)[schools.level]),
        }
    )


def _calendar(ids: _Ids, ending: int, year: SchoolYearDrawn) -> pa.Table:
    school, day = np.nonzero(~year.closed)
    return pa.table(
        {
            "school_id": ids.school(school),
            "date": _dates(year.calendar, day),
            "school_year": np.full(len(school), ending, dtype=np.int32),
        }
    )


def _students(rng: np.random.Generator, task: Task, people: Population, ids: _Ids) -> pa.Table:
    born = np.array(
        [f"{task.ending(0) + year - 6:04d}-01-01" for year in range(-14, people.years + 3)], "datetime64[D]"
    )
    birthday = born[people.kindergarten_year + 14] + rng.integers(0, 365, people.count)
    return pa.table(
        {
            "student_id": ids.students,
            "name": _names(rng, people),
            "birth_date": pa.array(birthday),
            "household_id": ids.households.take(pa.array(people.household)),
        }
    )


def _names(rng: np.random.Generator, people: Population) -> pa.Array:
    """Given name and one or two surnames; siblings share the surnames."""
    words = name_words()
    given, surnames = np.array(words["given"]), np.array(words["surname"])
    homes = people.household_count
    one, two = rng.choice(surnames, homes), rng.choice(surnames, homes)
    join = rng.choice(np.array(["", " ", "-"]), homes, p=[0.6, 0.3, 0.1])
    family = np.char.add(np.char.add(one, join), np.where(join == "", "", two))
    names = np.char.add(np.char.add(rng.choice(given, people.count), " "), family[people.household])
    return pa.array(names)


@cache
def name_words() -> dict[str, Any]:
    """The word lists names are made from."""
    return tomllib.loads((files("ews.simulator") / "names.toml").read_text(encoding="utf-8"))


def _enrollments(ids: _Ids, drawn: SchoolYearDrawn) -> pa.Table:
    stays, calendar = drawn.stays, drawn.calendar
    movers = np.flatnonzero(stays.next_school >= 0)
    row = np.concatenate([np.arange(len(drawn.rows)), movers])
    school = np.concatenate([stays.school, stays.next_school[movers]])
    entry = np.concatenate([stays.first, stays.resumes[movers]])
    leave = np.concatenate([stays.moves, stays.last[movers]])
    order = np.lexsort((entry, row))
    row, school, entry, leave = row[order], school[order], entry[order], leave[order]
    return pa.table(
        {
            "student_id": ids.student(drawn.rows[row]),
            "school_id": ids.school(school),
            "entry_date": _dates(calendar, entry),
            "exit_date": _dates(calendar, leave),
            "grade_level": pa.array(GRADE_NAMES[drawn.year.grade[row]]),
        }
    )


def _attendance(ids: _Ids, drawn: SchoolYearDrawn) -> pa.Table:
    marks = drawn.marks
    return pa.table(
        {
            "student_id": ids.student(drawn.rows[marks.row]),
            "school_id": ids.school(drawn.stays.school_on(marks.row, marks.day)),
            "date": _dates(drawn.calendar, marks.day),
            "category": pa.array(CATEGORIES).take(pa.array(marks.category)),
            "absent_share": SHARES[marks.share],
        }
    )


def _demographics(
    rng: np.random.Generator, task: Task, people: Population, ids: _Ids, drawn: list[SchoolYearDrawn]
) -> pa.Table:
    homes_poor = np.bincount(people.household, people.poor, people.household_count) > 0
    pick = rng.random(people.household_count)
    race = (pick[:, None] > np.cumsum(_RACE_SHARES, axis=1)[homes_poor.astype(int)]).sum(axis=1)
    gender = rng.choice(np.array(["female", "male", "nonbinary"]), people.count, p=[0.486, 0.509, 0.005])
    row = np.concatenate([year.rows for year in drawn])
    ending = np.concatenate([np.full(len(year.rows), task.ending(i), dtype=np.int32) for i, year in enumerate(drawn)])
    race_known = rng.random(people.count) < 0.98
    race_of = np.where(race_known, race[people.household], -1)[row]
    return pa.table(
        {
            "student_id": ids.student(row),
            "school_year": ending,
            "race_ethnicity": pa.array(RACES[np.minimum(race_of, len(RACES) - 1)], mask=race_of < 0),
            "gender": pa.array(gender[row]),
            "english_learner": _yes_no(people.english_learner[row]),
            "disability": _yes_no(people.disability[row]),
            "economically_disadvantaged": _yes_no(people.poor[row]),
            "homeless": _yes_no(people.homeless[row]),
        }
    )


def _mentoring(ids: _Ids, drawn: SchoolYearDrawn) -> pa.Table:
    given, stays = drawn.assignments, drawn.stays
    ends = np.where(given.accepted, np.maximum(stays.last[given.row], given.start), given.start)
    school = np.asarray(ids.schools)[stays.school[given.row]].astype(np.str_)
    mentor = np.char.add(np.char.add(np.char.add("M", school), "-"), _TWO_DIGITS[given.mentor])
    return pa.table(
        {
            "student_id": ids.student(drawn.rows[given.row]),
            "start_date": _dates(drawn.calendar, given.start),
            "mentor_id": pa.array(mentor, pa.string()),
            "end_date": _dates(drawn.calendar, ends),
            "offered": np.ones(len(given.row), dtype=np.bool_),
            "accepted": given.accepted,
            "contacts": given.contacts.astype(np.int64),
        }
    )


def _truth(task: Task, ids: _Ids, drawn: list[SchoolYearDrawn]) -> dict[str, pa.Table]:
    """Truth of every school year but the first, whose year before was not simulated."""
    if task.table is None or len(drawn) < 2:
        return {}
    table, later = task.table, list(enumerate(drawn))[1:]
    return {
        "truth/students": pa.concat_tables(
            [_student_truth(task, table, ids, position, year) for position, year in later]
        ),
        "truth/mentoring": pa.concat_tables([_mentor_truth(task, table, ids, year) for _, year in later]),
    }


def _student_truth(task: Task, table: OutcomeTable, ids: _Ids, position: int, drawn: SchoolYearDrawn) -> pa.Table:
    there = np.flatnonzero(drawn.stays.first == 0)
    before = drawn.outlook.of(there)
    chronic, error, rate = truth.expect(before, table, task.world, drawn.calendar.days)
    from_the_first_day = truth.mentored(before, np.zeros(len(there), dtype=int), table, task.world)
    chronic_with, _, rate_with = truth.expect(from_the_first_day, table, task.world, drawn.calendar.days)
    return pa.table(
        {
            "student_id": ids.student(drawn.rows[there]),
            "school_year": np.full(len(there), task.ending(position), dtype=np.int32),
            "probability": chronic,
            "standard_error": error,
            "expected_rate": rate,
            "probability_with_mentor": chronic_with,
            "expected_rate_with_mentor": rate_with,
        }
    )


def _mentor_truth(task: Task, table: OutcomeTable, ids: _Ids, drawn: SchoolYearDrawn) -> pa.Table:
    given = drawn.assignments
    before = drawn.outlook.of(given.row)
    after = truth.mentored(before, given.start, table, task.world)
    chronic, _, rate = truth.expect(before, table, task.world, drawn.calendar.days)
    chronic_with, _, rate_with = truth.expect(after, table, task.world, drawn.calendar.days)
    took = given.accepted
    return pa.table(
        {
            "student_id": ids.student(drawn.rows[given.row]),
            "start_date": _dates(drawn.calendar, given.start),
            "effect": np.where(took, task.world.mentoring.effect, 0.0),
            "probability_without": chronic,
            "probability_with": np.where(took, chronic_with, chronic),
            "days_gained": np.where(took, (rate - rate_with) * drawn.calendar.days, 0.0),
        }
    )


def _dates(calendar: Calendar, day: Ints) -> pa.Array:
    return pa.array(calendar.dates).take(pa.array(day))


def _yes_no(flag: Bools) -> pa.Array:
    return pa.array(_YES_NO[flag.astype(int)])
