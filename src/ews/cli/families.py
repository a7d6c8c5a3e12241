"""Commands for families: see everything about one student, have it corrected, agree to a disclosure."""

import datetime
from pathlib import Path
from typing import Annotated

import typer

from ews.cli.access import ACCESS_POLICY, ArchivesOption, audit_log
from ews.cli.common import moment, now, say
from ews.cli.opened import AuditOption, ByOption, HomeOption, StoreOption, office, today
from ews.errors import InputRefused, NotFound
from ews.home import Home

CONSENTED, TRANSFER = "99.30", "34 CFR 99.34"
"""Grounds of a disclosure: written consent, and a transfer to another school."""


def packet(
    student_id: Annotated[str, typer.Argument(metavar="STUDENT_ID", help="The district's id.")],
    home: HomeOption,
    folder: Annotated[Path, typer.Option("--out", help="New folder for the packet.")],
    transfer: Annotated[
        str,
        typer.Option("--transfer", metavar="PARTY", help="For the district the student moves to: attendance alone."),
    ] = "",
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
    archives: ArchivesOption = None,
) -> None:
    """Write what records, estimate, model and log hold of one student: for a family that asks to see it."""
    from ews.access import AccessPolicy
    from ews.packet import packet as packet_of
    from ews.packet import transfer as transfer_of
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
        if transfer:
            made = transfer_of(place, student_id, moment())
            about = {"party": transfer, "legal_basis": TRANSFER}
            here.note("disclosure", "", "attendance and enrolment", report.student_key, **about)
        else:
            made = packet_of(place, student_id, report, moment())
            here.note("packet", "", "", report.student_key)
    folder.mkdir(parents=True, mode=0o700)
    for name, content in made.files.items():
        (folder / name).write_bytes(content)
    say(f"{len(made.files)} files are in {folder}. They hold education records of one student.")
    if transfer:
        return
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
    from ews.families import ask_correction

    place = Home(home)
    with place.locked():
        ask_correction(place, student_id, what=what, by=by, at=now())
    say("Noted. Correct it in the student information system; the next ingest says that lists are to be made anew.")


def consent(
    student_id: Annotated[str, typer.Argument(metavar="STUDENT_ID", help="The district's id.")],
    home: HomeOption,
    party: Annotated[str, typer.Option("--party", help="Who may get the records.")],
    by: Annotated[str, typer.Option("--by", help="Who writes it down.")],
    records: Annotated[str, typer.Option("--records", help="Which records, as 'attendance 2025-26'.")] = "",
    purpose: Annotated[str, typer.Option("--purpose", help="For what.")] = "",
    signed_by: Annotated[str, typer.Option("--signed-by", help="The parent, or the student from 18 on.")] = "",
    signed_on: Annotated[
        datetime.datetime | None, typer.Option("--signed-on", formats=["%Y-%m-%d"], help="Day of the signature.")
    ] = None,
    end: Annotated[bool, typer.Option("--revoke", help="It counts no more, from today on.")] = False,
) -> None:
    """Note that a family agrees in writing to give records to a party (34 CFR 99.30), or revokes that."""
    from ews.families import Consent, agree, revoke

    place = Home(home)
    with place.locked():
        if end:
            say(f"Revoked: {revoke(place, student_id, party, today())}.")
            return
        day = signed_on.date().isoformat() if signed_on else ""
        agree(place, Consent(student_id, records, purpose, party.strip(), signed_by, day, by))
    say("Noted. What is given on its ground: ews audit-log disclose --legal-basis '34 CFR 99.30'.")


@audit_log.command()
def disclose(
    student_id: Annotated[str, typer.Argument(metavar="STUDENT_ID", help="The district's id.")],
    home: HomeOption,
    party: Annotated[str, typer.Option("--party", help="Who gets it.")],
    legal_basis: Annotated[str, typer.Option("--legal-basis", help="On which ground, as 34 CFR 99.34.")],
    what: Annotated[str, typer.Option("--what", help="What of the records, as 'attendance 2025-26'.")],
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
) -> None:
    """Note that something of a student leaves the district: to whom, on which ground, what (34 CFR 99.32).

    On the ground of a consent (99.30) only where one is in force for this student and this party.
    """
    from ews.families import refuse_without_consent
    from ews.store.reading import student_keys

    if not all(words.strip() for words in (party, legal_basis, what)):
        raise InputRefused("A disclosure names its party, its ground and what it holds.")
    with office(Home(home), store, audit, by) as here:
        with here.store.reading() as connection:
            key = student_keys(connection, [student_id]).get(student_id)
        if key is None:
            raise NotFound("The store knows no such student. Ids are text as the records write them: 007 is not 7.")
        if CONSENTED in legal_basis:
            refuse_without_consent(Home(home), student_id, party, today())
        here.note("disclosure", "", what, key, party=party, legal_basis=legal_basis)
    say("Noted; it is in the student's access report from now on.")


def say_what_to_score_again(place: Home) -> None:
    """After an ingest: corrections that were asked for, and lists that are older than the records."""
    from ews.families import to_score_again
    from ews.score import current_run

    try:
        scored_from = str(current_run(place).provenance["data_id"])
    except NotFound:
        scored_from = None
    asked = to_score_again(place, scored_from)
    if asked:
        say(f"Corrections were asked for {asked:,} students. See that they are in, and make lists anew: ews score")
