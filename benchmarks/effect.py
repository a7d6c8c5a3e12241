"""Do the designs of `ews.effect` find the effect that mentors truly have? `python -m benchmarks.effect`.

Simulated districts in which every student's year is lived without and with a mentor, over and over, so that the effect
a mentor is expected to have on each of them is known. In each, rounds are held: slots by an order, a lot around the cut
or none, some families say no. What each design says of a round is held against the truth of just its own students.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.effect_page import AT_A_CUT, BEFORE_AFTER, CUTS, LOTS
from benchmarks.frames import Tell, fingerprint, once
from benchmarks.lives import HAZARDS, LIVED, days_of, expected, lives_of
from benchmarks.sections import PAGE, keep, show
from ews.cli.common import code_version
from ews.effect import (
    Estimate,
    checked,
    difference_in_differences,
    discontinuity,
    distance_to_cut,
    lottery,
    regression_to_the_mean,
)
from ews.effect.estimate import TOOK
from ews.effect.registration import DIFFERENCES, DISCONTINUITY, LOTTERY
from ews.policy import Policy

HERE = Path(__file__).parents[1]
STUDENTS, FIRST, DISTRICTS = 20_000, 5_001, 200
POLICY = Policy()

BAND_PERCENT, BAND_SLOTS = 50, 5
"""The lot decides on half of the slots' number on either side of the cut; slots in percent of a school's students."""

TAKES_UP = 0.85

_DECIDES = tuple(f"effect/{name}" for name in ("before_after", "differences", "discontinuity", "frames", "lottery"))
"""Modules whose change makes what was measured before worthless, with those of lived years."""

_NEAR = 4.0
"""Days absent per 100 enrolled on either side of the cut within which the truth is a parabola."""


def pool_of(lives: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Students not yet chronically absent with two known years before, and the order in which they are offered slots.

    The order is what two years tell, and a little that they do not, as an estimate knows more than two rates.
    """
    rates = {
        when: 100 * lives[f"days_absent{when}"] / lives[f"days_enrolled{when}"] for when in ("_before", "_two_before")
    }
    both = rates["_before"].notna() & rates["_two_before"].notna() & (rates["_before"] < POLICY.chronic_percent)
    score = 0.6 * rates["_before"] + 0.4 * rates["_two_before"] + random.normal(0, 0.5, len(lives))
    pool = lives.assign(score=score, students=lives.groupby("school_id")["student_id"].transform("size"))[both]
    place = pool.groupby("school_id")["score"].rank(ascending=False, method="first")
    return pool.assign(place=place).reset_index(drop=True)


