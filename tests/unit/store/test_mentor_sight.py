"""What a mentor sees follows assignments, on both databases: neither a file of caseloads nor time leaves a hole."""

import datetime as dt
import uuid
from dataclasses import replace

import pytest

from ews.access import Role, View, can_view_student
from ews.errors import InputRefused
from ews.store import reading
from ews.store.assigned import Step, open_assignment
from ews.store.assignments import end_assignment, give, take_step
from ews.store.caseloads import Changed, replace_caseloads
from ews.store.mentors import import_mentors, mentors_in
from ews.store.opening import Store
from tests.cast import ANA, JUN, MO, ROSA, SOL, TEO, TODAY
from tests.services import RUN_ID, add_run
from tests.unit.store.test_rounds import EDGE, KIM

FILE = [(MO.login, ANA.student_id), (MO.login, JUN.student_id)]
"""Mo's mentees by a file, as the cast has them; Teo is one by an assignment."""


@pytest.fixture
def mentored(store: Store) -> Store:
    """Teo meets Kim, who is Mo, since today."""
    with store.writing() as connection:
        add_run(connection, RUN_ID, "0" * 64)
        import_mentors(connection, [KIM], TODAY)
        (kim,) = mentors_in(connection)
        give(connection, TEO.key, kim.mentor_key, "asked", ROSA.login, TODAY, str(uuid.uuid4()))
        for step in Step:
            take_step(connection, TEO.key, step, TODAY, TODAY)
    return store


def sees(store: Store, on: dt.date) -> bool:
    with store.reading() as connection:
        place = reading.place_of(connection, TEO.key, MO.key)
    return can_view_student(MO.viewer(), place, View.ATTENDANCE, on).allowed


def take(store: Store, rows: list[tuple[str, str]], on: dt.date, *, of_all: bool = False) -> Changed:
    with store.writing() as connection:
        return replace_caseloads(connection, Role.MENTOR, rows, on, of_all=of_all)


@pytest.mark.parametrize(("rows", "of_all"), [(FILE, False), ([(SOL.login, ANA.student_id)], True)])
@pytest.mark.parametrize("later", [0, 1])
def test_a_file_of_caseloads_cannot_end_what_an_assignment_opened_and_says_what_to_do(mentored, rows, of_all, later):
    with pytest.raises(InputRefused, match="1 students whom the file does not name.*hand over.*Nothing was changed"):
        take(mentored, rows, TODAY + later * EDGE, of_all=of_all)
    assert sees(mentored, TODAY + EDGE)


def test_a_file_that_names_the_student_too_or_is_of_others_changes_nothing_of_the_assignment(mentored):
    assert take(mentored, [*FILE, (MO.login, TEO.student_id)], TODAY + EDGE) == Changed(0, 0, 3)
    assert take(mentored, [(SOL.login, ANA.student_id)], TODAY + EDGE).ended == 1
    assert sees(mentored, TODAY + EDGE)


def test_once_the_assignment_has_ended_a_file_may_take_and_give_as_before_M05(mentored):
    with mentored.writing() as connection:
        end_assignment(connection, TEO.key, "goal_reached", ROSA.login, TODAY + EDGE)
    assert not sees(mentored, TODAY + EDGE)
    assert take(mentored, FILE, TODAY + EDGE) == Changed(0, 0, 2)
    assert take(mentored, [*FILE, (MO.login, TEO.student_id)], TODAY + EDGE).begun == 1
    assert sees(mentored, TODAY + EDGE)
    assert take(mentored, FILE, TODAY + 2 * EDGE).ended == 1


def test_who_is_no_mentor_any_more_sees_no_mentee_and_who_is_back_does_again_M08(mentored):
    with mentored.writing() as connection:
        import_mentors(connection, [replace(KIM, mentor_id="M9", login="")], TODAY + EDGE)
    assert sees(mentored, TODAY)
    assert not sees(mentored, TODAY + EDGE)
    with mentored.writing() as connection:
        import_mentors(connection, [KIM], TODAY + 2 * EDGE)
        assert open_assignment(connection, TEO.key).starts_on == TODAY
    assert not sees(mentored, TODAY + EDGE)
    assert sees(mentored, TODAY + 2 * EDGE)


def test_a_last_day_of_a_mentor_ends_what_is_seen_on_that_day_M08(mentored):
    with mentored.writing() as connection:
        import_mentors(connection, [replace(KIM, ends_on=TODAY + 3 * EDGE)], TODAY)
    assert sees(mentored, TODAY + 3 * EDGE)
    assert not sees(mentored, TODAY + 4 * EDGE)


def test_a_mentor_with_another_account_sees_by_that_one_only(mentored):
    with mentored.writing() as connection:
        import_mentors(connection, [replace(KIM, login=SOL.login)], TODAY + EDGE)
    with mentored.reading() as connection:
        place = reading.place_of(connection, TEO.key, SOL.key)
    assert not sees(mentored, TODAY + EDGE)
    assert [(one.staff_key, one.starts_on) for one in place.caseloads if one.ends_on is None] == [
        (SOL.key, TODAY + EDGE)
    ]
