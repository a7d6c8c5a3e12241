"""Invented staff of the demo: one of each role, each with a one-time link and nobody with a password (A09)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from ews.access import Grant, Role
from ews.cli.common import moment
from ews.cli.opened import Office, office, today
from ews.cli.staff import LOCAL_URL, link_address
from ews.home import Home

if TYPE_CHECKING:
    from ews.store.opening import Connection

CASELOAD = 12
"""Students of the demo's counselor."""

MENTEES = 2


@dataclass(frozen=True)
class Person:
    """Someone of the demo; `at_school` is granted at one school, the others everywhere."""

    login: str
    name: str
    role: Role
    at_school: bool = False


PROGRAM = "dashboard"
"""The demo's account for programs: `ews token make dashboard --scope …`."""

STAFF = (
    Person("dana.okafor", "Dana Okafor", Role.DISTRICT_ADMIN),
    Person("wei.lindqvist", "Wei Lindqvist", Role.DATA_SCIENTIST),
    Person("rosa.imani", "Rosa Imani", Role.SCHOOL_LEAD, at_school=True),
    Person("tomas.nunez", "Tomás Núñez", Role.COUNSELOR, at_school=True),
    Person("mo.haddad", "Mo Haddad", Role.MENTOR, at_school=True),
    Person("ines.aumann", "Ines Aumann", Role.AUDITOR),
    Person(PROGRAM, "Nightly dashboard", Role.SERVICE),
)


MENTORS = (
    "Mo Haddad", "Adaeze Brandt", "Bruno Whitehorse", "Chiara Novak", "Dawit Lindgren", "Elif Marchetti",
    "Femi Castellanos", "Greta Olawale", "Hiro Fontaine", "Ilse Navarro",
)  # fmt: skip
"""Invented mentors, two a school in turn: one of its staff, one from outside. The first has an account."""


@dataclass(frozen=True)
class Invited:
    """A person of the demo and the link to sign in with."""

    login: str
    role: str
    link: str


def move_in(home: Path, school_id: str, student_ids: Sequence[str]) -> list[Invited]:
    """Open the accounts that are not there yet, and make a new link for everyone but the program.

    Args:
        home: the demo's home, with a published list.
        school_id: where those of one school work.
        student_ids: of that school, first of the list first; the counselor's and the mentor's are taken from them.
    """
    from ews.store.caseloads import replace_caseloads

    store, audit = os.environ.get("EWS_STORE", ""), os.environ.get("EWS_AUDIT", "")
    with office(Home(home), store, audit, "ews demo") as here, here.store.writing() as connection:
        invited = [_invite(here, connection, person, school_id) for person in STAFF]
        caseload = [("tomas.nunez", student) for student in student_ids[:CASELOAD]]
        mentees = [("mo.haddad", student) for student in student_ids[:MENTEES]]
        replace_caseloads(connection, Role.COUNSELOR, caseload, today())
        replace_caseloads(connection, Role.MENTOR, mentees, today())
    return [one for one in invited if one is not None]


def write_mentors(file: Path, school_ids: Sequence[str]) -> None:
    """Write who can mentor at each school, as a district's own file would tell it."""
    lines = ["mentor_id,name,kind,schools,starts_on,screened_on,login"]
    for number, (school_id, kind) in enumerate(product(school_ids, ("staff", "external"))):
        login = "mo.haddad" if number == 0 else ""
        name = MENTORS[number % len(MENTORS)]
        lines.append(f"M{number:02d},{name},{kind},{school_id},2020-08-01,2020-08-01,{login}")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _invite(here: Office, connection: "Connection", person: Person, school_id: str) -> Invited | None:
    from ews.store.links import make_setup_link
    from ews.store.people import add_staff, find, grant

    known = find(connection, person.login)
    key = known.staff_key if known else add_staff(connection, login=person.login, name=person.name, at=moment())
    if known is None:
        granted = Grant(person.role, today(), school_id=school_id if person.at_school else None)
        grant(connection, key, granted, by=here.by, why="the demo shows every role")
        here.note("staff add", person.login, person.role)
    if person.login == PROGRAM:
        return None
    here.note("staff link", person.login)
    secret = make_setup_link(connection, key, moment())
    return Invited(person.login, person.role, link_address(os.environ.get("EWS_URL", LOCAL_URL), secret))
