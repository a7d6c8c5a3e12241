"""The whole way on a pretend district: from records to the list of one school. `make demo` runs it."""

import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ews.cli import main
from ews.cli.common import HomeOption, TargetYearOption, out, say
from ews.home import Home

if TYPE_CHECKING:
    from ews.cli.demo_staff import Invited

SHOWN = 4
"""Students printed of each lane of one school's list."""

LANES = {
    "prevent": "not chronically absent so far: a mentor now comes before the line",
    "recover": "chronically absent last year",
}

_LINE = "{:>4}  {:<10}  {:<5}  {:>4}  {:<16}  {}"


def demo(
    target_year: TargetYearOption,
    home: HomeOption,
    students: Annotated[int, typer.Option(help="Students of the pretend district.")] = 2000,
    years: Annotated[int, typer.Option(help="Its school years of daily marks.")] = 6,
) -> None:
    """Simulate, ingest, back-test, train, promote, score and publish, each as a command anyone could type."""
    start = time.perf_counter()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    records, lists = home / "pretend_district", home / "lists"
    shutil.rmtree(records, ignore_errors=True)
    year, last_year = str(target_year), str(target_year.previous)
    _run("simulate", records, "--students", students, "--years", years, "--last-year", last_year, "--seed", 1)
    _run("ingest", records, "--home", home)
    _run("backtest", "--home", home, "--target-year", last_year)
    _run("train", "--home", home, "--target-year", year, "--note", "demo", "--by", "a first person")
    _run(
        "promote", "--home", home, "--by", "demo", "--why", "a first model of a pretend district",
        "--sign-off", "no real student is in it",
    )  # fmt: skip
    _run("score", "--home", home, "--target-year", year, "--out", lists)
    _run("publish", "--home", home, "--by", "demo")
    school_id, student_ids = _print_school(Home(home), target_year.label)
    _print_places(home, lists, student_ids[0])
    lead = _print_staff(home, school_id, student_ids)
    _bring_mentors(home)
    say(f"The whole way took {time.perf_counter() - start:.0f} s.")
    _print_next(home, lead)


def _run(*words: object) -> None:
    """One command of `ews`, shown before it runs."""
    arguments = [str(word) for word in words]
    out.print(f"\n$ ews {shlex.join(arguments)}", style="bold", markup=False, highlight=False, soft_wrap=True)
    try:
        main(arguments)
    except SystemExit as ended:
        if ended.code:
            raise


def _print_school(home: Home, year: str) -> tuple[str, list[str]]:
    """Print the top of each lane of one school's list; gives the school and its students, to reach in time first."""
    from ews.score import current_run, read_list

    rows = read_list(current_run(home))
    school_id = str(rows["school_id"].iloc[0])
    of_school = rows[rows["school_id"] == school_id]
    say(f"\nSchool {school_id}, school year {year}: the first {SHOWN} of each lane, of {len(of_school)} students")
    for lane, meaning in LANES.items():
        say(f"\n{lane}: {meaning}\n")
        say(_LINE.format("rank", "student", "grade", "risk", "missed last year", "band last year"))
        for row in of_school[of_school["lane"] == lane].head(SHOWN).itertuples():
            _print_student(row)
    return school_id, of_school.sort_values("lane", kind="stable")["student_id"].astype(str).tolist()


def _print_student(row: Any) -> None:
    known = isinstance(row.band_last_year, str)
    missed = f"{row.days_absent_last_year} of {row.days_enrolled_last_year}" if known else "not known"
    band = row.band_last_year if known else "not known"
    say(_LINE.format(row.rank, row.student_id, row.grade_level, f"{row.risk:.0%}", missed, band))
    for reason in (row.reason_1, row.reason_2, row.lowering_reason):
        if reason:
            say(f"{'':6}{reason}")


def _print_places(home: Path, lists: Path, student_id: str) -> None:
    say("\nThese are patterns the model used, not causes. For voluntary mentoring only.\n")
    places = {
        "all lists": f"{lists}/risk_list.csv  (and .parquet, provenance.json)",
        "one student": f"{_tool('ews')} explain {shlex.quote(student_id)} --home {home}",
        "the records": f"{home}/pretend_district",
        "everything else": f"{home}  (tables, bundles, scoring runs)",
        "the training runs": f"{_tool('mlflow')} ui --backend-store-uri sqlite:///{home.resolve()}/mlflow.db",
        "the service": f"make serve DEMO_HOME={home}",
    }
    for name, place in places.items():
        say(f"{name + ':':<19}{place}")


def _print_staff(home: Path, school_id: str, student_ids: list[str]) -> "Invited":
    """Open accounts for invented people of each role, and print how each signs in; gives who leads the school."""
    from ews.access import Role
    from ews.cli.demo_staff import PROGRAM, move_in

    say("\nStart the service, then sign in as one of these invented people; a link opens once, within three days:\n")
    invited = move_in(home, school_id, student_ids)
    for one in invited:
        say(f"  {one.login:<14} {one.role:<15} {one.link}")
    say(f"\nA program asks with a token: {_tool('ews')} token make {PROGRAM} --scope risk_list --home {home}")
    return next(one for one in invited if one.role == Role.SCHOOL_LEAD)


def _bring_mentors(home: Path) -> None:
    from ews.cli.demo_staff import write_mentors
    from ews.score import current_run, read_list

    file = home / "mentors.csv"
    write_mentors(file, sorted(read_list(current_run(Home(home)))["school_id"].astype(str).unique()))
    _run("slots", "mentors", file, "--home", home, "--by", "demo")


def _print_next(home: Path, lead: "Invited") -> None:
    """What a visitor does now, to the first student's page."""
    say("\nWhat to do next\n")
    say(f"  1. make serve DEMO_HOME={home}")
    say(f"  2. Open this address. You are {lead.login}, who leads a school; choose a password, no code is needed.")
    say(f"     {lead.link}")
    say("  3. The school's list opens: open its first student, and log a contact.")
    say("  4. Under Mentor slots, propose a round: who could have a mentor, and why.")


def _tool(name: str) -> str:
    """The command as it can be typed here, where the environment may not be active."""
    place = Path(sys.executable).parent / name
    return str(place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place)


if __name__ == "__main__":
    program = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    program.command()(demo)
    main(program=program)