def with_lot(pool: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """A round with a lottery band: `in_band`, `drawn`, `accepted`."""
    slots = np.ceil(pool["students"] * BAND_SLOTS / 100)
    reach = np.ceil(slots * BAND_PERCENT / 100)
    in_band = (pool["place"] > slots - reach) & (pool["place"] <= slots + reach)
    lot = pd.Series(random.random(len(pool))).where(in_band).groupby(pool["school_id"]).rank()
    drawn = (lot <= reach).astype("boolean").where(in_band)
    offered = drawn.fillna(False).astype(bool) | (~in_band & (pool["place"] <= slots))
    return pool.assign(in_band=in_band, drawn=drawn, accepted=offered & (random.random(len(pool)) < TAKES_UP))


def at_cut(pool: pd.DataFrame, slots_percent: int, random: np.random.Generator) -> pd.DataFrame:
    """A round without a lot: `distance` and `accepted`."""
    offered = pool["place"] <= np.ceil(pool["students"] * slots_percent / 100)
    accepted = offered & (random.random(len(pool)) < TAKES_UP)
    return pool.assign(distance=distance_to_cut(pool["score"], pool["school_id"], offered), accepted=accepted)


def of_chronic(lives: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """A round for students chronically absent before, half of them by lot, as programmes tell of before and after."""
    chronic = lives["days_absent_before"] * 100 >= POLICY.chronic_percent * lives["days_enrolled_before"]
    accepted = chronic & (random.random(len(lives)) < 0.5)
    return lives[chronic].assign(accepted=accepted[chronic])


def lived(rows: pd.DataFrame, percent: int, time: int) -> pd.DataFrame:
    """The round as it was lived this time under one effect, as designs take it.

    `true` is what a mentor is expected to change of each student's rate. What the one life drawn with and the one drawn
    without a mentor differ by would be another truth, which no interval that anybody can compute holds as often as it
    says: how far students differ in it cannot be seen, since each lives but one of both.
    """
    days = rows[days_of(percent, time)].where(rows["accepted"], rows[days_of(0, time)])
    other = [name for name in rows if name.startswith(tuple(f"days_absent_{-one}_" for one in HAZARDS))]
    round_of = rows.drop(columns=other).assign(days_absent=days, true=rows[f"true_{-percent}"])
    return checked(round_of, POLICY)


def district(work: Path, seed: int, students: int) -> pd.DataFrame:
    """What every design says of the rounds of one district, and what is true of each: one row a statement."""
    random = np.random.default_rng(seed)
    lives = lives_of(work, seed, students)
    lives = lives.assign(**{f"true_{-percent}": expected(lives, percent) for percent in HAZARDS})
    pool = pool_of(lives, random)
    rounds = [(LOTTERY, time, 0, with_lot(pool, random)) for time in range(LOTS)]
    rounds += [(DISCONTINUITY, time, cut, at_cut(pool, cut, random)) for time in range(AT_A_CUT) for cut in CUTS]
    rounds += [(BEFORE_AFTER, 0, 0, of_chronic(lives, random))]
    said = [
        one | {"seed": seed, "percent": percent, "round": time, "cut": cut}
        for percent in HAZARDS
        for design, time, cut, rows in rounds
        for one in _said(design, lived(rows, percent, time))
    ]
    return pd.DataFrame(said)


def _said(design: str, rows: pd.DataFrame) -> list[dict[str, object]]:
    known = rows[rows["rate"].notna()]
    if design == BEFORE_AFTER:
        return [_naive(rows)]
    if design == LOTTERY:
        true = float(known.loc[known["in_band"], "true"].mean())
        return [_row(one, true) for one in lottery(rows)]
    of_mentored = float(known.loc[known["accepted"], "true"].mean())
    at_the_cut = truth_at_cut(known)
    found = [*discontinuity(rows), *difference_in_differences(rows)]
    return [_row(one, of_mentored if one.design == DIFFERENCES else at_the_cut) for one in found]


def truth_at_cut(rows: pd.DataFrame) -> float:
    """What a mentor is expected to change of the rate of students just at the cut."""
    near = rows[rows["distance"].abs() <= _NEAR]
    return float(np.polynomial.Polynomial.fit(near["distance"], near["true"], 2)(0.0))


def _row(found: Estimate, true: float) -> dict[str, object]:
    """An estimate with the truth of its own students."""
    share = 1.0 if found.of_whom == TOOK else TAKES_UP
    kept = ("design", "of_whom", "days", "low", "high", "students", "with_slot")
    return {name: getattr(found, name) for name in kept} | {"true": share * true}


def _naive(rows: pd.DataFrame) -> dict[str, object]:
    found, mentored = regression_to_the_mean(rows), rows[rows["accepted"] & rows["rate"].notna()]
    before = mentored["rate_before"].mean()
    return {"design": BEFORE_AFTER, "of_whom": TOOK, "days": before * found.with_mentor / 100,
            "without": found.without, "with_mentor": found.with_mentor, "before": before,
            "students": len(mentored), "true": mentored["true"].mean()}  # fmt: skip


def measure(told: argparse.Namespace, tell: Tell) -> pd.DataFrame:
    """All statements of all districts; what was measured is kept."""
    here = Path(__file__)
    code = fingerprint((*LIVED, *_DECIDES), here, here.with_name("lives.py"))
    parts = []
    for seed in range(told.first, told.first + told.districts):
        path = told.work / f"effect-{code}" / f"{told.students}-seed-{seed}-{LOTS}-{AT_A_CUT}.parquet"
        if not path.exists():
            tell(f"district {seed}")
        parts.append(once(path, partial(district, told.work, seed, told.students)))
    return pd.concat(parts, ignore_index=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, keep the figures, and write the section of the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=HERE / ".results", help="folder that keeps what was made")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--students", type=int, default=STUDENTS)
    parser.add_argument("--first", type=int, default=FIRST, help="seed of the first district")
    parser.add_argument("--districts", type=int, default=DISTRICTS)
    parser.add_argument("--only-measure", action="store_true", help="leave kept figures and page as they are")
    told = parser.parse_args(arguments)
    found = measure(told, partial(print, flush=True))
    if told.only_measure:
        return
    from benchmarks.effect_page import summary

    keep("effect", summary(found), code_version())
    show(told.page)
    print(f"{told.page} has it.")


if __name__ == "__main__":
    main()
