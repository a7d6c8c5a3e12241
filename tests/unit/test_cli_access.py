"""Commands about people, tokens and the log of reads, each of which leaves an entry in it (A02, A09, PRV-4, PRV-9)."""

import csv
import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from ews.access import Role, View, can_view_student
from ews.cli import demo_staff
from ews.cli.common import moment
from ews.store import keys, links, people
from ews.store.audit_chain import Entry
from ews.store.audit_log import open_audit_log
from ews.store.opening import open_store
from ews.store.schema import CASELOADS, GRANTS
from ews.store.schema import STAFF as STAFF_TABLE
from tests.cast import ANA, JUN, MO, ROSA, STAFF, TEO, TODAY, TOMAS, place
from tests.stores import store_with_cast
from tests.unit.test_cli import run

DANA = ("--by", "Dana Okafor")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    store_with_cast("sqlite", tmp_path).close()
    return tmp_path


@pytest.fixture
def ews(home: Path, capsys: pytest.CaptureFixture[str]):
    return lambda *words: run(capsys, *words, "--home", home)


def acts(home: Path) -> list[tuple[str, str, str]]:
    """What the log holds: who, which act, on what."""
    log = open_audit_log(home)
    now = moment()
    found = [(one.entry.login, one.entry.view, one.entry.fields) for one in log.between(now - timedelta(1), now)]
    log.close()
    return found


def test_an_account_is_opened_with_a_one_time_link_and_no_password_A09(ews, home):
    code, out, _ = ews("staff", "add", "New.Person@example.org", "--name", "New Person", *DANA)
    assert code == 0
    (address,) = [line.strip() for line in out.splitlines() if "/set-up?link=" in line]
    with open_store(home).reading() as connection:
        made = people.member(connection, "new.person@example.org")
        assert links.staff_of_link(connection, address.partition("=")[2], moment()) == made.staff_key
    assert (made.grants, made.signs_in_by) == ((), "nothing yet")
    assert acts(home) == [("Dana Okafor", "staff add", "new.person@example.org")]


def test_a_program_gets_no_link(ews):
    assert "/set-up" not in ews("staff", "add", "nightly", "--name", "Nightly", "--program", *DANA)[1]


def test_a_role_is_granted_with_a_reason_and_taken_away(ews, home):
    grant = ("staff", "grant", "val.nobody", "--role", "counselor", "--school", "014", *DANA)
    assert ews(*grant)[0] == 10
    assert ews(*grant, "--why", "joined the team", "--until", "soon")[0] == 10
    assert ews(*grant, "--why", "joined the team", "--until", "2099-06-30")[0] == 0
    assert "counselor at school 014" in ews("staff", "list")[1]
    assert ews("staff", "revoke", "val.nobody", "--role", "counselor", *DANA)[0] == 0
    assert (
        "counselor at school 014"
        not in [line for line in ews("staff", "list")[1].splitlines() if "val.nobody" in line][0]
    )
    assert acts(home) == [
        ("Dana Okafor", "staff grant", "val.nobody counselor at school 014: joined the team"),
        ("Dana Okafor", "staff revoke", "val.nobody counselor"),
    ]


def test_a_closed_account_gets_no_link_and_no_token_until_it_is_opened_again(ews):
    assert ews("staff", "deactivate", "rosa.imani")[0] == 0
    assert ews("staff", "link", "rosa.imani")[0] == 10
    assert ews("token", "make", "rosa.imani", "--scope", "runs")[0] == 10
    assert ews("staff", "activate", "rosa.imani")[0] == 0
    assert "/set-up?link=" in ews("staff", "link", "rosa.imani")[1]


