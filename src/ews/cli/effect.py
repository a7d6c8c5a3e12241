"""The commands that measure what mentoring did: register before a round, ask what it could find, report after it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.common import HomeOption, moment, now, policy_of, say
from ews.home import Home, to_json, write_atomically

if TYPE_CHECKING:
    import pandas as pd

effect = typer.Typer(
    help="What mentoring did: registered before a round, found by lot, cut or matching, never before and after.",
    no_args_is_help=True,
)

RoundOption = Annotated[str, typer.Option("--round", help="Which round; letters, digits, dots and dashes.")]
RowsOption = Annotated[
    Path | None,
    typer.Option("--rows", exists=True, dir_okay=False, help="The round: Parquet or CSV, one row a student."),
]
YearOption = Annotated[
    str, typer.Option("--school-year", help="Instead of --rows: a school year of the records, as 2026 or 2025-26.")
]

PAGE, NUMBERS = "effect", "effect.json"
IDS = ("student_id", "school_id", "household_id", "stratum", "grade_level")


@effect.command("register")
def register_round(
    home: HomeOption,
    round_id: RoundOption,
    starts: Annotated[str, typer.Option("--starts", help="First day anybody could have a mentor, as 2026-09-14.")],
    by: Annotated[str, typer.Option("--by", help="Who registers it.")],
    horizon: Annotated[str, typer.Option("--horizon", help="next year, or next term.")] = "next year",
    subgroups: Annotated[
        list[str] | None, typer.Option("--subgroup", help="A column whose groups are told apart; may be repeated.")
    ] = None,
) -> None:
    """Write down what will be measured before a round starts; it is refused afterwards, and it is never changed."""
    from ews.effect import Registration, register

    made = Registration(
        round_id=round_id, starts=starts, made_at=now(), made_by=by, horizon=horizon, subgroups=tuple(subgroups or ())
    )
    path = register(made, _folder(home, round_id))
    say(made.in_words())
    say(f"It is in {path}, and stays as it is.")


@effect.command()
def minimum(
    home: HomeOption,
    rows: RowsOption = None,
    school_year: YearOption = "",
    slots: Annotated[
        int, typer.Option("--slots-percent", min=1, max=100, help="Slots, percent of a school's rows.")
    ] = 10,
    takes_up: Annotated[
        float, typer.Option("--takes-up", min=0.05, max=1, help="Share of those offered a slot who will take it up.")
    ] = 0.8,
) -> None:
    """The smallest effect a round could find, by the width of its lottery band, from a year that is over.

    With --school-year the order is that of the rate of the year before it.
    """
    from ews.effect import checked, plan
    from ews.effect.records import in_order_of_the_year_before, slots_of

    policy = policy_of(Home(home))
    known = checked(_rows(home, rows, school_year).assign(accepted=False), policy)
    of_school = slots_of(known, slots)
    if school_year:
        known = in_order_of_the_year_before(known, of_school)
    found = plan(known, of_school, takes_up=takes_up)
    say("band, % of slots   students   drawn   smallest effect found, days per 100: of the offer, of a mentor")
    for band in found.bands.itertuples():
        say(f"{band.width_percent:>16} {band.students:>10,} {band.drawn:>7,} {band.offer:>47.1f} {band.mentor:>12.1f}")
    say(found.in_words())


@effect.command()
def report(
    home: HomeOption,
    round_id: RoundOption,
    folder: Annotated[Path, typer.Option("--out", help="Folder that receives effect.html, effect.md and effect.json.")],
    rows: RowsOption = None,
    school_year: YearOption = "",
) -> None:
    """What a registered round did to days absent, with its interval; nothing else than what was registered.

    With --school-year the round is what the table `mentoring` of the records tells: no lot and no cut.
    """
    from ews.document import write
    from ews.effect import in_words, read_registration, study
    from ews.effect.page import as_json
    from ews.effect.page import report as page
    from ews.school_year import SchoolYear

    registered = read_registration(_folder(home, round_id))
    registered.refuse_too_early(moment().date())
    if school_year:
        registered.refuse_other_year(SchoolYear.parse(school_year))
    found = study(_rows(home, rows, school_year), registered, policy_of(Home(home)))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write(page(found), folder, PAGE)
    for place in (folder, _folder(home, round_id)):  # the second is what the round's page shows
        write_atomically(place / NUMBERS, to_json(as_json(found)))
    for one in found.estimates:
        say(f"{one.design} ({one.students:,} students): {in_words(one)}")
    for design, reason in found.not_told.items():
        say(f"{design}: {reason}")
    if found.before_after is not None:
        say(found.before_after.in_words())
    say(f"See {folder / (PAGE + '.html')}")


def _folder(home: Path, round_id: str) -> Path:
    """Where a round's registration is kept.

    Raises:
        typer.BadParameter: its name could leave the folder.
    """
    plain = round_id.replace("-", "").replace(".", "").replace("_", "")
    if not plain.isalnum() or not plain.isascii():
        raise typer.BadParameter("A round is named by letters, digits, dots and dashes.")
    return Home(home).path / "effect" / round_id


def _rows(home: Path, path: Path | None, school_year: str) -> "pd.DataFrame":
    """The rows of a round, from a file or from the records; ids are text as they are written."""
    import pandas as pd

    from ews.effect.records import round_of_records
    from ews.school_year import SchoolYear

    if (path is None) == (not school_year):
        raise typer.BadParameter("Name the rows of the round, or a school year of the records: one of both.")
    if path is None:
        place = Home(home)
        return round_of_records(place.ingested(), SchoolYear.parse(school_year), policy_of(place))
    if path.suffix == ".csv":
        return pd.read_csv(path, dtype=dict.fromkeys(IDS, "str"))
    return pd.read_parquet(path)
