"""Commands about tokens, and about who may see and who saw a student."""

import datetime
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.access import NAMES, AccessPolicy, View
from ews.cli.common import moment, say
from ews.cli.opened import AuditOption, ByOption, HomeOption, StoreOption, office, say_rows, today
from ews.cli.staff import LoginArgument
from ews.errors import InputRefused, NotFound
from ews.home import Home

if TYPE_CHECKING:
    from ews.store.access_report import AccessReport
    from ews.store.audit_log import AuditLog, Logged
    from ews.store.audit_proof import Verdict
    from ews.store.keys import Token

token = typer.Typer(help="Tokens, by which programs ask the service.", no_args_is_help=True)
audit_log = typer.Typer(help="The log of reads: is it whole, and who read whom.", no_args_is_help=True)

ACCESS_POLICY = "access.toml"
ArchivesOption = Annotated[
    Path | None,
    typer.Option("--archives", help="Folder of the log's archives, to be read, too.", exists=True, file_okay=False),
]

_SINCE = re.compile(r"(\d+)([hd])")
_UNITS = {"h": "hours", "d": "days"}

SCOPES_HELP = f"What it may ask, repeated: {', '.join(sorted(View))}, or {NAMES}: with names and ids."


@token.command("make")
def make_token(
    login: LoginArgument,
    home: HomeOption,
    scope: Annotated[list[str], typer.Option("--scope", help=SCOPES_HELP)],
    name: Annotated[str, typer.Option("--name", help="What uses it.")] = "by ews token",
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="How long it lasts.")] = 90,
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
) -> None:
    """Make a token of an account and print it, once. It never reaches further than its owner does."""
    from ews.store import keys, people

    now = moment()
    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        owner = people.member(connection, login)
        if not owner.is_active:
            raise InputRefused(f"The account is closed. Open it first: ews staff activate {owner.login}")
        expires_at = now + datetime.timedelta(days=days)
        key, secret = keys.make_token(
            connection, owner.staff_key, name=name, scopes=scope, at=now, expires_at=expires_at
        )
        here.note("token make", owner.login, f"{key}: {' '.join(sorted(scope))}")
    say(secret)


@token.command("list")
def list_tokens(home: HomeOption, store: StoreOption = "") -> None:
    """List tokens: whose, for what, until when. What opens is not kept."""
    from ews.store.keys import tokens
    from ews.store.opening import open_store

    opened = open_store(store or Home(home).path)
    with opened.reading() as connection:
        found = tokens(connection)
    opened.close()
    say_rows(("key", "of", "used by", "scopes", "until", ""), map(_token_row, found))


@token.command("revoke")
def revoke_tokens(
    home: HomeOption,
    key: Annotated[str, typer.Argument(metavar="KEY", help="As `ews token list` shows it.")] = "",
    of_all: Annotated[bool, typer.Option("--all", help="Every token, after an incident.")] = False,
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
) -> None:
    """Revoke a token, or all of them; the next request with it is refused."""
    from ews.store import keys

    if bool(key) is of_all:
        raise InputRefused("Name one token by its key (ews token list), or say --all.")
    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        here.note("token revoke", "", key or "all")
        wanted = [key] if key else [one.token_key for one in keys.tokens(connection)]
        revoked = sum(keys.revoke_token(connection, one, moment()) for one in wanted)
    if key and not revoked:
        raise NotFound("There is no token in force with this key. See them with: ews token list")
    say(f"Revoked: {revoked}.")


def access_report(
    student_id: Annotated[str, typer.Argument(metavar="STUDENT_ID", help="The district's id.")],
    home: HomeOption,
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
    archives: ArchivesOption = None,
) -> None:
    """Tell who may see a student today and why, and who saw the student: for a parent who asks."""
    from ews.store.access_report import access_report as report_on

    policy = AccessPolicy.read(Home(home).path / ACCESS_POLICY)
    with office(Home(home), store, audit, by, archives) as here:
        with here.store.reading() as connection:
            report = report_on(connection, here.log, student_id, today(), moment(), policy)
        here.note("access report", "", "", report.student_key)
        _say_left_out(here.log, archives)
    _say_report(student_id, report)


@audit_log.command()
def verify(
    home: HomeOption,
    head: Annotated[str, typer.Option("--head", metavar="SEQ:SHA256", help="A head noted earlier.")] = "",
    store: StoreOption = "",
    audit: AuditOption = "",
    archives: ArchivesOption = None,
) -> None:
    """Look whether any entry was changed or taken out; exit code 1 when so. Note the head it prints elsewhere."""
    from ews.store.audit_chain import Head
    from ews.store.audit_log import log_place, open_audit_log

    try:
        kept = Head.parse(head) if head else None
    except ValueError as error:
        raise InputRefused(str(error)) from None
    log = open_audit_log(log_place(Home(home).path, store, audit), archives)
    verdict = log.verify(kept)
    _say_left_out(log, archives)
    log.close()
    _say_verdict(verdict)


