"""Commands about a model in use: put its level right for a new year, and watch what it is fed and what came of it."""

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ews.cli.common import AfterDayOption, EngineOption, HomeOption, MasterOption, engine_of, now, out, say, steps
from ews.errors import InputRefused, MonitoringAlarm
from ews.home import Home
from ews.school_year import SchoolYear

if TYPE_CHECKING:
    from ews.bundle import Bundle
    from ews.monitoring import Report
    from ews.recalibration import Expected, Recalibration

ByOption = Annotated[str, typer.Option("--by", help="Who decides.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason; it stays with it.")]
OtherYearOption = Annotated[
    SchoolYear | None,
    typer.Option(
        "--target-year", parser=SchoolYear.parse, metavar="YEAR", help="By default the year the model was trained for."
    ),
]


def recalibrate(
    home: HomeOption,
    by: ByOption,
    why: WhyOption,
    first_days: Annotated[
        int | None,
        typer.Option("--first-days", min=5, help="Expect the year's level from its first days of this number."),
    ] = None,
    expected_share: Annotated[
        float | None,
        typer.Option("--expected-share", help="Or the district's own forecast of the chronic share: 0.31 for 31 %."),
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Or take the recalibration in force back.")] = False,
    target_year: OtherYearOption = None,
    after_day: AfterDayOption = 0,
    engine: EngineOption = "duckdb",
    master: MasterOption = None,
) -> None:
    """Shift the champion's probabilities to the level expected of one school year; ranks stay as they are.

    It is kept beside the champion with who and why, and used by every `ews score` of that model and year.
    """
    from ews import recalibration

    if sum([first_days is not None, expected_share is not None, withdraw]) != 1:
        raise InputRefused("Give one of --first-days, --expected-share and --withdraw.")
    place = Home(home)
    if withdraw:
        recalibration.withdraw(place, after_day, by=by, why=why, at=now())
        say("The recalibration is no longer in force. Next: ews score")
        return
    with steps() as progress:
        bundle, year = _champion(place, after_day, target_year)
        runs_on = engine_of(engine, master)
        progress(f"expecting the level of {year.label}")
        made, expected = recalibration.recalibrate(
            place,
            bundle,
            year,
            lambda folder: (
                recalibration.shift_from_first_days(folder, bundle, year, first_days, engine=runs_on)
                if first_days is not None
                else recalibration.shift_from_forecast(folder, bundle, year, expected_share or 0.0, engine=runs_on)
            ),
            by=by,
            why=why,
            at=now(),
            engine=runs_on,
        )
    _say_shift(made, expected, bundle.policy.chronic_percent)
    say(f"Next: ews score --target-year {year} --after-day {after_day} --out FOLDER --home {place.path}")


def monitor(
    home: HomeOption,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for the report: a page, a table and JSON.")
    ] = None,
    target_year: OtherYearOption = None,
    after_day: AfterDayOption = 0,
    engine: EngineOption = "duckdb",
    master: MasterOption = None,
) -> None:
    """Look at inputs, scores, absence codes, calendar, base rate, calibration and freshness; changes nothing.

    Ends with exit code 0 when nothing is alarming and 21 when something is, for a scheduler. It never trains a model.
    """
    from ews.monitoring import hand_out
    from ews.monitoring import monitor as look

    with steps() as progress:
        report = look(
            Home(home),
            today=datetime.datetime.now().astimezone().date(),
            made_at=now(),
            target_year=target_year,
            after_day=after_day,
            engine=engine_of(engine, master),
            progress=progress,
        )
    out.print(_findings(report))
    written = hand_out(report, folder) if folder else []
    counts = ", ".join(f"{count} {level}" for level, count in report.counts().items())
    say(f"{counts}." + (f" See {written[0]}" if written else ""))
    if report.alarms:
        raise MonitoringAlarm(f"{len(report.alarms)} alarms. Look at them before the next list.")


def _findings(report: "Report") -> Table:
    """What is not fine, and whole areas that are, a line each."""
    table = Table(box=None, pad_edge=False)
    for head in ("level", "area", "what", "in words"):
        table.add_column(head)
    fine = {check.area for check in report.checks}
    for check in report.checks:
        if check.level in ("alarm", "watch"):
            fine.discard(check.area)
            table.add_row(check.level, check.area, check.name, check.text)
    for area in dict.fromkeys(check.area for check in report.checks if check.area in fine):
        levels = {check.level for check in report.checks if check.area == area}
        table.add_row("fine" if "fine" in levels else "not known", area, "", "")
    return table


def _champion(home: Home, after_day: int, target_year: SchoolYear | None) -> "tuple[Bundle, SchoolYear]":
    """The champion's bundle, and the year asked for or the one it was trained for."""
    from ews.registry import champion_bundle

    _, bundle = champion_bundle(home, after_day)
    trained_for = bundle.manifest["provenance"]["target_year"]
    return bundle, target_year or SchoolYear.parse(trained_for)


def _say_shift(made: "Recalibration", expected: "Expected", chronic_percent: int) -> None:
    say(f"Expected from {made.basis}.")
    say("percent of days missed   model alone   expected   shift (log-odds)")
    for percent, shift in made.shifts.items():
        before, after = made.model_shares[percent], made.expected_shares[percent]
        say(f"{percent:>20} %   {before:>10.1%}   {after:>8.1%}   {shift:>+16.2f}")
    moved = abs(made.expected_shares[chronic_percent] - made.model_shares[chronic_percent])
    usual = expected.usual_error
    if usual is not None and moved < 2 * usual:
        say(
            f"The model alone is {100 * moved:.1f} points away, and in past years this estimate missed by "
            f"{100 * usual:.1f}: the model may as well be right. To take it back: ews recalibrate --withdraw"
        )
