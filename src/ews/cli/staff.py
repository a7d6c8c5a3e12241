"""Commands about people: accounts, roles, caseloads. Every one of them leaves an entry in the log of reads."""

import csv
import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.access import Grant, Role
from ews.cli.common import moment, say
from ews.cli.opened import AuditOption, ByOption, HomeOption, Office, StoreOption, office, say_rows, today
from ews.errors import InputRefused
from ews.home import Home

if TYPE_CHECKING:
    from ews.store.people import Member

app = typer.Typer(help="Accounts of people and programs, their roles and caseloads.", no_args_is_help=True)

LoginArgument = Annotated[str, typer.Argument(metavar="LOGIN", help="An e-mail address or a short name.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason; it is kept.")]
RoleOption = Annotated[Role, typer.Option("--role")]
SchoolOption = Annotated[str, typer.Option("--school", metavar="SCHOOL_ID", help="Empty: every school there.")]
UrlOption = Annotated[str, typer.Option("--url", envvar="EWS_URL", help="Where people reach the service.")]

LOCAL_URL = "http://127.0.0.1:8000"
CASELOAD_COLUMNS = ("login", "student_id")


@app.command()
def add(
    login: LoginArgument,
    name: Annotated[str, typer.Option("--name", help="Of the person, or of the program.")],
    home: HomeOption,
    url: UrlOption = LOCAL_URL,
    is_program: Annotated[bool, typer.Option("--program", help="A program: no link; it comes with a token.")] = False,
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
) -> None:
    """Open an account, and print the one-time link by which its owner sets a password. It was granted nothing yet."""
    from ews.store.links import make_setup_link
    from ews.store.people import add_staff, as_login

    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        key = add_staff(connection, login=login, name=name, at=moment())
        here.note("staff add", as_login(login))
        secret = "" if is_program else make_setup_link(connection, key, moment())
    say(f"{as_login(login)} has an account. Next: ews staff grant {as_login(login)} --role ROLE --why REASON")
    if secret:
        _say_link(url, secret)


@app.command()
def link(
    login: LoginArgument,
    home: HomeOption,
    url: UrlOption = LOCAL_URL,
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
) -> None:
    """Print a new one-time link to set password and second factor anew; earlier links no longer open."""
    from ews.store.links import make_setup_link
    from ews.store.people import member

    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        found = member(connection, login)
        if not found.is_active:
            raise InputRefused(f"The account is closed. Open it first: ews staff activate {found.login}")
        here.note("staff link", found.login)
        secret = make_setup_link(connection, found.staff_key, moment())
    _say_link(url, secret)


@app.command()
def grant(
    login: LoginArgument,
    role: RoleOption,
    home: HomeOption,
    why: WhyOption = "",
    school: SchoolOption = "",
    district: Annotated[str, typer.Option("--district", metavar="ID", help="Empty: the store's only one.")] = "",
    until: Annotated[str, typer.Option("--until", metavar="YYYY-MM-DD", help="Last day; empty: until revoked.")] = "",
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
) -> None:
    """Give a role: at a school, or everywhere in the district."""
    from ews.store import people

    granted = Grant(role, today(), _day(until), school or None, district or None)
    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        found = people.member(connection, login)
        people.grant(connection, found.staff_key, granted, by=here.by, why=why)
        here.note("staff grant", found.login, f"{role} {_place(granted)}: {why}")
    say(f"{found.login} is {role} {_place(granted)} from today.")


@app.command()
def revoke(
    login: LoginArgument,
    role: RoleOption,
    home: HomeOption,
    school: SchoolOption = "",
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
) -> None:
    """Take a role away; the next request is refused."""
    from ews.store import people

    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        found = people.member(connection, login)
        ended = people.revoke(connection, found.staff_key, role, today(), school or None)
        here.note("staff revoke", found.login, f"{role} {school}".strip())
    say(f"{found.login} held this role {ended} times; it is ended." if ended else "There was no such role to take.")


@app.command()
def deactivate(
    login: LoginArgument, home: HomeOption, store: StoreOption = "", audit: AuditOption = "", by: ByOption = ""
) -> None:
    """Close an account: signed out everywhere, its tokens revoked. Its entries in the log stay."""
    from ews.store import people

    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        found = people.member(connection, login)
        here.note("staff deactivate", found.login)
        people.deactivate(connection, found.staff_key, moment())
    say(f"{found.login} is closed.")


@app.command()
def activate(
    login: LoginArgument, home: HomeOption, store: StoreOption = "", audit: AuditOption = "", by: ByOption = ""
) -> None:
    """Open a closed account again, with the roles it has; password and second factor are set anew by a link."""
    from ews.store import people

    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        found = people.member(connection, login)
        here.note("staff activate", found.login)
        people.activate(connection, found.staff_key)
    say(f"{found.login} is open. Next: ews staff link {found.login}")


@app.command("list")
def list_all(home: HomeOption, store: StoreOption = "") -> None:
    """List accounts with their roles today."""
    from ews.store.opening import open_store
    from ews.store.people import members

    opened = open_store(store or Home(home).path)
    with opened.reading() as connection:
        found = members(connection)
    opened.close()
    say_rows(("login", "name", "signs in by", "second factor", "roles today"), map(_row, found))


@app.command()
def caseload(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with the columns login and student_id.")],
    role: RoleOption,
    home: HomeOption,
    of_all: Annotated[bool, typer.Option("--of-all", help="End caseloads of people the file does not name.")] = False,
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
) -> None:
    """Make the caseloads of everyone in the file what the file says; who is on one now and not in it leaves it."""
    from ews.store.caseloads import replace_caseloads

    rows = _caseload_rows(file)
    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        changed = replace_caseloads(connection, role, rows, today(), of_all=of_all)
        here.note("staff caseload", "", f"{role}: {changed.begun} begun, {changed.ended} ended")
    say(f"{changed.begun:,} students joined a caseload, {changed.ended:,} left one, {changed.kept:,} stayed.")


def new_link(here: Office, login: str) -> str:
    """The secret of a new link for an account; for commands that make several."""
    from ews.store.links import make_setup_link
    from ews.store.people import member

    with here.store.writing() as connection:
        return make_setup_link(connection, member(connection, login).staff_key, moment())


def link_address(url: str, secret: str) -> str:
    """Where a one-time link leads."""
    return f"{url.rstrip('/')}/set-up?link={secret}"


def _say_link(url: str, secret: str) -> None:
    say("Hand this to that person and to nobody else. It opens once, within three days:")
    say(f"  {link_address(url, secret)}")


def _day(words: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(words) if words else None
    except ValueError:
        raise InputRefused("A day is written YYYY-MM-DD, as --until 2027-06-30.") from None


def _place(granted: Grant) -> str:
    if granted.school_id is not None:
        return f"at school {granted.school_id}"
    return f"in district {granted.district_id}" if granted.district_id is not None else "everywhere"


def _caseload_rows(file: Path) -> list[tuple[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            missing = set(CASELOAD_COLUMNS) - set(reader.fieldnames or ())
            if missing:
                raise InputRefused(f"{file.name} has no column {' or '.join(sorted(missing))} in its first line.")
            return [(row["login"] or "", row["student_id"] or "") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise InputRefused(f"{file.name} cannot be read as CSV in UTF-8.") from None


def _row(one: "Member") -> tuple[str, ...]:
    held = [f"{grant.role} {_place(grant)}" for grant in one.grants if grant.holds(today())]
    opens = one.signs_in_by if one.is_active else "closed"
    return one.login, one.name, opens, "yes" if one.has_second_factor else "no", ", ".join(held) or "none"