def test_a_caseload_is_taken_from_a_file(ews, home, tmp_path):
    file = tmp_path / "caseload.csv"
    file.write_text("\ufeffstudent_id,login,note\n007,mo.haddad,x\n1011,mo.haddad,x\n", encoding="utf-8")
    code, out, _ = ews("staff", "caseload", file, "--role", "mentor", *DANA)
    assert (code, out) == (0, "1 students joined a caseload, 1 left one, 1 stayed.\n")
    assert acts(home) == [("Dana Okafor", "staff caseload", "mentor: 1 begun, 1 ended")]
    report = ews("access-report", TEO.student_id)[1]
    assert "mo.haddad" in report
    assert "mo.haddad" not in ews("access-report", JUN.student_id)[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [("login\nmo.haddad\n", "no column student_id"), ("login,student_id\nmo.haddad,nope\n", "Line 2"), (None, "CSV")],
)
def test_a_file_of_caseloads_that_cannot_be_taken_changes_nothing(ews, home, tmp_path, text, said):
    file = tmp_path / "caseload.csv"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    code, _, err = ews("staff", "caseload", file, "--role", "mentor")
    assert (code, said in err) == (10, True)
    assert acts(home) == []
    assert "mo.haddad" in ews("access-report", JUN.student_id)[1]


def test_a_token_is_printed_once_alone_and_never_reaches_further_than_its_owner_A02_A07(ews, home):
    code, out, _ = ews("token", "make", "mo.haddad", "--scope", "attendance", "--scope", "risk_list", *DANA)
    secret = out.strip()
    assert (code, secret.startswith("ews_"), " " in secret) == (0, True, False)
    with open_store(home).reading() as connection:
        viewer = keys.viewer_of_token(connection, secret, moment()).viewer
    assert can_view_student(viewer, place(ANA), View.ATTENDANCE, TODAY).allowed
    assert not can_view_student(viewer, place(ANA), View.RISK_LIST, TODAY).allowed
    listed = ews("token", "list")[1]
    assert "mo.haddad" in listed
    assert secret not in listed
    assert secret not in str(acts(home))


def test_a_token_is_revoked_by_its_key_or_all_at_once_PRV_9(ews, home):
    secrets = [ews("token", "make", "rosa.imani", "--scope", "runs")[1].strip() for _ in range(3)]
    key = ews("token", "list")[1].splitlines()[-1].split()[0]
    assert ews("token", "revoke", key)[0] == 0
    assert ews("token", "revoke", key)[0] == 14
    assert ews("token", "revoke")[0] == ews("token", "revoke", key, "--all")[0] == 10
    assert "Revoked: 2." in ews("token", "revoke", "--all")[1]
    with open_store(home).reading() as connection:
        assert not any(keys.viewer_of_token(connection, secret, moment()) for secret in secrets)


def test_a_token_for_everything_or_for_ever_does_not_exist(ews):
    assert ews("token", "make", "rosa.imani")[0] == 2
    assert ews("token", "make", "rosa.imani", "--scope", "everything")[0] == 10
    assert ews("token", "make", "rosa.imani", "--scope", "runs", "--days", "400")[0] == 2


def test_an_access_report_tells_who_may_and_why_and_who_did_PRV_4(ews, home):
    ews("token", "make", "dashboard", "--scope", "risk_list", "--name", "lobby [bold]screen")
    log = open_audit_log(home)
    log.append([Entry(moment(), MO.key, MO.login, "mentor", "attendance", "shown", "caseload", (ANA.key,))])
    log.append([Entry(moment(), ROSA.key, ROSA.login, "school_lead", "risk_list", "shown", "school", (JUN.key,))])
    log.close()
    code, out, _ = ews("access-report", "007", *DANA)
    may, saw = out.split("A purpose, where it is the reason")
    assert code == 0
    assert [line.split()[0] for line in may.splitlines()[3:] if line.strip()] == [
        "bea.kowalski", "dana.okafor", "dashboard", "mo.haddad", "rosa.imani", "tomas.nunez",
        "wei.lindqvist",
    ]  # fmt: skip
    assert [line.split()[0] for line in may.splitlines() if line.endswith("no name")] == ["dashboard", "wei.lindqvist"]
    assert "token: lobby [bold]screen" in may
    assert "mo.haddad" in saw
    assert "rosa.imani" not in saw
    assert "1 entries in the log." in saw
    assert "Dana Okafor" in ews("access-report", "007")[1].split("who saw")[1]


def test_a_student_who_is_not_known_is_said_so(ews):
    assert ews("access-report", "7")[0] == 14


def test_a_district_of_another_grace_is_told_so(ews, home):
    (home / "access.toml").write_text("grace_days = 99\n", encoding="utf-8")
    assert ews("access-report", "007")[0] == 15


