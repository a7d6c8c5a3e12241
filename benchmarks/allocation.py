"""A round of a large district with every constraint on: `python -m benchmarks.allocation`.

100,000 students at 300 schools and 2,000 mentors: caseload caps, several schools, leave, screening, grades, languages,
conflicts, families, exclusions, mentees who stay, known mentors, interests, quotas, a lottery band.
"""

import argparse
import time
from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from ews.slots import Mentor, Rule, Students, allocate

GOAL_SECONDS = 10.0
ON = date(2026, 9, 1)
RULE = Rule(first_lane_percent=90, grades_first=("KG", "06", "09"), least_slots=2, most_slots=60, min_risk=0.02)
SEED = "0123456789abcdef0123456789abcdef"

_LANGUAGES = ((), (), (), (), (), (), (), ("es",), ("es", "pt"), ("so",))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print seconds and what came of it; 1 when it took longer than the goal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, default in (("students", 100_000), ("schools", 300), ("mentors", 2_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args(arguments)
    students, mentors = district(asked.students, asked.schools, asked.mentors)
    wall, cpu = time.perf_counter(), time.process_time()
    made = allocate(students, mentors, RULE, seed=SEED, on=ON)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    counts = made.rows["decision"].value_counts()
    solved = int((made.schools["solved_by"] == "assignment").sum())
    print(f"{asked.students:,} students, {asked.schools} schools, {asked.mentors:,} mentors, "
          f"{int(made.schools['slots'].sum()):,} slots: {wall:.1f} s ({cpu:.1f} s of processor time)")  # fmt: skip
    print(", ".join(f"{count:,} {decision}" for decision, count in counts.items()))
    print(f"{solved} schools solved as an assignment, {len(made.schools) - solved} by going down the list")
    return int(cpu > GOAL_SECONDS)


def district(students: int, schools: int, mentors: int, seed: int = 7) -> tuple[Students, list[Mentor]]:
    """A pretend district: who is on the lists, and who mentors."""
    random = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "student": [f"s{number:06d}" for number in range(students)],
            "school_id": pd.Series(random.integers(0, schools, students)).map("{:03d}".format),
            "grade_level": random.choice(["KG", "01", "02", "03", "04", "05", "06", "09"], students),
            "lane": random.choice(["prevent", "recover"], students, p=[0.8, 0.2]),
            "risk": random.beta(1, 5, students),
            "crossings_averted": random.beta(1, 40, students),
            "days_gained": random.gamma(2, 0.7, students),
            "tie_key": random.integers(0, 2**63, students, dtype=np.uint64),
            "household": _some(random, students, 0.5, students // 3, "h"),
            "languages": _drawn(random, students, _LANGUAGES),
            "interests": _drawn(random, students, ((), ("chess",), ("soccer", "music"))),
            "times": _drawn(random, students, ((), (), ("noon",), ("noon", "after school"))),
            "known_mentor": _some(random, students, 0.02, mentors, "m"),
        }
    )
    exclusions = pd.concat([
        _pairs(random, rows, mentors, students // 50).assign(kind="conflict"),
        _pairs(random, rows, mentors, students // 50).assign(kind="tier_3", mentor=None),
    ])  # fmt: skip
    mentees = _pairs(random, rows, mentors, students // 100)
    return Students.of(rows, exclusions, mentees), [_mentor(random, number, schools) for number in range(mentors)]


def _mentor(random: np.random.Generator, number: int, schools: int) -> Mentor:
    at = random.choice(schools, 1 + int(random.random() < 0.15) * 2, replace=False)
    chance = random.random(6)
    return Mentor(
        f"m{number}", f"Mentor {number}", "staff", int(random.integers(2, 9)), tuple(f"{school:03d}" for school in at),
        date(2026, 8, 1),
        grade_levels=("KG", "01", "02") if chance[0] < 0.15 else (),
        languages=("es",) if chance[1] < 0.25 else (),
        interests=("chess",) if chance[2] < 0.3 else (),
        times=("after school",) if chance[5] < 0.2 else (),
        screened_on=date(2026, 7, 1) if chance[3] < 0.95 else None,
        away_from=date(2026, 8, 20) if chance[4] < 0.03 else None,
    )  # fmt: skip


def _some(random: np.random.Generator, count: int, share: float, of: int, letter: str) -> np.ndarray:
    named = pd.Series(random.integers(0, of, count)).map((letter + "{}").format).to_numpy(dtype=object)
    return np.where(random.random(count) < share, named, None)


def _drawn(random: np.random.Generator, count: int, values: Sequence[tuple[str, ...]]) -> np.ndarray:
    known = np.empty(len(values), dtype=object)
    known[:] = list(values)
    return known[random.integers(0, len(values), count)]


def _pairs(random: np.random.Generator, rows: pd.DataFrame, mentors: int, count: int) -> pd.DataFrame:
    students = rows["student"].to_numpy()[random.choice(len(rows), count, replace=False)]
    return pd.DataFrame({"student": students, "mentor": _some(random, count, 1.0, mentors, "m")})


if __name__ == "__main__":
    raise SystemExit(main())