@audit_log.command()
def between(
    home: HomeOption,
    out_file: Annotated[Path, typer.Option("--out", help="CSV to write: one row for each student of each read.")],
    since: Annotated[str, typer.Option("--since", help="A time, as 2026-10-05T08:00, or how long ago: 24h, 7d.")],
    until: Annotated[str, typer.Option("--until", help="A time; empty: now.")] = "",
    login: Annotated[str, typer.Option("--login", help="Only reads by this account.")] = "",
    noticed: Annotated[str, typer.Option("--noticed", help="When a leak was noticed; empty: now.")] = "",
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
    archives: ArchivesOption = None,
) -> None:
    """Write who read whom between two times: after an incident, the list of students to notify."""
    from ews.exports import to_csv
    from ews.store.access_report import read_between

    now = moment()
    start, end = _time(since, now), _time(until, now) if until else now
    tell_until = _breach_clock(home, _time(noticed, now) if noticed else now)
    with office(Home(home), store, audit, by, archives) as here:
        with here.store.reading() as connection:
            sheet = read_between(connection, here.log, start, end, made_at=now, login=login.strip().lower())
        here.note("audit-log between", "", f"{start.isoformat()} {end.isoformat()} {login}".strip())
        _say_left_out(here.log, archives)
    out_file.touch(mode=0o600)
    out_file.write_bytes(to_csv(sheet))
    students = {row[-2] for row in sheet.rows} - {""}
    say(f"{out_file}: {len(sheet.rows):,} rows, {len(students):,} students. It holds education records.")
    say(tell_until)


@audit_log.command()
def archive(
    home: HomeOption,
    before: Annotated[
        datetime.datetime, typer.Option("--before", formats=["%Y-%m-%d"], help="Entries of days before this one.")
    ],
    folder: Annotated[Path, typer.Option("--out", help="Folder of the archives; each gets one of its own in it.")],
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
) -> None:
    """Move old entries of the log of reads into files, and out of the database once they were read back from there."""
    policy, now = AccessPolicy.read(Home(home).path / ACCESS_POLICY), moment()
    moved_before = before.astimezone()
    if moved_before > now - datetime.timedelta(days=policy.log_days):
        raise InputRefused(f"Entries stay in the log for {policy.log_days} days: log_days in {ACCESS_POLICY}.")
    with office(Home(home), store, audit, by) as here:
        here.note("audit-log archive", "", f"before {moved_before.date()}")
        entries = here.log.archive(folder, moved_before, by=here.by, at=now)
        parts = len(here.log.archived())
    if not entries:
        say("No entry is that old and still in the log.")
        return
    say(f"{entries:,} entries went into {folder}; the log has {parts} archives. They hold education records.")
    say(f"Keep that folder as long as the records. To prove both: ews audit-log verify --archives {folder}")


@audit_log.command()
def backup(
    home: HomeOption,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file that ends in .db.")],
    store: StoreOption = "",
    audit: AuditOption = "",
) -> None:
    """Copy the log as of one moment, while the service goes on, and prove the copy. On PostgreSQL: pg_dump."""
    from ews.store.audit_copy import copy_log
    from ews.store.audit_log import log_place

    _say_verdict(copy_log(log_place(Home(home).path, store, audit), file))


def _say_left_out(log: "AuditLog", archives: Path | None) -> None:
    """Nobody is to take a part for the whole."""
    known = log.archived()
    if known and archives is None:
        say(f"Entries 1 to {known[-1].seq:,} are archived and were not read. To read them, too: --archives FOLDER\n")


def _breach_clock(home: Path, noticed: datetime.datetime) -> str:
    hours = AccessPolicy.read(Home(home).path / ACCESS_POLICY).breach_hours
    until = (noticed + datetime.timedelta(hours=hours)).astimezone().isoformat(sep=" ", timespec="minutes")
    return f"If this is a leak: whoever has to be told is told by {until} ({hours} hours; breach_hours in access.toml)."


def _time(words: str, now: datetime.datetime) -> datetime.datetime:
    ago = _SINCE.fullmatch(words)
    if ago:
        return now - datetime.timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        return datetime.datetime.fromisoformat(words).astimezone()
    except ValueError:
        raise InputRefused("A time is written 2026-10-05T08:00, or as how long ago: 24h, 7d.") from None


def _say_report(student_id: str, report: "AccessReport") -> None:
    say(f"Student {student_id} (key {report.student_key})\n")
    may = [
        (one.login, one.name, one.role, one.reason, ", ".join(one.views) + ("" if one.shows_names else "; no name"))
        for one in report.may_see
    ]
    say_rows(("who may see now", "name", "as", "because of", "what"), may)
    say("\nA purpose, where it is the reason, has to be stated and is logged.\n")
    say_rows(("when", "who saw or asked", "as", "what", "result", "because of", "purpose"), map(_seen, report.saw))
    say(f"{len(report.saw)} entries in the log.")


def _seen(logged: "Logged") -> tuple[str, ...]:
    entry = logged.entry
    when = entry.at.astimezone().isoformat(sep=" ", timespec="minutes")
    why = entry.purpose or (f"{entry.fields} to {entry.party}: {entry.legal_basis}" if entry.party else "")
    return when, entry.login, entry.role, entry.view, entry.result, entry.reason, why


def _say_verdict(verdict: "Verdict") -> None:
    if verdict.problem:
        say(f"The log was tampered with: {verdict.problem}.")
        say("Keep a copy of it as it is, and treat this as an incident (SECURITY.md).")
        raise typer.Exit(1)
    say(f"{verdict.head.seq:,} entries, each as it was written.")
    say("Note this head where nobody who can change the log can change it; --head proves the log against it later:")
    say(f"  {verdict.head}")


def _token_row(one: "Token") -> tuple[str, ...]:
    state = "revoked" if one.revoked_at else "expired" if one.expires_at <= moment() else "in force"
    until = one.expires_at.astimezone().date().isoformat()
    return one.token_key, one.login, one.name, " ".join(one.scopes), until, state
