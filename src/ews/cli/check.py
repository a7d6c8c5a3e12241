"""The command that shows what the records hold, and holds a share from another report against them."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ews.cli.common import HomeOption, out, policy_of, say, steps
from ews.home import Home
from ews.school_year import SchoolYear

if TYPE_CHECKING:
    from ews.quality import Reconciliation, Seen

MOST_SHOWN = 12
"""Lines of a kind in the terminal; the page has more."""


def check(
    home: HomeOption,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for check.html and schools.csv; else HOME/check.")
    ] = None,
    chronic_share: Annotated[
        str | None,
        typer.Option(metavar="PERCENT", help="Chronic share of another report, as 23.4: which definition gives it?"),
    ] = None,
    school_year: Annotated[
        SchoolYear | None,
        typer.Option("--school-year", parser=SchoolYear.parse, metavar="YEAR", help="The year that share is of."),
    ] = None,
) -> None:
    """Show what came in, school by school: gaps, days without any mark, codes, moves, overlaps, rows not taken."""
    from ews import quality

    place = Home(home)
    _refuse_half_a_question(chronic_share, school_year)
    found = None
    with steps() as progress:
        progress("counting")
        seen = quality.look(place.ingested(), policy_of(place))
        if chronic_share is not None and school_year is not None:
            progress("trying definitions")
            found = quality.reconcile(place.ingested(), school_year, chronic_share, policy_of(place))
        written = quality.hand_out(seen, folder or place.path / "check", found)
    out.print(_years(seen))
    for remark in quality.remarks(seen)[:MOST_SHOWN]:
        say(f"- {remark.text}")
    if found is not None:
        _say_definitions(found)
    say(f"The page is {written[0]}")


def _refuse_half_a_question(chronic_share: str | None, school_year: SchoolYear | None) -> None:
    if (chronic_share is None) != (school_year is None):
        raise typer.BadParameter("--chronic-share and --school-year belong together: 23.4 of which year?")
    if chronic_share is not None and not re.fullmatch(r"\d{1,2}(\.\d{1,4})?|100(\.0+)?", chronic_share):
        raise typer.BadParameter("--chronic-share is a percent as the report prints it: 23.4")


def _years(seen: "Seen") -> Table:
    from ews.quality.findings import share
    from ews.quality.page import by_year

    table = Table("school year", box=None, pad_edge=False)
    for head in ("schools", "students", "moved", "absent", "chronic", "unknown"):
        table.add_column(head, justify="right")
    for year, row in by_year(seen).iterrows():
        table.add_row(
            SchoolYear(int(year)).label,
            *(f"{row[name]:,.0f}" for name in ("schools", "students", "moved")),
            share(row["absent_days"], row["enrolled_days"]),
            share(row["chronic"], row["with_status"]),
            share(row["unknown_days"], row["enrolled_days"]),
        )
    return table


def _say_definitions(found: "Reconciliation") -> None:
    say()
    say(
        f"{found.school_year.label}: typed in {found.typed} %, here {found.ours.percent:.2f} % "
        f"({found.ours.chronic:,} of {found.ours.students:,} students). Definitions by closeness:"
    )
    for one in found.others[:MOST_SHOWN]:
        sign = "=" if found.explains(one) else " "
        say(f"  {sign} {one.percent:6.2f} %  {'; '.join(one.changed)}")
