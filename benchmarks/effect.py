"""Do the designs of `ews.effect` find the effect that mentors truly have? `python -m benchmarks.effect`.

Simulated districts in which every student's year is lived without and with a mentor, so the effect is known. In each,
rounds are held: slots by an order, a lot around the cut or none, some families say no. What each design says of the
round is held against the truth.
"""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.effect_page import BEFORE_AFTER, CUTS, LOTS
from benchmarks.frames import Tell, fingerprint, once
from benchmarks.sections import PAGE, keep, show
from benchmarks.worlds import LIVED, LIVED_HAZARDS, lives_of
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

_NEAR = 2.0
"""Days absent per 100 enrolled on either side of the cut within which the truth at the cut is a straight line."""


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


def lived(rows: pd.DataFrame, percent: int) -> pd.DataFrame:
    """The round as it was lived under one effect, as designs take it; `true` is what a mentor changes of each rate."""
    with_mentor = rows[f"days_absent_{-percent}"]
    days = with_mentor.where(rows["accepted"], rows["days_absent_0"])
    true = 100 * (with_mentor - rows["days_absent_0"]) / rows["days_enrolled"]
    return checked(rows.assign(days_absent=days, true=true), POLICY)


def district(work: Path, seed: int, students: int) -> pd.DataFrame:
    """What every design says of the rounds of one district, and what is true: one row a statement."""
    random = np.random.default_rng(seed)
    lives = lives_of(work, seed, students)
    pool = pool_of(lives, random)
    rounds = [(LOTTERY, number, with_lot(pool, random)) for number in range(LOTS)]
    rounds += [(DISCONTINUITY, cut, at_cut(pool, cut, random)) for cut in CUTS]
    rounds += [(BEFORE_AFTER, 0, of_chronic(lives, random))]
    said = [
        one | {"seed": seed, "percent": percent, "round": number}
        for percent in LIVED_HAZARDS
        for design, number, rows in rounds
        for one in _said(design, lived(rows, percent))
    ]
    return pd.DataFrame(said)


def _said(design: str, rows: pd.DataFrame) -> list[dict[str, object]]:
    if design == BEFORE_AFTER:
        return [_naive(rows)]
    if design == LOTTERY:
        band = rows[rows["in_band"]]
        return [_row(one, len(band), band["true"].sum()) for one in lottery(rows)]
    near = rows[rows["distance"].abs() <= _NEAR]
    line = np.column_stack([np.ones(len(near)), near["distance"], np.maximum(near["distance"], 0)])
    at_the_cut = float(np.linalg.lstsq(line, near["true"].to_numpy(), rcond=None)[0][0])
    found = [*discontinuity(rows), *difference_in_differences(rows)]
    with_mentor = rows.loc[rows["accepted"], "true"]
    return [
        _row(one, len(with_mentor), with_mentor.sum())
        if one.design == DIFFERENCES
        else _row(one, len(near), len(near) * at_the_cut)
        for one in found
    ]


def _row(found: Estimate, weight: float, true: float) -> dict[str, object]:
    """An estimate with the truth, as a sum over so many students: of one district it is noise."""
    share = 1.0 if found.of_whom == TOOK else TAKES_UP
    kept = ("design", "of_whom", "days", "low", "high", "students", "with_slot")
    return {name: getattr(found, name) for name in kept} | {"weight": weight, "true": share * true}


def _naive(rows: pd.DataFrame) -> dict[str, object]:
    found, mentored = regression_to_the_mean(rows), rows[rows["accepted"]]
    before, true = mentored["rate_before"].mean(), mentored["true"].sum()
    return {"design": BEFORE_AFTER, "of_whom": TOOK, "days": before * found.with_mentor / 100,
            "without": found.without, "with_mentor": found.with_mentor, "before": before,
            "students": len(mentored), "weight": len(mentored), "true": true}  # fmt: skip


def measure(told: argparse.Namespace, tell: Tell) -> pd.DataFrame:
    """All statements of all districts; what was measured is kept."""
    here = Path(__file__)
    code = fingerprint((*LIVED, *_DECIDES), here.with_name("worlds.py"))
    parts = []
    for seed in range(told.first, told.first + told.districts):
        path = told.work / f"effect-{code}" / f"{told.students}-seed-{seed}.parquet"
        if not path.exists():
            tell(f"district {seed}")
        said = once(path, partial(district, told.work, seed, told.students))
        parts.append(said.assign(level=level_of(lives_of(told.work, seed, told.students))))
    return pd.concat(parts, ignore_index=True)


def level_of(lives: pd.DataFrame) -> float:
    """Days absent per 100 enrolled without a mentor of those who may be offered a slot: districts differ in it."""
    pool = pool_of(lives, np.random.default_rng(0))
    return float((100 * pool["days_absent_0"] / pool["days_enrolled"]).mean())


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
