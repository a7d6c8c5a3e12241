"""Commands about models: train, and test on the past."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ews.cli.common import (
    AfterDayOption,
    EngineOption,
    HomeOption,
    MasterOption,
    TargetYearOption,
    code_version,
    engine_of,
    policy_of,
    say,
    steps,
)
from ews.errors import NotFound
from ews.home import Home
from ews.policy import Policy
from ews.school_year import SchoolYear

if TYPE_CHECKING:
    import pandas as pd

    from ews.dataset import Dataset
    from ews.model import Parameters

ParametersOption = Annotated[
    Path | None, typer.Option("--parameters", exists=True, dir_okay=False, help="TOML of how the booster learns.")
]
FewYearsOption = Annotated[
    SchoolYear | None,
    typer.Option("--target-year", parser=SchoolYear.parse, metavar="YEAR", help="Only this school year's outcomes."),
]

SHOWN = {"auc": "AUC", "brier": "Brier", "recall_at_k": "recall@k"}
"""Metrics whose paired differences fit a line."""


def train(
    target_year: TargetYearOption,
    home: HomeOption,
    after_day: AfterDayOption = 0,
    note: Annotated[str, typer.Option(help="Why, in your words; kept with the run.")] = "",
    parameters: ParametersOption = None,
    keep_treated: Annotated[
        str,
        typer.Option(metavar="REASON", help="Why students with a mentor are learned from, if the policy keeps them."),
    ] = "",
    prior: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            metavar="BUNDLE",
            help="Go on from the trees of another district's bundle (its folder, named by its hash): for a district of "
            "a few thousand students. It may not have seen this district, or the year the back-test is on.",
        ),
    ] = None,
    by: Annotated[
        str, typer.Option("--by", help="Who trains; another person promotes. Empty: the machine's user.")
    ] = "",
    engine: EngineOption = "duckdb",
    master: MasterOption = None,
) -> None:
    """Learn from every earlier target year and register a version; it is not in force before `ews promote`."""
    from ews.train import train as train_version

    place = Home(home)
    with steps() as progress:
        made = train_version(
            place,
            target_year,
            policy_of(place),
            _parameters(parameters),
            after_day=after_day,
            engine=engine_of(engine, master),
            note=note,
            code=code_version(),
            keep_treated=keep_treated,
            prior=prior,
            by=by.strip() or getpass.getuser(),
            progress=progress,
        )
    years = ", ".join(year.label for year in made.learned_from)
    say(f"Version {made.version} is registered: it learned from {made.students:,} student years of {years}.")
    say(made.verdict)
    say(f"Bundle {made.bundle_sha256}\nNext: ews promote --by NAME --why REASON --home {place.path}")


def backtest(
    home: HomeOption,
    target_year: FewYearsOption = None,
    split: Annotated[
        Literal["school-years", "schools", "auto"],
        typer.Option(help="Predict later years from earlier ones, or schools from other schools of the same year."),
    ] = "auto",
    after_day: AfterDayOption = 0,
    parameters: ParametersOption = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="A simulated district's folder: print its ceilings, and how far the model comes, too."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for the report: one page, pictures, and CSV for a spreadsheet.")
    ] = None,
    engine: EngineOption = "duckdb",
    master: MasterOption = None,
) -> None:
    """Predict years whose outcome is known, and print how good the lists would have been, beside the baselines."""
    from ews.backtest import backtest as predict
    from ews.backtest import chosen_split
    from ews.train import learnable

    place = Home(home)
    policy = policy_of(place)
    with steps() as progress:
        progress("gathering what was known before each school year")
        before = target_year.next if target_year else SchoolYear(2200)
        with place.locked():  # closed years are computed once and kept in the home
            runs_on = engine_of(engine, master)
            dataset = learnable(place, before, policy, after_day=after_day, engine=runs_on)
        _refuse_unknown_year(dataset.frame["school_year"], target_year)
        way = chosen_split(dataset, split)
        predictions = predict(
            dataset, _parameters(parameters), policy, split=way, only_last=target_year is not None, progress=progress
        )
        if truth:
            predictions = _with_ceilings(place, truth, predictions, dataset)
    for year, rows in predictions.groupby("school_year"):
        _print_year(SchoolYear(int(year)), way, rows.reset_index(drop=True), policy)
    if folder:
        with steps() as progress:
            progress("writing the report")
            _write_report(folder, place, dataset, predictions, _parameters(parameters), policy, way)
        say(f"\nThe report is {folder / 'backtest.html'}, its numbers are beside it.")


def observer_limit(
    simulated: Annotated[Path, typer.Argument(help="A simulated district's folder; others of its world are made.")],
    home: HomeOption,
    districts: Annotated[int, typer.Option(min=1, help="Most districts to learn on.")] = 16,
    after_day: AfterDayOption = 0,
) -> None:
    """Learn on other simulated districts until more no longer help: what attendance records can tell, at best."""
    from ews.ceilings import observer_limit as learn
    from ews.ceilings import world_of

    place = Home(home)
    with place.locked(), steps() as progress:
        limit = learn(
            place, world_of(simulated, after_day), policy_of(place), most_districts=districts, progress=progress
        )
    say(limit.curve.round(4).to_string(index=False))
    say("The curve is flat." if limit.is_flat else "The curve still rises: more districts would tell more.")
    say(f"Next: ews backtest --truth {simulated} --home {place.path}")


def _with_ceilings(place: Home, simulated: Path, predictions: "pd.DataFrame", dataset: "Dataset") -> "pd.DataFrame":
    from ews.ceilings import kept_observer_limit, with_observer_limit, with_truth, world_of

    limit = kept_observer_limit(place, world_of(simulated, dataset.after_day))
    return with_truth(with_observer_limit(predictions, dataset, limit), simulated)


def _write_report(
    folder: Path, place: Home, dataset: "Dataset", predictions: "pd.DataFrame", parameters: "Parameters",
    policy: Policy, way: str,
) -> None:  # fmt: skip
    from ews.evaluation import differences, evaluate
    from ews.model import fit
    from ews.report import HOW, Backtested, hand_out
    from ews.subgroups import audit, gate, groups_for, published

    last = predictions[predictions["school_year"] == predictions["school_year"].max()].reset_index(drop=True)
    audited = audit(last, groups_for(place.ingested(), dataset.frame), policy)
    measured = (evaluate(predictions, policy), differences(predictions, policy), published(audited), gate(audited))
    hand_out(Backtested(dataset, fit(dataset, parameters, policy), predictions, *measured, policy, HOW[way]), folder)


def _parameters(path: Path | None) -> "Parameters":
    from ews.model import Parameters

    return Parameters.from_toml(path.read_text(encoding="utf-8")) if path else Parameters()


def _refuse_unknown_year(known: "pd.Series", target_year: SchoolYear | None) -> None:
    years = sorted(int(year) for year in known.unique())
    if target_year and target_year.ending not in years:
        raise NotFound(
            f"Outcomes of {target_year.label} are not known, or no year before it is. "
            f"Known: {', '.join(SchoolYear(year).label for year in years)}."
        )


def _print_year(year: SchoolYear, way: str, rows: "pd.DataFrame", policy: Policy) -> None:
    from ews.ceilings import OBSERVER, share_of_the_way
    from ews.evaluation import differences, evaluate, table, verdict
    from ews.reliability import brief, calibration_table
    from ews.report import HOW

    say(f"\nTarget year {year.label}, predicted from {HOW[way]}")
    say(f"k: {policy.slots_percent} % of each school's students in the group. In brackets: 95 % intervals.\n")
    evaluation = evaluate(rows, policy)
    say(table(evaluation))
    if OBSERVER in rows:
        say("\nFrom last year's rate (0) to the observer limit (1)\n")
        say(share_of_the_way(evaluation).round(3).to_string(index=False))
    paired = differences(rows, policy)
    say("\nLightGBM minus each baseline, on the same resampled schools")
    for group, of_group in paired.groupby("group", sort=False):
        say(f"\n{group}\n{_paired_table(of_group)}")
    say()
    for group in paired["group"].unique():
        say(verdict(paired, group=group))
    say("\nCalibration of LightGBM at each threshold: mean probability minus observed share, in points / slope\n")
    say(brief(calibration_table(rows, policy)))


def _paired_table(of_group: "pd.DataFrame") -> str:
    shown = of_group[of_group["metric"].isin(SHOWN)]
    text = shown.apply(lambda row: f"{row['value']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})", axis=1)
    cells = shown.assign(text=text).pivot_table("text", "minus", "metric", aggfunc="first", sort=False)
    return cells[list(SHOWN)].rename(columns=SHOWN).rename_axis(index=None, columns=None).to_string()
