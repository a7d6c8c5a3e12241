"""Commands about lists: score a cohort, explain one student."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ews.cli.common import (
    AfterDayOption,
    EngineOption,
    HomeOption,
    MasterOption,
    TargetYearOption,
    engine_of,
    out,
    say,
    steps,
)
from ews.home import Home

if TYPE_CHECKING:
    from ews.score import ScoringRun


def score(
    target_year: TargetYearOption,
    folder: Annotated[Path, typer.Option("--out", help="Folder that receives the list and its provenance.")],
    home: HomeOption,
    after_day: AfterDayOption = 0,
    engine: EngineOption = "duckdb",
    master: MasterOption = None,
    accept_old_model: Annotated[
        str, typer.Option(metavar="REASON", help="Use a model two or more school years old; kept with the run.")
    ] = "",
) -> None:
    """Score the cohort with the model in force: a list per school, with reasons, and what changed since the last."""
    from ews.score import hand_out
    from ews.score import score as score_cohort

    place = Home(home)
    with steps() as progress:
        runs_on = engine_of(engine, master)
        run = score_cohort(
            place,
            target_year,
            after_day=after_day,
            engine=runs_on,
            accept_old_model=accept_old_model,
            progress=progress,
        )
    written = hand_out(run, folder)
    counts = dict(run.provenance["counts"])  # type: ignore[call-overload]  # written by `ews.score`
    say(f"{counts['students']:,} students of {counts['schools']} schools are ranked in {written[0]}")
    _say_recalibration(place, run, after_day)
    _say_what_changed(place, run, folder)
    say(f"It holds education records: share it only with staff who support these students. Run {run.run_id}")


def _say_recalibration(home: Home, run: "ScoringRun", after_day: int) -> None:
    """Probabilities are never shifted in silence, nor is a shift left out in silence."""
    from ews.recalibration import kept
    from ews.score import RECALIBRATION

    applied, beside = run.provenance[RECALIBRATION], kept(home, after_day)
    if applied:
        by, at, basis = (dict(applied)[name] for name in ("by", "at", "basis"))  # type: ignore[call-overload]  # ours
        say(f"Probabilities are recalibrated, as {by} decided on {at}. Basis: {basis}.")
    elif beside:
        say(f"The recalibration that {beside.by} made for another model or school year is not applied.")


def _say_what_changed(home: Home, run: "ScoringRun", folder: Path) -> None:
    from ews.list_changes import list_changes, no_changes, summary, write_changes
    from ews.score import run_before

    before = run_before(home, run)
    changes = no_changes() if before is None else list_changes(before, run)
    written = write_changes(changes, folder)
    if before is not None:
        old, new = before.provenance, run.provenance
        say(f"Since run {before.run_id}, after day {old['after_day']}: {summary(changes)}. See {written}")
        if old["model_version"] != new["model_version"]:
            say(f"Another model made this list: version {new['model_version']}, before {old['model_version']}.")


def explain(student_id: Annotated[str, typer.Argument(help="The student's id, as given.")], home: HomeOption) -> None:
    """Show why a student stands where they stand in the current list."""
    from ews.reasons import FOOTER
    from ews.score import current_run, explanation_of

    run = current_run(Home(home))
    student = explanation_of(run, student_id)
    year, day = run.provenance["target_year"], run.provenance["after_day"]
    say(f"Student {student['student_id']}, school {student['school_id']}, grade {student['grade_level']}")
    say(f"Target year {year}, after day {day}: rank {student['rank']} in the school, risk {student['risk']:.0%}")
    for name in ("reason_1", "reason_2", "reason_3", "lowering_reason"):
        if student[name]:
            say(f"  - {student[name]}")
    out.print(_contributions(student))
    say(FOOTER)


def _contributions(student: dict[str, object]) -> Table:
    table = Table("part of the estimate (log-odds)", box=None, pad_edge=False)
    table.add_column("", justify="right")
    parts = {name: value for name, value in student.items() if name.startswith("contribution_")}
    for name, value in sorted(parts.items(), key=lambda part: -abs(float(str(part[1])))):
        table.add_row(name.removeprefix("contribution_").replace("_", " "), f"{value:+.2f}")
    table.add_row("everyone's start", f"{student['base']:+.2f}")
    table.add_row("sum", f"{student['raw_score']:+.2f}")
    return table
