"""How strongly a mentor's effect is expected in each grade, from the district's own records.

A mentor can change whether a student who could come does come, and hardly whether a student is ill. What share of the
absences could have been otherwise is not recorded; that nobody excused them is. It is taken by grade and never by
student: whose absences are excused is also a matter of paperwork, which is unequal between families.
"""

import numpy as np
import pandas as pd

_LIKE_ALL = 2_000.0
"""Days absent with which a grade counts as all grades do, so that a small grade does not stand out by chance."""

_LEAST, _MOST = 0.5, 1.5


def response_by_grade(rows: pd.DataFrame) -> pd.Series:
    """How strongly each student's absences are expected to answer a mentor, beside the mean of the district.

    Args:
        rows: one row a student: `grade_level`, `days_absent_last_year` and `days_unexcused_last_year` (null = unknown),
            as the features of a scoring run have them.

    Returns:
        Index as given: the share of days absent that were unexcused in the student's grade, over that share in all
        grades; within 0.5 to 1.5, and 1 where nothing tells excused from unexcused days.
    """
    absent, unexcused = (
        rows[name].astype("Float64").fillna(0.0).astype("float64")
        for name in ("days_absent_last_year", "days_unexcused_last_year")
    )
    if unexcused.sum() == 0:
        return pd.Series(1.0, index=rows.index)
    share = unexcused.sum() / absent.sum()
    of_grade = pd.DataFrame({"absent": absent, "unexcused": unexcused}).groupby(rows["grade_level"]).sum()
    shrunk = (of_grade["unexcused"] + _LIKE_ALL * share) / (of_grade["absent"] + _LIKE_ALL)
    return rows["grade_level"].map(np.clip(shrunk / share, _LEAST, _MOST)).astype("float64").fillna(1.0)


def responses(rows: pd.DataFrame) -> dict[str, float]:
    """The same by grade level, to three digits: what a scoring run keeps of it.

    Args:
        rows: as above, of everybody in the cohort.
    """
    of_grade = response_by_grade(rows).groupby(rows["grade_level"]).first()
    return {str(grade): round(float(value), 3) for grade, value in of_grade.sort_index().items()}
