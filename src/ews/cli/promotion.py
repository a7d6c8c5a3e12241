"""Commands about what is in force: look at versions, put one in force, take it back."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ews.cli.common import AfterDayOption, EngineOption, HomeOption, now, out, say, steps
from ews.errors import InputRefused, NotFound, RegistryUnavailable
from ews.home import Home
from ews.school_year import SchoolYear

if TYPE_CHECKING:
    import pandas as pd

    from ews.promotion import Promotion
    from ews.registry import Champion, Version

SHOWN = {"average_precision": "AP", "recall_at_k": "recall@k", "auc": "AUC", "brier": "Brier",
         "calibration_in_the_large": "estimated minus observed"}  # fmt: skip
"""Metrics a person compares, in this order, under the names printed."""

GATES = {
    "regression": "no worse for students not yet chronic",
    "calibration": "estimates true on average",
    "groups": "no group served worse",
    "comparison": "comparable with the champion",
}

NEEDS_A_CHAMPION = ("regression", "comparison")


def promote(
    home: HomeOption,
    by: Annotated[str, typer.Option("--by", help="Who decides.")] = "",
    why: Annotated[str, typer.Option("--why", help="The reason; it stays with the version.")] = "",
    version: Annotated[str, typer.Option("--version", help="Number of the version, or latest.")] = "latest",
    sign_off: Annotated[
        str,
        typer.Option(metavar="REASON", help="Why findings that do not stop it are taken on; kept with it."),
    ] = "",
    compare_only: Annotated[
        bool, typer.Option("--compare-only", help="Compare and ask the gates; put nothing in force.")
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Put back what was in force before, for the day of --after-day.")
    ] = False,
    after_day: AfterDayOption = 0,
    engine: EngineOption = "duckdb",
) -> None:
    """Compare a version with what is in force, ask the gates, and put it in force; or take the last promotion back."""
    place = Home(home)
    if not compare_only:
        _refuse_silence(by, why)
    if rollback:
        _roll_back(place, after_day, by, why)
        return
    from ews import promotion

    with steps() as progress:
        checked = promotion.check(place, _chosen(place, version), engine=engine, progress=progress)
    _say_comparison(checked)
    _say_gates(checked)
    if compare_only:
        return
    promotion.refuse_blocked(checked, sign_off)
    by, why = by or typer.prompt("Who decides?"), why or typer.prompt("Why?")
    promotion.promote(place, checked, by=by, why=why, promoted_at=now(), sign_off=sign_off)
    _say_in_force(place, checked)


def versions(home: HomeOption) -> None:
    """List every version: what it is for, when it was trained, how good it was out of time, and who put it in force."""
    from ews import registry

    place = Home(home)
    in_force = registry.champions(place)
    try:
        known = registry.versions(place)
        metrics = registry.measured(place, [entry.run_id for entry in known])
    except RegistryUnavailable as error:
        say(f"{error}\n")
        out.print(_champions_table(in_force))
        return
    if not known:
        raise NotFound(f"No model version in {place.path} yet. Make one with: ews train --target-year YEAR")
    out.print(_versions_table(known, in_force, metrics))
    say("AP and AUC: out of time, of the students not yet chronic.")


def _refuse_silence(by: str, why: str) -> None:
    """A script is never asked; a person is, after the comparison was shown."""
    if not sys.stdin.isatty() and not (by.strip() and why.strip()):
        raise InputRefused("A promotion needs a name (--by) and a reason (--why); both stay with the version.")


def _chosen(place: Home, version: str) -> "Version":
    from ews import registry

    if version != "latest" and not version.isdecimal():
        raise NotFound("A version is a number, or the word latest.")
    return registry.find_version(place, "latest" if version == "latest" else int(version))


def _roll_back(place: Home, after_day: int, by: str, why: str) -> None:
    from ews import registry

    seen = registry.champion(place, after_day)
    by, why = by or typer.prompt("Who decides?"), why or typer.prompt("Why?")
    current, notice = registry.roll_back(place, after_day, by=by, why=why, promoted_at=now())
    say(f"Version {current.version} is in force again for {_day(after_day)}. Before: version {seen.version}.")
    if notice:
        say(f"The registry's alias was not moved. {notice}")
    say(f"Next: ews score --target-year YEAR --after-day {after_day} --out FOLDER --home {place.path}")


def _say_comparison(checked: "Promotion") -> None:
    chosen, champion, compared = checked.version, checked.champion, checked.comparison
    year = SchoolYear(chosen.target_year)
    say(f"Version {chosen.version}, for {year.label}, {_day(chosen.after_day)}")
    if champion is None:
        say("Nothing is in force for that day yet: there is nothing to compare with.")
    elif champion.bundle_sha256 == chosen.bundle_sha256:
        say(f"Version {champion.version}, in force, is this very bundle: there is nothing to compare.")
    if compared is not None and champion is not None:
        say(f"beside version {champion.version}, in force: {compared.how}.")
        left_out = f" ({compared.left_out:,} it does not know are left out)" if compared.left_out else ""
        say(f"{compared.students:,} students of {compared.school_year.label}{left_out}, the same schools resampled.\n")
        out.print(_comparison_table(compared.table, chosen.version, champion.version))
    for note in checked.notes:
        say(note)


def _comparison_table(rows: "pd.DataFrame", ours: int, theirs: int) -> Table:
    table = Table("group", "", box=None, pad_edge=False)
    for name in (f"version {ours}", f"version {theirs}", "difference", "95 % interval"):
        table.add_column(name, justify="right")
    for group, of_group in rows.groupby("group", sort=False):
        of_metric = of_group.set_index("metric")
        for metric, name in SHOWN.items():
            row = of_metric.loc[metric]
            values = (f"{row[column]:.3f}" for column in ("version", "champion"))
            table.add_row(
                str(group), name, *values, f"{row['difference']:+.3f}", f"{row['low']:+.3f} to {row['high']:+.3f}"
            )
            group = ""
    return table


def _say_gates(checked: "Promotion") -> None:
    say("\nGates")
    for gate, meaning in GATES.items():
        found = [concern for concern in checked.concerns if concern.gate == gate]
        if found:
            verdict = "stops" if any(concern.blocks for concern in found) else "to sign"
            say(f"  {verdict:<8}{meaning}")
        elif gate not in NEEDS_A_CHAMPION or checked.comparison is not None:
            say(f"  {'passed':<8}{meaning}")
        for concern in found:
            say(f"          - {concern.text}")


def _say_in_force(place: Home, checked: "Promotion") -> None:
    chosen, seen = checked.version, checked.champion
    year = SchoolYear(chosen.target_year)
    before = f"version {seen.version}" if seen else "none"
    say(f"\nVersion {chosen.version}, for {year.label}, is in force. Before: {before}.")
    when = f" --after-day {chosen.after_day}" if chosen.after_day else ""
    say(f"Next: ews score --target-year {year}{when} --out FOLDER --home {place.path}")


def _versions_table(
    known: "list[Version]", in_force: "dict[int, Champion]", metrics: dict[str, dict[str, float]]
) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("version", "for", "as of", "in force", "trained", "AP", "AUC"):
        table.add_column(name, no_wrap=True)
    table.add_column("promoted by")
    table.add_column("why")
    for entry in known:
        current = in_force.get(entry.after_day)
        is_in_force = current is not None and current.version == entry.version
        measured = metrics[entry.run_id]
        shown = (measured.get(f"{name}.not_yet_chronic.LightGBM") for name in ("average_precision", "auc"))
        table.add_row(
            str(entry.version), SchoolYear(entry.target_year).label, _day(entry.after_day),
            "yes" if is_in_force else "", entry.trained_at[:10],
            *("" if value is None else f"{value:.3f}" for value in shown), entry.promoted_by, entry.why,
        )  # fmt: skip
    return table


def _champions_table(in_force: "dict[int, Champion]") -> Table:
    table = Table("in force", "as of", "promoted by", "why", "since", box=None, pad_edge=False)
    for day, entry in in_force.items():
        table.add_row(f"version {entry.version}", _day(day), entry.promoted_by, entry.why, entry.promoted_at)
    return table


def _day(after_day: int) -> str:
    return f"day {after_day}" if after_day else "term start"