def test_a_log_that_was_changed_is_found_by_a_command_O18(ews, home):
    ews("staff", "link", "rosa.imani")
    ews("staff", "link", "mo.haddad")
    code, out, _ = ews("audit-log", "verify")
    assert (code, "2 entries" in out) == (0, True)
    head = out.split()[-1]
    ews("staff", "link", "rosa.imani")
    assert ews("audit-log", "verify", "--head", head)[0] == 0
    assert ews("audit-log", "verify", "--head", "nonsense")[0] == 10
    with sqlite3.connect(home / "audit.db") as connection:
        connection.execute("drop trigger audit_entries_no_update")
        connection.execute("update audit_entries set login = 'nobody' where seq = 2")
    code, out, _ = ews("audit-log", "verify")
    assert (code, "entry 2" in out) == (1, True)


def test_after_an_incident_the_students_to_notify_are_in_one_file_PRV_9(ews, home, tmp_path):
    log = open_audit_log(home)
    seen = Entry(moment(), TOMAS.key, TOMAS.login, "counselor", "risk_list", "shown", "caseload", (ANA.key, TEO.key))
    log.append([seen, Entry(moment(), MO.key, MO.login, "mentor", "attendance", "shown", "caseload", (JUN.key,))])
    log.close()
    file = tmp_path / "notify.csv"
    asked = ("audit-log", "between", "--since", "24h", "--out", file)
    code, out, _ = ews(*asked, "--login", "tomas.nunez")
    assert (code, "2 students" in out) == (0, True)
    rows = list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))
    table = [dict(zip(rows[5], row, strict=True)) for row in rows[6:]]
    assert {(row["login"], row["student_id"]) for row in table} == {("tomas.nunez", "007"), ("tomas.nunez", "1011")}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "3 students" in ews(*asked)[1]
    assert " 0 students" in ews(*asked, "--until", "2020-01-01T00:00")[1]
    assert ews("audit-log", "between", "--since", "yesterday", "--out", file)[0] == 10


def test_after_an_incident_the_hour_is_told_by_which_others_must_be_told_PRV_16(ews, home, tmp_path):
    asked = ("audit-log", "between", "--since", "24h", "--out", tmp_path / "notify.csv")
    noticed = ("--noticed", "2026-10-05T08:00")
    assert "is told by 2026-10-08 08:00" in ews(*asked, *noticed)[1]
    (home / "access.toml").write_text("breach_hours = 24\n", encoding="utf-8")
    assert "is told by 2026-10-06 08:00" in ews(*asked, *noticed)[1]
    assert "24 hours; breach_hours in access.toml" in ews(*asked)[1]


def test_the_log_is_copied_to_a_new_file_and_the_copy_s_head_is_told_REL_8(ews, home, tmp_path):
    with closing(open_audit_log(home)) as log:
        log.append([Entry(moment(), "", "mo.haddad", "mentor", "attendance", "shown", "caseload", (TEO.key,))])
        head = str(log.head())
    copy = ("audit-log", "backup", tmp_path / "log.db")
    assert head in ews(*copy)[1]
    assert ews(*copy)[0] == 10, "there is one already"


def test_old_entries_are_archived_once_the_policy_allows_and_both_places_are_read_PRV_4_PRV_14(ews, home, tmp_path):
    read = Entry(
        moment() - timedelta(days=800), "", "mo.haddad", "mentor", "attendance", "shown", "caseload", (TEO.key,)
    )
    with closing(open_audit_log(home)) as log:
        log.append([read])
        noted = log.head()
    folder = tmp_path / "archives"
    archive = ("audit-log", "archive", "--out", folder, *DANA, "--before")
    young = (moment() - timedelta(days=400)).date().isoformat()
    code, _, err = ews(*archive, young)
    assert (code, folder.exists()) == (10, False)
    assert "730 days" in err
    (home / "access.toml").write_text("log_days = 365\n", encoding="utf-8")
    assert "1 entries went into" in ews(*archive, young)[1]
    assert [act[1] for act in acts(home)] == ["audit-log archive"] * 2, "that it began, and what it wrote"
    assert "No entry is that old" in ews(*archive, young)[1]
    part = ews("access-report", TEO.student_id)[1]
    whole = ews("access-report", TEO.student_id, "--archives", folder)[1]
    assert "Entries 1 to 1 are archived" in part
    assert "Entries 1 to 1 are archived" not in whole
    assert "mo.haddad" not in part.split("who saw")[1]
    assert "mo.haddad" in whole.split("who saw")[1]
    out = tmp_path / "reads.csv"
    ews("audit-log", "between", "--since", "900d", "--login", "mo.haddad", "--out", out, "--archives", folder)
    assert TEO.student_id in out.read_text(encoding="utf-8-sig")
    assert ews("audit-log", "verify", "--head", noted, "--archives", folder)[0] == 0
    (next(folder.iterdir()) / "manifest.json").write_text("{}", encoding="utf-8")
    assert ews("audit-log", "verify")[0] == 0
    assert ews("audit-log", "verify", "--archives", folder)[0] == 1


