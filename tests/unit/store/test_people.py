"""Accounts, grants and caseloads: what is given, what is taken away, and when it counts (A06, SEC-10, SEC-11)."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from ews.access import Grant, Role, View, can_view_student
from ews.errors import InputRefused, NotFound
from ews.store import keys, links, people
from ews.store.caseloads import Changed, replace_caseloads
from ews.store.opening import Store
from ews.store.reading import place_of
from ews.store.schema import CASELOADS
from tests.cast import (
    ANA,
    BEA,
    FIRST_DAY,
    HARBOR,
    JUN,
    KAI,
    LOU,
    MO,
    NOON,
    OMAR,
    ROSA,
    STAFF,
    STUDENTS,
    TEO,
    TODAY,
    TOMAS,
    ZOE,
    place,
)

DAY = timedelta(days=1)


def on_caseload(store: Store, staff_key: str, on: date) -> set[str]:
    with store.reading() as connection:
        rows = connection.execute(select(CASELOADS).where(CASELOADS.c.staff_key == staff_key)).all()
    return {row.student_key for row in rows if row.starts_on <= on and (row.ends_on is None or row.ends_on >= on)}


def test_the_store_gives_back_the_cast_as_it_was_put_in(store):
    with store.reading() as connection:
        found = {member.login: member for member in people.members(connection)}
        everybody = [one.key for one in STAFF]
        places = {student.key: place_of(connection, student.key, *everybody) for student in STUDENTS}
    assert {login: member.viewer() for login, member in found.items()} == {
        staff.login: staff.viewer(second_factor=False) for staff in STAFF
    }
    assert not found[LOU.login].is_active
    for student in STUDENTS:
        assert set(places[student.key].stays) == set(student.stays)
        assert set(places[student.key].caseloads) == set(place(student).caseloads)


def test_logins_are_one_to_a_person_and_lower_case(store):
    with store.writing() as connection:
        key = people.add_staff(connection, login=" New.Person@Example.org ", name="New  Person", at=NOON)
        assert people.member(connection, "NEW.person@example.org").staff_key == key
        assert people.member(connection, "new.person@example.org").name == "New Person"
        with pytest.raises(InputRefused, match="already"):
            people.add_staff(connection, login="ROSA.imani", name="Another", at=NOON)


@pytest.mark.parametrize("login", ["", " ", "two words", "tab\tbed", "null\x00", "x" * 129])
def test_a_login_that_could_be_mistaken_is_refused(store, login: str):
    with store.writing() as connection, pytest.raises(InputRefused, match="login"):
        people.add_staff(connection, login=login, name="Somebody", at=NOON)


def test_a_new_account_was_granted_nothing_and_opens_nothing_A09(store):
    with store.writing() as connection:
        people.add_staff(connection, login="fresh", name="Fresh", at=NOON)
        fresh = people.member(connection, "fresh")
    assert (fresh.grants, fresh.signs_in_by, fresh.has_second_factor) == ((), "nothing yet", False)


def test_an_account_that_is_not_there_is_said_so(store):
    with store.reading() as connection, pytest.raises(NotFound, match="ews staff list"):
        people.member(connection, "nobody")


def test_a_grant_says_who_gave_it_and_why_and_is_at_a_school_that_is_known(store):
    with store.writing() as connection:
        for by, why in (("", "because"), ("Dana", " ")):
            with pytest.raises(InputRefused, match="--by"):
                people.grant(connection, TEO.key, Grant(Role.AUDITOR, TODAY), by=by, why=why)
        for granted, sentence in (
            (Grant(Role.COUNSELOR, TODAY), "--school"),
            (Grant(Role.SCHOOL_LEAD, TODAY, district_id="01"), "--school"),
            (Grant(Role.COUNSELOR, TODAY, school_id="999"), "no such school"),
            (Grant(Role.AUDITOR, TODAY, district_id="77"), "no such district"),
            (Grant(Role.AUDITOR, TODAY, TODAY - DAY), "before it starts"),
        ):
            with pytest.raises(InputRefused, match=sentence):
                people.grant(connection, ROSA.key, granted, by="Dana", why="a test")


def test_a_revoked_role_counts_no_more_on_the_same_day_A06(store):
    with store.writing() as connection:
        assert people.revoke(connection, ROSA.key, Role.SCHOOL_LEAD, TODAY, HARBOR.school_id) == 1
        assert people.revoke(connection, ROSA.key, Role.SCHOOL_LEAD, TODAY) == 0
        viewer = people.member(connection, ROSA.login).viewer()
    assert not can_view_student(viewer, place(ANA), View.ATTENDANCE, TODAY).allowed
    assert can_view_student(viewer, place(ANA), View.ATTENDANCE, TODAY - DAY).allowed


def test_revoking_at_one_school_leaves_the_others(store):
    with store.writing() as connection:
        people.grant(connection, ROSA.key, Grant(Role.SCHOOL_LEAD, TODAY, school_id="022"), by="Dana", why="both")
        assert people.revoke(connection, ROSA.key, Role.SCHOOL_LEAD, TODAY, "022") == 1
        viewer = people.member(connection, ROSA.login).viewer()
    assert can_view_student(viewer, place(ANA), View.ATTENDANCE, TODAY).allowed


def test_a_closed_account_loses_sessions_links_and_tokens_at_once_A05_A06(store):
    with store.writing() as connection:
        session = keys.start_session(connection, ROSA.key, NOON, second_factor=False)
        link = links.make_setup_link(connection, ROSA.key, NOON)
        _, token = keys.make_token(
            connection, ROSA.key, name="t", scopes={View.RISK_LIST}, at=NOON, expires_at=NOON + DAY
        )
        people.deactivate(connection, ROSA.key, NOON)
        assert keys.viewer_of_session(connection, session.secret, NOON) is None
        assert keys.viewer_of_token(connection, token, NOON) is None
        assert links.staff_of_link(connection, link, NOON) is None
        people.activate(connection, ROSA.key)
        assert keys.viewer_of_session(connection, session.secret, NOON) is None
        assert keys.viewer_of_token(connection, token, NOON) is None


def test_a_file_of_caseloads_makes_them_what_it_says_and_can_be_taken_twice(store):
    rows = [(TOMAS.login, ANA.student_id), (TOMAS.login, TEO.student_id), (TOMAS.login, TEO.student_id)]
    with store.writing() as connection:
        assert replace_caseloads(connection, Role.COUNSELOR, rows, TODAY) == Changed(begun=1, ended=3, kept=1)
        assert replace_caseloads(connection, Role.COUNSELOR, rows, TODAY) == Changed(begun=0, ended=0, kept=2)
    assert on_caseload(store, TOMAS.key, TODAY) == {ANA.key, TEO.key}
    assert on_caseload(store, TOMAS.key, TODAY - DAY) == {ANA.key, ZOE.key, KAI.key, OMAR.key}
    assert len(on_caseload(store, BEA.key, TODAY)) == 3
    assert on_caseload(store, MO.key, TODAY) == {ANA.key, JUN.key}


def test_a_caseload_taken_back_on_its_first_day_never_was_and_can_be_given_again(store):
    mine = [(TOMAS.login, ANA.student_id)]
    with_teo = [*mine, (TOMAS.login, TEO.student_id)]
    with store.writing() as connection:
        for rows in (with_teo, mine, with_teo):
            replace_caseloads(connection, Role.COUNSELOR, rows, TODAY)
    assert on_caseload(store, TOMAS.key, TODAY) == {ANA.key, TEO.key}
    assert TEO.key not in on_caseload(store, TOMAS.key, TODAY - DAY)


def test_a_whole_file_ends_the_caseloads_of_whom_it_does_not_name(store):
    with store.writing() as connection:
        replace_caseloads(connection, Role.COUNSELOR, [(TOMAS.login, ANA.student_id)], TODAY, of_all=True)
    assert on_caseload(store, BEA.key, TODAY) == set()
    assert on_caseload(store, MO.key, TODAY) == {ANA.key, JUN.key}


@pytest.mark.parametrize(
    ("row", "what"),
    [(("nobody", "007"), "login"), (("tomas.nunez", "7"), "student"), (("lou.ferrante", "007"), "login")],
)
def test_a_line_that_names_nobody_known_refuses_the_file_and_repeats_no_value(store, row, what):
    before = on_caseload(store, TOMAS.key, TODAY)
    with pytest.raises(InputRefused, match=f"Line 3 .*{what}") as refused, store.writing() as connection:
        replace_caseloads(connection, Role.COUNSELOR, [(TOMAS.login, TEO.student_id), row], TODAY)
    assert row[0] not in str(refused.value)
    assert on_caseload(store, TOMAS.key, TODAY) == before


def test_only_counselors_and_mentors_have_caseloads(store):
    with store.writing() as connection, pytest.raises(InputRefused, match="counselor or a mentor"):
        replace_caseloads(connection, Role.SCHOOL_LEAD, [], FIRST_DAY)
