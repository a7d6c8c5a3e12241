"""What the store gives, as text of the answers' schemas.

Lines and explanations are JSON text since the run was published; here they are only put together, because parsing and
writing five hundred of them again would take longer than reading them.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import pandas as pd

from ews.reasons import FOOTER, Explanations
from ews.store.reading import History, Line, Page, Student
from ews.store.reading import Run as PublishedRun
from ews_serve.schemas import Estimate, Run

OLD_AFTER = timedelta(days=45)
"""A list that was published longer ago says so (REL-9): schools get one weekly, and at least at term start."""

REASONS = ("reason_1", "reason_2", "reason_3")
LOWERING = "lowering_reason"
PROBABILITY = "probability_"

_FOOTER = json.dumps(FOOTER, ensure_ascii=False)


def run_of(run: PublishedRun) -> Run:
    """Where the answer comes from."""
    return Run(**{name: getattr(run, name) for name in Run.model_fields})


def notices_of(run: PublishedRun, at: datetime, trouble: str) -> list[str]:
    """What a reader should know of an answer from this run: it is old, or its model cannot be read (REL-6)."""
    scored = f"These are the estimates of {run.published_at:%Y-%m-%d}, by model version {run.model_version}."
    notices = []
    if at - run.published_at > OLD_AFTER:
        notices.append(f"{scored} They are old: ask for a newer list.")
    if trouble:
        notices.append(f"{scored} {trouble}")
    return notices


def list_text(run: PublishedRun, school_id: str, page: Page, following: str | None, notices: Sequence[str]) -> str:
    """The text of a `RiskList`."""
    students = ",".join([line.to_json() for line in page.lines])
    return (
        f'{{"run":{_run_text(run)},"school_id":{_text(school_id)},"students":[{students}],'
        f'"next":{_text(following)},"notices":{_text(notices)},"footer":{_FOOTER}}}'
    )


def student_text(student: Student, notices: Sequence[str], *, named: bool, more: str = "") -> str:
    """The text of a `Student`; `more` is put in before the end, as text of further fields."""
    student_id, name = (student.student_id, student.name) if named else (None, None)
    line = Line(student.student_key, student.school_id, student_id, name, student.line)
    return (
        f'{{"run":{_run_text(student.run)},"school_id":{_text(student.school_id)},"student":{line.to_json()},'
        f'{more}"notices":{_text(notices)},"footer":{_FOOTER}}}'
    )


def explanation_text(student: Student, notices: Sequence[str], *, named: bool, with_numbers: bool) -> str:
    """The text of an `Explanation`."""
    numbers = student.explanation if with_numbers else "null"
    return student_text(student, notices, named=named, more=f'"numbers":{numbers},')


def history_text(history: History, *, named: bool) -> str:
    """The text of a `History`."""
    student = named_student(history, named=named)
    return f'{{"student":{_text(student)},"attendance":{history.attendance},"notices":[]}}'


def named_student(student: Student | History, *, named: bool) -> dict[str, Any]:
    """Key, and id and name where they may be told."""
    return {
        "student_key": student.student_key,
        "student_id": student.student_id if named else None,
        "name": student.name if named else None,
    }


def estimates_of(probabilities: pd.DataFrame, explained: Explanations, chronic_percent: int) -> list[Estimate]:
    """One estimate per row; the risk is the probability of reaching `chronic_percent`."""
    risk = f"{PROBABILITY}{chronic_percent:02d}"
    columns = zip(
        probabilities.to_dict("records"),
        explained.groups.to_dict("records"),
        explained.sentences.to_dict("records"),
        explained.base,
        explained.raw,
        strict=True,
    )
    return [
        Estimate(
            risk=chances[risk],
            probabilities={name.removeprefix(PROBABILITY): value for name, value in chances.items()},
            base=float(base),
            raw_score=float(raw),
            contributions={name: float(value) for name, value in groups.items()},
            reasons=[sentences[name] for name in REASONS if sentences[name]],
            lowering_reason=sentences[LOWERING] or None,
        )
        for chances, groups, sentences, base, raw in columns
    ]


@lru_cache(maxsize=32)
def _run_text(run: PublishedRun) -> str:
    return run_of(run).model_dump_json()


_text = json.JSONEncoder(ensure_ascii=False).encode
