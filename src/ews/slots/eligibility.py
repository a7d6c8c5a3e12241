"""The pool of a round: who may be offered a mentor, and of everybody else why not (MEN-2, M06)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ews.errors import InvalidFeatures
from ews.slots.rule import Rule

NEEDED = ("student", "school_id", "grade_level", "lane", "risk", "crossings_averted", "days_gained", "tie_key")
TOLD = ("household", "known_mentor", "days_absent_last_year")
LISTS = ("languages", "interests", "times")

EXCLUSION_COLUMNS = ("student", "kind", "mentor")
MENTEE_COLUMNS = ("student", "mentor")


@dataclass(frozen=True, eq=False)
class Students:
    """Everybody on the lists of a round, and what is known beside them.

    Attributes:
        rows: one row a student: `student` (key or id), `school_id`, `grade_level`, `lane`, `risk`,
            `crossings_averted`, `days_gained`, `tie_key` (stored and random; decides between equals); and where known
            `household` (siblings share it), `languages` (tuple; one of them is needed), `interests` (tuple),
            `times` (tuple, when the student can meet; empty: any), `known_mentor`, `days_absent_last_year`. Null: not
            known.
        exclusions: `student`, `kind` (tier_3, opted_out, leaving, conflict) and, of a conflict, `mentor`.
        mentees: `student` and `mentor` of every open assignment, whatever school.
    """

    rows: pd.DataFrame
    exclusions: pd.DataFrame
    mentees: pd.DataFrame

    @classmethod
    def of(
        cls, rows: pd.DataFrame, exclusions: pd.DataFrame | None = None, mentees: pd.DataFrame | None = None
    ) -> "Students":
        """Students in the order of their keys, with every column there.

        Raises:
            InvalidFeatures: a column is missing, or a student is there twice.
        """
        missing = [name for name in NEEDED if name not in rows]
        if missing:
            raise InvalidFeatures(f"The students of a round have no column: {', '.join(missing)}.")
        if rows["student"].duplicated().any():
            raise InvalidFeatures("A student is on the lists twice, and nobody can have two slots.")
        told = rows.assign(**{name: None for name in (*TOLD, *LISTS) if name not in rows})
        return cls(
            told.sort_values("student", ignore_index=True)[[*NEEDED, *TOLD, *LISTS]],
            _or_empty(exclusions, EXCLUSION_COLUMNS),
            _or_empty(mentees, MENTEE_COLUMNS),
        )

    def conflicts(self) -> pd.DataFrame:
        """`student` and `mentor` who are not to meet."""
        is_conflict = self.exclusions["kind"] == "conflict"
        return self.exclusions.loc[is_conflict, ["student", "mentor"]].dropna()

    def not_in_pool(self, rule: Rule) -> pd.Series:
        """Of each row why the student is not in the pool, as a word; empty: is in it."""
        rows = self.rows
        wrong = {kind: rows["student"].isin(self._excluded_as(kind)) for kind in rule.excluded}
        days = pd.to_numeric(rows["days_absent_last_year"]).astype("float64")
        wrong = {
            "mentored": rows["student"].isin(self.mentees["student"]),
            **wrong,
            "lane": ~rows["lane"].isin(rule.lanes),
            "grade": ~rows["grade_level"].isin(rule.grades) if rule.grades else rows["risk"] < -1,
            "low_estimate": rows["risk"] < rule.min_risk,
            "few_days": days < rule.min_days_absent,
        }
        return pd.Series(np.select(list(wrong.values()), list(wrong), ""), index=rows.index, dtype=object)

    def _excluded_as(self, kind: str) -> pd.Series:
        return self.exclusions.loc[self.exclusions["kind"] == kind, "student"]


def _or_empty(rows: pd.DataFrame | None, columns: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns), dtype=object) if rows is None else rows[list(columns)]
