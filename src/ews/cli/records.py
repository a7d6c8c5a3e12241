"""Commands about records: make a pretend district, bring in a real one."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from ews.cli.common import HomeOption, now, out, policy_of, say, steps
from ews.cli.families import say_what_to_score_again
from ews.home import Home
from ews.school_year import SchoolYear

if TYPE_CHECKING:
    from ews import sis

LastYearOption = Annotated[
    SchoolYear, typer.Option("--last-year", parser=SchoolYear.parse, metavar="YEAR", help="Last school year made.")
]


def simulate(
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="New folder for the pretend district's files.")],
    students: Annotated[int | None, typer.Option(min=1, help="Students enrolled in a year.")] = None,
    years: Annotated[int | None, typer.Option(min=1, help="School years of daily marks.")] = None,
    last_year: LastYearOption = "2026",  # type: ignore[assignment]  # typer parses the text
    seed: Annotated[int, typer.Option(help="Same seed, same district.")] = 1,
    preset: Annotated[
        str, typer.Option(help="demo, district or state, or one with a profile: district+nyc_like.")
    ] = "demo",
    file_format: Annotated[Literal["csv", "parquet"], typer.Option("--format", help="Format of the files.")] = "csv",
    report: Annotated[
        bool, typer.Option("--report", help="Write OUT/report: its moments beside published figures.")
    ] = False,
) -> None:
    """Make a pretend district: a folder as `ews ingest` takes it, with no real student in it."""
    from ews import simulator

    with steps() as progress:
        simulator.simulate(
            folder,
            preset=preset,
            students=students,
            years=years,
            last_year=SchoolYear.parse(last_year),
            seed=seed,
            file_format=file_format,
            progress=progress,
        )
    if report:
        moments(folder, folder / "report")
    say(f"A pretend district is in {folder}. Next: ews ingest {folder} --home HOME")


def moments(
    folder: Annotated[Path, typer.Argument(help="Folder of flat files, simulated or real, or of one ingest.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for report.md and its plots.")],
) -> None:
    """Show how absence lies in some records, beside published figures: levels, grades, weekdays, years, spells."""
    from ews.simulator.report import report

    with steps() as progress:
        progress("counting")
        written = report(folder, target)
    say(f"The report is in {written}")


def ingest(
    path: Annotated[
        Path, typer.Argument(help="Folder of files, one yearly sheet, or a folder or ZIP of Ed-Fi records.")
    ],
    home: Annotated[
        Path | None,
        typer.Option("--home", envvar="EWS_HOME", help="Folder that holds everything of this district."),
    ] = None,
    source: Annotated[
        Literal["flat", "yearly", "edfi", "positive", "oneroster"], typer.Option(help="Form of the records.")
    ] = "flat",
    column_map: Annotated[
        str | None,
        typer.Option(
            "--map", help="TOML that names the columns, or a map that ships with ews; for Ed-Fi what descriptors mean."
        ),
    ] = None,
    allow_shrink: Annotated[bool, typer.Option("--allow-shrink", help="Take far fewer rows than last time.")] = False,
    allow_older: Annotated[bool, typer.Option("--allow-older", help="Take records older than last time's.")] = False,
    by: Annotated[str, typer.Option("--by", help="Who takes fewer or older records.")] = "",
    why: Annotated[str, typer.Option("--why", help="The reason; it stays with the ingest.")] = "",
    suggest_map: Annotated[
        bool, typer.Option("--suggest-map", help="Bring nothing in; print a first column map for these exports.")
    ] = False,
) -> None:
    """Bring in records: check every row, keep the good ones, and list the others with what to do."""
    from ews import sis

    if suggest_map:
        _suggest_map(path)
        return
    if home is None:
        raise typer.BadParameter("Missing option --home (or EWS_HOME): the folder that holds this district.")
    place = Home(home)
    with place.locked(), steps() as progress:
        report = sis.ingest(
            path,
            place,
            source=source,
            column_map=Path(column_map) if column_map else None,
            policy=policy_of(place),
            allow_shrink=allow_shrink,
            allow_older=allow_older,
            override=sis.Override(by, why, now()),
            progress=progress,
        )
    if report.already_known:
        say("These very records were in force already; nothing changed.")
    out.print(_counts(report.counts))
    if report.left_out:
        say(f"Left out, since no record: {', '.join(f'{name} {lines:,}' for name, lines in report.left_out.items())}.")
    for remark in report.remarks:
        say(remark)
    say(f"Records through {report.data_through or 'an unknown day'}; rows not taken: {report.rejects_path}")
    gone = sis.withdrawn_students(place)
    if gone:
        say(f"{len(gone):,} students are no longer in the records. Make lists anew, so that none names them: ews score")
    say_what_to_score_again(place)


def fetch_edfi(
    url: Annotated[str, typer.Argument(help="The ODS's https address, without /data/v3.")],
    home: HomeOption,
    school_year: Annotated[
        SchoolYear | None,
        typer.Option(
            "--school-year", parser=SchoolYear.parse, metavar="YEAR", help="For an ODS that keeps each year apart."
        ),
    ] = None,
    instance: Annotated[
        str | None, typer.Option("--instance", help="For an ODS that keeps districts apart by a code.")
    ] = None,
) -> None:
    """Fetch what is new in a live Ed-Fi ODS into the home; EWS_EDFI_KEY and EWS_EDFI_SECRET sign in."""
    from ews.sis.edfi.live import Ods, fetch

    key, secret = (os.environ.get(name, "") for name in ("EWS_EDFI_KEY", "EWS_EDFI_SECRET"))
    place, year = Home(home), None if school_year is None else school_year.ending
    landing = place.edfi if year is None else place.edfi / f"year={year}"
    with place.locked(), steps() as progress:
        fetched = fetch(Ods(url, key, secret, year, instance), landing, progress=progress)
    for name, records in fetched.records.items():
        say(f"{name}: {records:,} new or changed, {fetched.deletes.get(name, 0):,} deleted")
    say(f"What was fetched is in {place.edfi}. Next: ews ingest {place.edfi} --source edfi --home {home}")


def _suggest_map(folder: Path) -> None:
    from ews.sis.suggest import suggest

    with tempfile.TemporaryDirectory() as work, steps() as progress:
        progress("looking at headers and cells")
        suggested = suggest(folder, Path(work))
        progress(f"{len(suggested.unsure)} things to decide, marked UNSURE")
    say(suggested.toml)


def _counts(counts: "Mapping[str, sis.Counts]") -> Table:
    """Rows of each table: read is always the sum of the other three."""
    table = Table("table", box=None, pad_edge=False)
    kinds = ("read", "accepted", "rejected", "duplicates")
    for kind in kinds:
        table.add_column(kind, justify="right")
    for name, of_table in counts.items():
        table.add_row(name, *(f"{getattr(of_table, kind):,}" for kind in kinds))
    return table
