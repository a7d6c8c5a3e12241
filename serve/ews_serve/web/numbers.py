"""One student's estimate with its numbers and without a name, for who works with the model (EX-1)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from ews.access import View
from ews.document import Table
from ews.school_year import SchoolYear
from ews.store.reading import Student, student_view
from ews_serve.answers import notices_of
from ews_serve.asked import of_run
from ews_serve.routes.students import StudentKey
from ews_serve.web.charts import Bars, Share, bars_chart
from ews_serve.web.frame import Link, PageAsking, page

router = APIRouter(include_in_schema=False)

ADDS_UP_WITHIN = 1e-6


@dataclass(frozen=True)
class NumbersPage:
    """The numbers behind one estimate.

    Attributes:
        student_key: the random key; no name stands on this page, whoever looks.
        place: what is known of the student otherwise, in words.
        groups: what each group of features contributes, in log-odds.
        sum_sentence: that base and contributions add up to the raw score.
        chances: what was said at each threshold.
        raising: sentences as the counselor reads them.
        lowering: the one that lowers the estimate; may be empty.
        facts: where the estimate comes from.
    """

    student_key: str
    place: str
    groups: Bars
    sum_sentence: str
    chances: Table
    raising: Sequence[str]
    lowering: str
    facts: tuple[tuple[str, str], ...]


@router.get("/students/{student_key}/numbers")
async def numbers(request: Request, asked: PageAsking, student_key: StudentKey) -> Response:
    """The estimate of one student with its numbers."""
    seen = await asked.student(student_key, View.NUMBERS, student_view)
    it = numbers_page(seen.found)
    await asked.shown(View.NUMBERS, seen, "", seen.found.run, "numbers")
    notices = notices_of(seen.found.run, asked.at, asked.service.live.trouble)
    return page(request, "numbers.html", it, crumbs=(Link("Student", f"/students/{student_key}"),), notices=notices)


def numbers_page(student: Student) -> NumbersPage:
    """What stands on the page, from what the run was published with."""
    line, told = json.loads(student.line), json.loads(student.explanation)
    contributions: Mapping[str, float] = told["contributions"]
    return NumbersPage(
        student.student_key,
        f"Grade {line['grade_level']}, school {student.school_id}, rank {line['rank']} there, lane {line['lane']}.",
        _groups(contributions),
        _sum_sentence(told["base"], contributions, told["raw_score"]),
        _chances(line["probabilities"]),
        line["reasons"],
        line["lowering_reason"] or "",
        _facts(student),
    )


def _groups(contributions: Mapping[str, float]) -> Bars:
    ordered = sorted(contributions.items(), key=lambda one: (-abs(one[1]), one[0]))
    largest = max((abs(value) for value in contributions.values()), default=0.0) or 1.0
    shares = [Share(name, abs(value) / largest, f"{value:+.4f}", _direction(value)) for name, value in ordered]
    return bars_chart(
        "Contribution of each group of features to the raw score, in log-odds; the bar is its size",
        f"The largest contribution is that of {ordered[0][0]}: {ordered[0][1]:+.4f}." if ordered else "",
        ("Group", "", "Log-odds", "Direction"),
        shares,
        full=1.0,
    )


def _direction(value: float) -> str:
    return "raises" if value > 0 else "lowers" if value < 0 else "none"


def _sum_sentence(base: float, contributions: Mapping[str, float], raw: float) -> str:
    total = base + sum(contributions.values())
    holds = "as it must be" if abs(total - raw) <= ADDS_UP_WITHIN else "which does not add up: tell who runs the model"
    return f"Base {base:+.4f} and contributions give {total:+.4f}; the raw score is {raw:+.4f}, {holds}."


def _chances(probabilities: Mapping[str, float]) -> Table:
    rows = tuple((f"{int(percent)} % of days", f"{value:.4f}") for percent, value in sorted(probabilities.items()))
    return Table("Calibrated probability of missing at least so many of the days", ("threshold", "probability"), rows)


def _facts(student: Student) -> tuple[tuple[str, str], ...]:
    run: dict[str, Any] = of_run(student.run)
    through = student.run.data_through
    return (
        ("Target year", SchoolYear(student.run.target_year).label),
        ("As of", f"after day {student.run.after_day}" if student.run.after_day else "before the first day"),
        ("Records through", f"{through:%Y-%m-%d}" if through else "not known"),
        ("Scoring run", str(run["run_id"])),
        ("Model version", str(run["model_version"])),
        ("Bundle", student.run.bundle_sha256),
    )
