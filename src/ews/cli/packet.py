"""The command that a family is answered with: everything about one student, and what should be corrected."""

from pathlib import Path
from typing import Annotated

import typer

from ews.cli.access import ACCESS_POLICY, ArchivesOption
from ews.cli.common import moment, now, say
from ews.cli.opened import AuditOption, ByOption, HomeOption, StoreOption, office, today
from ews.errors import InputRefused
from ews.home import Home


def packet(
    student_id: Annotated[str, typer.Argument(metavar="STUDENT_ID", help="The district's id.")],
    home: HomeOption,
    folder: Annotated[Path, typer.Option("--out", help="New folder for the packet.")],
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
    archives: ArchivesOption = None,
) -> None:
    """Write what records, estimate, model and log hold of one student: for a family that asks to see it."""
    from ews.access import AccessPolicy
    from ews.packet import packet as packet_of
    from ews.store.access_report import access_report

    if folder.exists():
        raise InputRefused(
            f"{folder} is there already. A packet gets a folder of its own, so that no other's stays in it."
        )
    place = Home(home)
    policy = AccessPolicy.read(place.path / ACCESS_POLICY)
    with office(place, store, audit, by, archives) as here:
        with here.store.reading() as connection:
            report = access_report(connection, here.log, student_id, today(), moment(), policy)
        made = packet_of(place, student_id, report, moment())
        here.note("packet", "", "", report.student_key)
    folder.mkdir(parents=True, mode=0o700)
    for name, content in made.files.items():
        (folder / name).write_bytes(content)
    say(f"{len(made.files)} files are in {folder}. They hold education records: for this family and nobody else.")
    if not made.has_estimate:
        say("There is no estimate of this student in the list in force.")
    elif not made.has_pages:
        say("The pages of the model are not in this home: ews card --out FOLDER writes them.")


def correct(
    student_id: Annotated[str, typer.Argument(metavar="STUDENT_ID", help="The district's id.")],
    home: HomeOption,
    what: Annotated[str, typer.Option("--what", help="Which record is not right, as the family put it.")],
    by: Annotated[str, typer.Option("--by", help="Who writes it down.")],
) -> None:
    """Note that a record of a student is not right; once corrected records came in, lists are asked for anew."""
    from ews.corrections import ask

    place = Home(home)
    with place.locked():
        ask(place, student_id, what=what, by=by, at=now())
    say("Noted. Correct it in the student information system; the next ingest says that lists are to be made anew.")


def say_what_to_score_again(place: Home) -> None:
    """After an ingest: corrections that were asked for, and lists that are older than the records."""
    from ews.corrections import to_score_again
    from ews.errors import NotFound
    from ews.score import current_run

    try:
        scored_from = str(current_run(place).provenance["data_id"])
    except NotFound:
        scored_from = None
    asked = to_score_again(place, scored_from)
    if asked:
        say(f"Corrections were asked for {asked:,} students. See that they are in, and make lists anew: ews score")
