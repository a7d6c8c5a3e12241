"""Rounds of mentoring in which the effect of a mentor is known, drawn in a blink."""

import numpy as np
import pandas as pd

from ews.effect import distance_to_cut

TAKES_UP = 0.85


def round_of(
    seed: int, *, students: int = 4_000, schools: int = 25, effect: float = -1.5, with_lot: bool = True,
    slots_percent: int = 10, band_percent: int = 50,
) -> pd.DataFrame:  # fmt: skip
    """Students with a lasting rate of their own, put in order within schools by what the year before tells, and more.

    A mentor changes `effect` days absent per 100 enrolled of everybody. With a lot the band is so many percent of the
    slots on either side of the cut; without one there is a distance to the cut.
    """
    random = np.random.default_rng(seed)
    school = pd.Series(random.integers(0, schools, students))
    own = 2 + random.gamma(2, 3, students) + random.normal(0, 1, schools).clip(-2, 2)[school]
    before, after = (random.gamma(5, own / 5).clip(0, 90) for _ in range(2))
    score = pd.Series(0.7 * before + 0.3 * own + random.normal(0, 1, students))
    slots = np.ceil(school.groupby(school).transform("size") * slots_percent / 100)
    place = score.groupby(school).rank(ascending=False, method="first")
    offered = place <= slots
    reach = np.ceil(slots * band_percent / 100)
    in_band = (place > slots - reach) & (place <= slots + reach) & with_lot
    lot = pd.Series(random.random(students)).where(in_band).groupby(school).rank()
    drawn = (lot <= reach).astype("boolean").where(in_band)
    given = drawn.fillna(False).astype(bool) | (offered & ~in_band)
    accepted = given & (random.random(students) < TAKES_UP)
    days = (1.8 * (after + effect * accepted)).clip(0, 180)
    return pd.DataFrame(
        {
            "student_id": [f"s{number:05d}" for number in range(students)],
            "school_id": "school " + school.astype(str),
            "in_band": in_band,
            "drawn": drawn,
            "distance": np.nan if with_lot else distance_to_cut(score, school, offered),
            "accepted": accepted,
            "contacts": np.where(accepted, 40.0, np.nan),
            "days_absent": days,
            "days_enrolled": 180,
            "days_absent_before": 1.8 * before,
            "days_enrolled_before": 180,
            "grade_band": np.where(random.random(students) < 0.5, "K-2", "3-5"),
        }
    )
