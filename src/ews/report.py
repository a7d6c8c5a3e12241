"""The report of a back-test: one page with every table and picture, and the same numbers as files for a spreadsheet."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ews.charts import base_rate_chart, gain_chart, recall_chart, reliability_chart
from ews.charts.contributions import contribution_charts
from ews.dataset import Dataset
from ews.document import Document, Points, Section, to_html, write_pictures
from ews.home import write_atomically
from ews.model import Model
from ews.policy import Policy
from ews.reliability import calibration_table
from ews.result_tables import (
    audit_tables,
    calibration_facts,
    difference_tables,
    in_a_sentence,
    may_be_told,
    result_tables,
)
from ews.risk_list import to_csv
from ews.school_year import SchoolYear
from ews.subgroups import Finding, findings_frame

PAGE = "backtest.html"

HOW = {"school-years": "earlier target years", "schools": "other schools of the same year"}
"""What each way of splitting predicts from, in words."""

SPREADSHEET = "\ufeff"
"""Spreadsheets take a CSV for UTF-8 only when it begins with this mark."""


@dataclass(frozen=True, eq=False)
class Backtested:
    """What a back-test of one or more school years found.

    Attributes:
        dataset: the rows with outcomes that were learned from and predicted.
        model: learned from all of them; its contributions on the last year are shown.
        predictions: out of time, of the school years predicted.
        evaluation: what `ews.evaluation.evaluate` measured of them.
        differences: what `ews.evaluation.differences` measured of them.
        audited: the audit of the last year, as `ews.subgroups.published` leaves it.
        findings: what the gate says of that audit.
        policy: the district's thresholds.
        how: what was predicted from what, in words.
    """

    dataset: Dataset
    model: Model
    predictions: pd.DataFrame
    evaluation: pd.DataFrame
    differences: pd.DataFrame
    audited: pd.DataFrame
    findings: list[Finding]
    policy: Policy
    how: str


def report(found: Backtested) -> Document:
    """The page; no row of it is a student, and small groups are hidden."""
    slots = found.policy.slots_percent
    years = ", ".join(SchoolYear(int(year)).label for year in sorted(found.predictions["school_year"].unique()))
    frame = found.dataset.frame
    last = (frame["school_year"] == frame["school_year"].max()).to_numpy()
    return Document(
        f"Back-test of {years}",
        in_a_sentence(found.differences),
        (
            Section(
                "What was done",
                (
                    f"Students of {years} were predicted from {found.how}. What came of them was not known to the "
                    "model. Beside it stand four rules a school could use without a model, fitted on the same rows.",
                    f"k is {slots} % of each school's students in the group: its mentor slots. Intervals are 95 %, "
                    "from resampling whole schools; all methods meet the same resampled schools.",
                    in_a_sentence(found.differences, group="not yet chronic")
                    if "not yet chronic" in set(found.differences["group"])
                    else "No student was not yet chronic.",
                ),
            ),
            Section("How good the lists would have been", tuple(result_tables(found.evaluation, found.policy))),
            Section(
                "Compared with each rule",
                tuple(difference_tables(found.differences, found.evaluation, found.policy)),
            ),
            Section("What a longer list finds", (gain_chart(found.predictions, found.policy),)),
            Section(
                "Are the probabilities true?",
                (
                    reliability_chart(found.predictions, found.policy),
                    calibration_facts(calibration_table(found.predictions, found.policy)),
                ),
            ),
            Section("Does the level move?", (base_rate_chart(frame, found.predictions),)),
            Section("Whom the lists reach", (recall_chart(found.audited), *audit_tables(found.audited))),
            Section("What the gate says", (Points(_said(found.findings)),)),
            Section(
                "What the model looks at",
                (
                    "Contributions to the raw score, in log-odds, of students of the last year, by a model that "
                    "learned from all years: what it uses, not how well. They are patterns, not causes.",
                    *contribution_charts(found.model, found.dataset.where(last).x),
                ),
            ),
        ),
    )


def hand_out(found: Backtested, out: Path) -> list[Path]:
    """Write the page, its pictures and its numbers into `out`, each file whole or not at all; none holds a student."""
    page = report(found)
    texts = {PAGE: to_html(page)}
    texts |= {f"{name}.csv": SPREADSHEET + to_csv(rows) for name, rows in _numbers(found).items()}
    for name, text in texts.items():
        write_atomically(out / name, text)
    return [*(out / name for name in texts), *write_pictures(page.charts(), out)]


def _numbers(found: Backtested) -> dict[str, pd.DataFrame]:
    told = may_be_told(found.evaluation, found.policy)
    return {
        "evaluation": told,
        "differences": found.differences[found.differences["group"].isin(set(told["group"]))],
        "calibration": calibration_table(found.predictions, found.policy),
        "audit": found.audited,
        "findings": findings_frame(found.findings),
    }


def _said(findings: list[Finding]) -> tuple[str, ...]:
    return tuple(finding.text for finding in findings) or ("It found nothing.",)
