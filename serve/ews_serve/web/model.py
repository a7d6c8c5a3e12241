"""The model behind the lists: how often it was wrong, whether what it says comes true, for whom (FAIR-8, FAIR-9)."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd
from fastapi import APIRouter, Request, Response

from ews.access import View
from ews.document import Table
from ews.evaluation import MODEL
from ews.home import Home
from ews.privacy import HIDDEN
from ews.school_year import SchoolYear
from ews.store.reading import Run
from ews_serve.answers import notices_of
from ews_serve.web.charts import Bars, Reliability, Share, bars_chart, reliability_chart
from ews_serve.web.evidence import Evidence, evidence_of
from ews_serve.web.frame import PageAsking, page
from ews_serve.web.wording import in_ten
from ews_serve.web.words import of_100

router = APIRouter(include_in_schema=False)

RULE = "last year's rate"
"""The rule that a model must beat to be of use (FAIR-8)."""

GROUPS = {
    "all": "All students",
    "not yet chronic": "Missed less than a tenth the year before",
    "already chronic": "Missed a tenth or more the year before",
    "no history": "New here, no year known",
    "with a mentor": "Had a mentor that year",
}
"""Groups of an evaluation that the page shows, and their words."""

DIMENSIONS = {
    "race_ethnicity": "Race and ethnicity",
    "gender": "Gender",
    "english_learner": "Learning English",
    "disability": "Disability",
    "economically_disadvantaged": "Low income",
    "homeless": "Without a home",
    "grade_band": "Grades",
    "short_history": "Short history here",
    "moved_or_new": "Moved or new",
}
"""Dimensions of an audit that the page shows, and their words."""


@dataclass(frozen=True)
class ModelPage:
    """The page.

    Attributes:
        facts: which model it is.
        verdict: whether it is of more use than last year's rate, in a sentence.
        wrong: how often it was wrong, in sentences; empty where no evidence is here.
        counts: the same as a table; None where no evidence is here.
        reliability: what was said against what came; None likewise.
        gaps: whom the lists reached, a chart a dimension.
        card_path: where the whole card is; empty where there is none.
    """

    facts: tuple[tuple[str, str], ...]
    verdict: str
    wrong: tuple[str, ...]
    counts: Table | None
    reliability: Reliability | None
    gaps: tuple[Bars, ...]
    card_path: str


@router.get("/model")
def model(request: Request, asked: PageAsking) -> Response:
    """The model of the lists in force; nothing of a student is on it."""
    decision = asked.may(View.RUNS)
    with asked.service.store.reading() as connection:
        run = asked.run_in_force(connection)
    it = model_page(run, evidence_of(Home(asked.service.settings.home), run.bundle_sha256))
    asked.log(View.RUNS, decision, run_id=run.run_id, model_version=run.model_version)
    return page(request, "model.html", it, notices=notices_of(run, asked.at, asked.service.live.trouble))


def model_page(run: Run, evidence: Evidence | None) -> ModelPage:
    """What stands on the page."""
    if evidence is None:
        return ModelPage(_facts(run), "", (), None, None, (), "")
    percent = evidence.policy.slots_percent
    return ModelPage(
        _facts(run),
        _verdict(evidence),
        tuple(_wrong(evidence, percent)),
        _counts(evidence),
        _reliability(evidence),
        tuple(_gaps(evidence.audit)) if evidence.audit is not None else (),
        "/v1/model/card" if evidence.has_card else "",
    )


def _facts(run: Run) -> tuple[tuple[str, str], ...]:
    return (
        ("Lists for", SchoolYear(run.target_year).label),
        ("Made", f"{run.published_at:%Y-%m-%d}"),
        ("Records through", f"{run.data_through:%Y-%m-%d}" if run.data_through else "not known"),
        ("Model version", str(run.model_version)),
        ("Students on lists", f"{run.students:,}"),
    )


def _verdict(evidence: Evidence) -> str:
    found = evidence.differences.query("group == 'all' and metric == 'recall_at_k' and minus == @RULE")
    if found.empty:
        return ""
    low, high = float(found["low"].iloc[0]), float(found["high"].iloc[0])
    if low > 0:
        return "Its lists found more of the students who went on to miss a tenth than last year's days alone."
    if high < 0:
        return "Its lists found fewer students who missed a tenth than last year's days alone. Go by last year's days."
    return "It is not shown that its lists find more students who miss a tenth than last year's days alone. Read both."


def _value(evaluation: pd.DataFrame, group: str, metric: str) -> float:
    found = evaluation[
        (evaluation["group"] == group) & (evaluation["method"] == MODEL) & (evaluation["metric"] == metric)
    ]
    return float(found["value"].iloc[0]) if len(found) else float("nan")


def _wrong(evidence: Evidence, percent: int) -> Iterator[str]:
    """How often it was wrong, in the year that it had not learned from."""
    year, known = SchoolYear(evidence.school_year).label, evidence.evaluation
    right, found = _value(known, "all", "precision_at_k"), _value(known, "all", "recall_at_k")
    yield (
        f"We asked it about {year} before it had seen that year. Each list held {percent} of every 100 students. "
        f"Of the students on the lists, {in_ten(right)} went on to miss a tenth of the year. The others did not."
    )
    yield (
        f"Of all students who missed a tenth, {in_ten(found)} were on a list. The others were not: lists are short, "
        "and some students cannot be seen in records."
    )
    if not pd.isna(new := _value(known, "not yet chronic", "precision_at_k")):
        yield (
            "Students whose absence is new are harder to see. Of the students on such a list, "
            f"{in_ten(new)} went on to miss a tenth."
        )


def _counts(evidence: Evidence) -> Table:
    rows = [row for group in GROUPS if (row := _count_row(evidence.evaluation, group))]
    heads = ("Students", "how many", "missed a tenth", "right among the listed", "found by the lists")
    return Table(f"How often the lists were right in {SchoolYear(evidence.school_year).label}", heads, tuple(rows))


def _count_row(evaluation: pd.DataFrame, group: str) -> tuple[str, ...]:
    of_group = evaluation[evaluation["group"] == group]
    if of_group.empty:
        return ()
    students, positives = int(of_group["students"].iloc[0]), int(of_group["positives"].iloc[0])
    shares = (_value(evaluation, group, metric) for metric in ("precision_at_k", "recall_at_k"))
    return (GROUPS[group], f"{students:,}", of_100(positives / students), *(of_100(share) for share in shares))


def _reliability(evidence: Evidence) -> Reliability:
    said, came, _ = max(evidence.bins, key=lambda one: abs(one[0] - one[1]))
    summary = (
        "Points on the dotted line came true as often as was said. The point farthest from it: "
        f"{of_100(said)} was said, {of_100(came)} came."
    )
    return reliability_chart("What was said and what came, in tenths of the students", summary, evidence.bins)


def _gaps(audit: pd.DataFrame) -> Iterator[Bars]:
    reached = audit[audit["quantity"] == "recall_at_k"]
    of_all = float(reached.loc[reached["dimension"] == "all", "value"].iloc[0])
    for dimension, words in DIMENSIONS.items():
        rows = reached[reached["dimension"] == dimension]
        if len(rows) > 1:
            yield _gap(words, rows, of_all)


def _gap(words: str, rows: pd.DataFrame, of_all: float) -> Bars:
    shares = [_share(row, of_all) for row in rows.to_dict("records")]
    told = rows[~rows["suppressed"].astype(bool) & rows["value"].notna()]
    return bars_chart(words, _gap_sentence(told), ("Group", "", "Found by the lists", "Students"), shares, full=1.0)


def _share(row: dict[str, object], of_all: float) -> Share:
    group, value = str(row["group"]), float(str(row["value"]))
    if row["suppressed"] or pd.isna(value):
        return Share(group, None, HIDDEN, HIDDEN)
    return Share(group, value, f"{of_100(value)} ({_range(row)})", f"{float(str(row['students'])):,.0f}", of_all)


def _range(row: dict[str, object]) -> str:
    low, high = float(str(row["low"])), float(str(row["high"]))
    return "range not known" if pd.isna(low) else f"{100 * low:.0f} to {100 * high:.0f}"


def _gap_sentence(told: pd.DataFrame) -> str:
    if len(told) < 2:
        return "Too few students to compare."
    least = told.loc[told["value"].idxmin()]
    most = told.loc[told["value"].idxmax()]
    apart = least["high"] < most["low"]
    ends = "More than chance." if apart else "The ranges overlap, so it may be chance."
    return f"Least found: {least['group']}; most found: {most['group']}. {ends}"
