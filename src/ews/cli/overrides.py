"""The command that counts by group what people decided otherwise; demographics stay in the home."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ews.cli.common import policy_of, say
from ews.cli.opened import AuditOption, ByOption, HomeOption, StoreOption, office, say_rows
from ews.errors import NotEnoughData
from ews.home import Home, write_atomically
from ews.policy import Policy
from ews.school_year import SchoolYear

if TYPE_CHECKING:
    import pandas as pd

    from ews.document import Document
    from ews.subgroups.overrides import Act

FILE = "overrides"

YearOption = Annotated[
    SchoolYear | None,
    typer.Option(
        "--target-year", parser=SchoolYear.parse, metavar="YEAR", help="Of rounds and lists; the published lists' year."
    ),
]


def overrides(
    home: HomeOption,
    target_year: YearOption = None,
    round_key: Annotated[str, typer.Option("--round", help="Only this round; empty: all confirmed ones.")] = "",
    folder: Annotated[
        Path | None, typer.Option("--out", help=f"Folder for {FILE}.csv, {FILE}.html and {FILE}.md.")
    ] = None,
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
) -> None:
    """Count by group whom people put into rounds and lists, or out of them, beside what was proposed (M09).

    Groups come from the home's table demographics, which neither store nor service holds. Small ones are hidden.
    """
    from ews.store.overrides import decided_otherwise, judged
    from ews.subgroups.overrides import all_of_one_group, reasons, shown, warnings
    from ews.subgroups.overrides_page import page

    place = Home(home)
    with office(place, store, audit, by) as here, here.store.reading() as connection:
        year = target_year or _published_year(connection)
        decided = decided_otherwise(connection, year.ending, round_key or None)
        said = judged(connection, year.ending)
        here.note("slots overrides", "", f"{year.label} {round_key}".strip())
    policy = policy_of(place)
    parts = _parts(place, decided, said, policy)
    stands_out = [line for found, acts in parts.values() for line in (*warnings(found, acts), *all_of_one_group(found))]
    knew = reasons(said[said["category"].notna()], policy)
    notes = _notes(decided, policy, has_attributes=(place.ingested() / "demographics.parquet").exists())
    title = f"What people decided otherwise, {year.label}"
    _print(title, parts, stands_out, notes)
    if folder:
        told = {heading: shown(found) for heading, (found, _) in parts.items()}
        _write(folder, told, page(title, parts, stands_out, knew, notes))


def _published_year(connection: Any) -> SchoolYear:
    from ews.store.reading import run_in_force

    run = run_in_force(connection)
    if run is None:
        raise NotEnoughData("No list was published yet, so nobody could decide otherwise. Publish one: ews publish")
    return SchoolYear(run.target_year)


def _parts(
    place: Home, decided: "pd.DataFrame", said: "pd.DataFrame", policy: Policy
) -> "dict[str, tuple[pd.DataFrame, Mapping[str, Act]]]":
    """By heading, the counts; a heading without students is left out."""
    from ews.subgroups import attributes_for
    from ews.subgroups.overrides import OF_LISTS, OF_ROUNDS
    from ews.subgroups.overrides import overrides as count

    known = decided[decided["is_known"]].reset_index(drop=True)
    wanted = {
        "Rounds of mentor slots, of the students in their pool": (known, OF_ROUNDS, "proposed"),
        "Lists, of the students on them": (said, OF_LISTS, None),
    }
    found = {
        heading: (count(rows, attributes_for(place.ingested(), rows), acts, policy, hidden_by), acts)
        for heading, (rows, acts, hidden_by) in wanted.items()
        if len(rows)
    }
    if not found:
        raise NotEnoughData("No round of that year is confirmed, and no list of it is published: nothing to count.")
    return found


def _notes(decided: "pd.DataFrame", policy: Policy, *, has_attributes: bool) -> tuple[str, ...]:
    unknown = int((~decided["is_known"]).sum())
    told = {
        f"Hidden: fewer than {policy.min_n} students, or a group from which such a one could be worked out.": True,
        "The records hold no demographics: nobody knows how these groups fare.": not has_attributes,
        f"{unknown:,} students were edited before edits were kept one by one, and are left out of the rounds.": unknown,
    }
    return tuple(sentence for sentence, holds in told.items() if holds)


def _print(
    title: str, parts: "Mapping[str, tuple[pd.DataFrame, Mapping[str, Act]]]", stands_out: list[str],
    notes: tuple[str, ...],
) -> None:  # fmt: skip
    from ews.subgroups.overrides import grid

    say(title)
    for heading, (found, acts) in parts.items():
        say(f"\n{heading}")
        for dimension, rows in found.groupby("dimension", sort=False):
            say()
            say_rows((str(dimension), "students", *(act.text for act in acts.values())), grid(rows, acts))
    say()
    for line in (*notes, *(stands_out or ["No group is put out clearly more often than the rest."])):
        say(line)


def _write(folder: Path, told: "Mapping[str, pd.DataFrame]", document: "Document") -> None:
    import pandas as pd

    from ews.document import write
    from ews.risk_list import to_csv

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(folder / f"{FILE}.csv", to_csv(pd.concat(told.values(), ignore_index=True)))
    write(document, folder, FILE)
    say(f"The same is in {folder / (FILE + '.html')} and {FILE}.csv, without the hidden groups.")
