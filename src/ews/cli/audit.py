"""The command that shows how each group of students is served, before anyone puts a model in force."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.common import (
    AfterDayOption,
    EngineOption,
    HomeOption,
    MasterOption,
    engine_of,
    policy_of,
    say,
    steps,
)
from ews.cli.models import FewYearsOption, ParametersOption
from ews.errors import NotEnoughData, PromotionRefused
from ews.home import Home, read_json, write_atomically
from ews.policy import Policy
from ews.school_year import SchoolYear

if TYPE_CHECKING:
    import pandas as pd

    from ews.dataset import Dataset
    from ews.subgroups import Finding

SHOWN = {
    "recall_at_k": "recall@k",
    "recall_ratio": "to best",
    "recall_within_schools": "in schools",
    "selection_over_need": "listed/need",
    "calibration_in_the_large": "calibration",
    "missing_share": "unknown",
}
"""Quantities that fit a line; all of them are in the file of --out."""


def audit(
    home: HomeOption,
    target_year: FewYearsOption = None,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for audit.csv, reliability.csv, findings.csv and public.csv.")
    ] = None,
    proxies: Annotated[
        bool, typer.Option("--proxies", help="Also: how well each attribute can be told from the features. Minutes.")
    ] = False,
    with_protected: Annotated[
        bool,
        typer.Option(
            "--with-protected",
            help="Also: what lists would gain by protected attributes. Measured only; no such model can be registered.",
        ),
    ] = False,
    after_day: AfterDayOption = 0,
    parameters: ParametersOption = None,
    engine: EngineOption = "duckdb",
    master: MasterOption = None,
) -> None:
    """Show how the lists of a later year would have served each group; ends with exit code 19 where the gate blocks.

    Groups come from the table demographics, which no model ever sees, and from the records. Small groups are hidden.
    """
    from ews.backtest import backtest
    from ews.cli.models import _parameters, _refuse_unknown_year
    from ews.subgroups import audit as audit_groups
    from ews.subgroups import findings_frame, for_the_public, gate, groups_for, published, reliability
    from ews.train import learnable

    place, policy = Home(home), policy_of(Home(home))
    with steps() as progress:
        progress("gathering what was known before each school year")
        with place.locked():  # closed years are computed once and kept in the home
            before = target_year.next if target_year else SchoolYear(2200)
            runs_on = engine_of(engine, master)
            dataset = learnable(place, before, policy, after_day=after_day, engine=runs_on)
        _refuse_unknown_year(dataset.frame["school_year"], target_year)
        if with_protected:
            _refuse_one_year(dataset)
        groups = groups_for(place.ingested(), dataset.frame)
        predictions = backtest(dataset, _parameters(parameters), policy, only_last=True, progress=progress)
        progress("auditing by group")
        audited = audit_groups(predictions, groups, policy)
        findings = gate(audited)
        told = _proxies(dataset, groups, progress) if proxies else None
        cost = _cost(dataset, groups, policy, progress) if with_protected else None
        _keep(place, dataset, told, cost)
    _print_audit(published(audited), SchoolYear(int(dataset.frame["school_year"].max())), policy)
    _print_measured(told, cost)
    if folder:
        tables = {
            "audit": published(audited),
            "reliability": reliability(predictions, groups, policy),
            "findings": findings_frame(findings),
            "public": for_the_public(predictions, groups, policy),
        }
        _write(folder, tables)
    _end(findings)


def _proxies(dataset: "Dataset", groups: "pd.DataFrame", progress: Callable[[str], None]) -> "pd.DataFrame":
    from ews.proxies import proxies

    last = (dataset.frame["school_year"] == dataset.frame["school_year"].max()).to_numpy()
    return proxies(dataset.where(last), groups[last].reset_index(drop=True), progress=progress)


def _refuse_one_year(dataset: "Dataset") -> None:
    if dataset.frame["school_year"].min() == dataset.frame["school_year"].max():
        raise NotEnoughData("--with-protected needs two target years with outcomes: one to learn from, one to measure.")


def _cost(
    dataset: "Dataset", groups: "pd.DataFrame", policy: Policy, progress: Callable[[str], None]
) -> "pd.DataFrame":
    from ews.proxies import cost_of_leaving_out
    from ews.treatment import learning_weights

    last = (dataset.frame["school_year"] == dataset.frame["school_year"].max()).to_numpy()
    learned = ~last & (learning_weights(dataset.frame, policy) > 0)
    progress("learning with and without the protected attributes")
    parts = [(dataset.where(rows), groups[rows].reset_index(drop=True)) for rows in (learned, last)]
    return cost_of_leaving_out(*parts[0], *parts[1], policy)


def _keep(place: Home, dataset: "Dataset", told: "pd.DataFrame | None", cost: "pd.DataFrame | None") -> None:
    """For the model card of these records and this day."""
    from ews.proxies import OfAttributes, keep

    data_id = str(read_json(place.ingested() / "manifest.json")["id"])
    measured_on = SchoolYear(int(dataset.frame["school_year"].max()))
    keep(place, data_id, dataset.after_day, OfAttributes(measured_on, told, cost))


def _print_audit(told: "pd.DataFrame", year: SchoolYear, policy: Policy) -> None:
    say(f"\nTarget year {year.label}, predicted from what was known before it")
    say(f"k: {policy.slots_percent} % of each school's students. In brackets: 95 % intervals, by resampling schools.")
    say(f"hidden: fewer than {policy.min_n} students, nearly all or none of them chronically absent, or a group by")
    say("which such a group could be worked out. docs/audit.md explains the columns.\n")
    for dimension, rows in told.groupby("dimension", sort=False):
        say(f"{dimension}\n{_grid(rows)}\n")


def _grid(rows: "pd.DataFrame") -> str:
    cells = rows[rows["quantity"].isin(SHOWN)]
    text = cells.assign(text=[_cell(row) for row in cells.itertuples()])
    wide = text.pivot_table("text", "group", "quantity", aggfunc="first", sort=False)[list(SHOWN)].rename(columns=SHOWN)
    of_group = rows.groupby("group", sort=False)["students"].first()
    wide.insert(0, "students", ["hidden" if count != count else f"{int(count):,}" for count in of_group])
    return wide.rename_axis(index=None, columns=None).to_string()


def _cell(row: "pd.core.frame.Pandas") -> str:
    if row.suppressed:
        return "hidden"
    if row.value != row.value:
        return "n/a"
    sign = "+" if row.quantity == "calibration_in_the_large" else ""
    return f"{row.value:{sign}.2f} ({row.low:{sign}.2f} to {row.high:{sign}.2f})"


def _print_measured(told: "pd.DataFrame | None", cost: "pd.DataFrame | None") -> None:
    if told is not None:
        say("How well each attribute can be told from the features, in schools not learned from (0.5: not at all)\n")
        say(told.round(3).to_string(index=False) + "\n" if len(told) else "No attribute is known of enough students.\n")
    if cost is not None:
        shown = cost[cost["metric"].isin(("auc", "average_precision", "recall_at_k"))]
        say("With protected attributes minus without, on the same resampled schools: what leaving them out costs\n")
        say(shown.round(4).to_string(index=False) + "\n")


def _write(folder: Path, tables: Mapping[str, "pd.DataFrame"]) -> None:
    from ews.risk_list import to_csv

    for name, rows in tables.items():
        write_atomically(folder / f"{name}.csv", to_csv(rows))
    say(f"All quantities are in {folder / 'audit.csv'}, without the hidden groups.")
    say(f"For the public, with counts rounded: {folder / 'public.csv'}.")


def _end(findings: list["Finding"]) -> None:
    say("\n".join(finding.text for finding in findings) or "The gate found nothing.")
    blocking = sum(finding.blocks for finding in findings)
    if blocking:
        raise PromotionRefused(
            f"{blocking} of {len(findings)} findings block: this model may not go in force. "
            "What to do, in which order: docs/audit.md."
        )