def test_what_leaves_the_district_is_noted_with_party_and_ground_PRV_4(ews, home, tmp_path):
    asked = ("audit-log", "disclose", "007", "--party", "Receiving district", "--what", "attendance 2025-26")
    assert ews(*asked, "--legal-basis", " ")[0] == 10
    assert ews("audit-log", "disclose", "7", *asked[3:], "--legal-basis", "34 CFR 99.34")[0] == 14
    assert ews(*asked, "--legal-basis", "34 CFR 99.34", *DANA)[0] == 0
    report = ews("access-report", "007")[1]
    assert "attendance 2025-26 to Receiving district: 34 CFR 99.34" in report
    assert "Receiving district" not in ews("access-report", "1002")[1]
    ews("audit-log", "between", "--since", "24h", "--out", tmp_path / "reads.csv")
    assert "Receiving district,34 CFR 99.34" in (tmp_path / "reads.csv").read_text(encoding="utf-8-sig")


def test_nothing_is_changed_when_the_log_cannot_be_written_O18(ews, home):
    (home / "audit.db").mkdir()
    assert ews("staff", "deactivate", "rosa.imani")[0] == 23
    (home / "audit.db").rmdir()
    assert "closed" not in [line for line in ews("staff", "list")[1].splitlines() if "rosa.imani" in line][0]


def test_who_acts_is_the_user_of_the_machine_where_nobody_is_named(ews, home, monkeypatch):
    monkeypatch.setenv("LOGNAME", "operator-7")
    ews("staff", "link", "rosa.imani")
    assert ews("staff", "link", "rosa.imani", "--by", "two\nlines")[0] == 10
    assert acts(home) == [("operator-7", "staff link", "rosa.imani")]


def test_the_demos_people_are_of_the_cast_and_get_links_and_no_password_A09(home, monkeypatch):
    monkeypatch.delenv("EWS_STORE", raising=False)
    known = {one.login: (one.name, one.role) for one in STAFF if one.grants}
    assert all(known[person.login] == (person.name, person.role) for person in demo_staff.STAFF)
    assert {person.role for person in demo_staff.STAFF} == set(Role)
    new = store_without_staff(home)
    invited = demo_staff.move_in(new, "014", [ANA.student_id, JUN.student_id, TEO.student_id])
    again = demo_staff.move_in(new, "014", [ANA.student_id])
    assert [one.login for one in invited] == [one.login for one in again]
    assert demo_staff.PROGRAM not in {one.login for one in invited}
    assert not {one.link for one in invited} & {one.link for one in again}
    with open_store(new).reading() as connection:
        made = {one.login: one for one in people.members(connection)}
        opened = [links.staff_of_link(connection, one.link.partition("=")[2], moment()) for one in again]
    assert {one.signs_in_by for one in made.values()} == {"nothing yet"}
    assert opened == [made[one.login].staff_key for one in again]
    assert [grant.school_id for grant in made["tomas.nunez"].grants] == ["014"]


def store_without_staff(home: Path) -> Path:
    """A home with the schools and students of the cast alone."""
    with open_store(home).writing() as connection:
        for table in (CASELOADS, GRANTS, STAFF_TABLE):
            connection.execute(table.delete())
    return home
