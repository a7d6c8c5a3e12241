"""Plans follow mentors on both databases: to *mentor* with an offer, on with its end, in the same transaction."""

import uuid

import pytest
from sqlalchemy import func, select

from ews.errors import Overtaken
from ews.follow_up import State
from ews.school_year import SchoolYear
from ews.slots import Rule
from ews.store.assigned import Step
from ews.store.assignments import end_assignment, free_moved, give, hand_over, take_step
from ews.store.follow_up import Plan, plan_changes, plan_of
from ews.store.following_up import Author, change_plan
from ews.store.mentors import import_mentors, mentors_in
from ews.store.opening import Store
from ews.store.rounds import confirm_round, propose_round, rows_of_round
from ews.store.schema import ASSIGNMENTS, IN_FORCE, PLAN_CHANGES, PLANS, STAYS
from tests.cast import ANA, DANA, HARBOR, NOON, ROSA, TEO, TODAY
from tests.services import RUN_ID, add_run
from tests.unit.store.test_rounds import EDGE, KIM, LEE, SEED, asks

YEAR = SchoolYear(2027)
BY = Author(ROSA.key, ROSA.login, NOON, TODAY)


@pytest.fixture
def listed(store: Store) -> Store:
    with store.writing() as connection:
        add_run(connection, RUN_ID, "0" * 64)
        import_mentors(connection, [KIM, LEE], TODAY)
    return store


def offer(store: Store, student_key: str = TEO.key) -> None:
    with store.writing() as connection:
        kim = next(one.mentor_key for one in mentors_in(connection) if one.mentor_id == "M7")
        give(connection, student_key, kim, "asked", ROSA.login, TODAY, str(uuid.uuid4()), NOON)


def give_to_both(connection, mentor_key: str) -> None:
    for student in (TEO.key, ANA.key):
        give(connection, student, mentor_key, "asked", ROSA.login, TODAY, str(uuid.uuid4()), NOON)


def go(store: Store, *steps: Step, student_key: str = TEO.key) -> None:
    with store.writing() as connection:
        for step in steps:
            take_step(connection, student_key, step, TODAY, TODAY)


def end(store: Store, reason: str, note: str = "Likes chess") -> None:
    with store.writing() as connection:
        end_assignment(connection, TEO.key, reason, DANA.login, TODAY, note, NOON)


def plan(store: Store, student_key: str = TEO.key) -> Plan:
    with store.reading() as connection:
        return plan_of(connection, student_key, YEAR)


def set_plan(store: Store, state: State, version: int) -> None:
    with store.writing() as connection:
        change_plan(connection, TEO.key, YEAR, Plan(state, version, "Call on Monday", TODAY), BY)


def test_confirming_a_round_moves_the_plans_of_all_offered_students_and_opens_missing_ones_MEN_3_O12(listed: Store):
    with listed.writing() as connection:
        change_plan(connection, TEO.key, YEAR, Plan(State.CONTACTED, 0, "Call on Monday", TODAY), BY)
        key, _ = propose_round(connection, HARBOR.school_id, Rule(lottery_percent=0), SEED, asks())
        assert confirm_round(connection, key, 1, asks(DANA)) == 3
        offered = [row.student_key for row in rows_of_round(connection, key) if row.decision == "proposed"]
        others = [row.student_key for row in rows_of_round(connection, key) if row.decision != "proposed"]
        again = confirm_round(connection, key, 1, asks(DANA))
    assert again == 3
    assert TEO.key in offered
    for student in offered:
        found = plan(listed, student)
        assert (found.state, found.version) == (State.MENTOR, 2 if student == TEO.key else 1)
        assert (found.changed_by, found.changed_at) == (DANA.login, NOON)
    assert all(plan(listed, student).version == 0 for student in others)
    assert (plan(listed, TEO.key).next_step, plan(listed, TEO.key).next_step_on) == ("Call on Monday", TODAY)
    with listed.reading() as connection:
        last = plan_changes(connection, TEO.key, YEAR)[0]
    assert (last.version, last.state, last.by) == (2, State.MENTOR, DANA.login)


def test_an_offer_that_fails_moves_no_plan_O01(listed: Store):
    with listed.reading() as connection:
        lee = next(one.mentor_key for one in mentors_in(connection) if one.mentor_id == "M8")
    with pytest.raises(Overtaken), listed.writing() as connection:
        give_to_both(connection, lee)
    with listed.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(PLANS)) == 0
        assert connection.scalar(select(func.count()).select_from(PLAN_CHANGES)) == 0


@pytest.mark.parametrize(
    ("steps", "reason", "state"),
    [
        ((), "declined", State.PLAN),
        ((Step.TOLD,), "declined", State.PLAN),
        (tuple(Step), "goal_reached", State.MONITORING),
        (tuple(Step), "year_end", State.MONITORING),
        (tuple(Step), "opted_out", State.PLAN),
        (tuple(Step), "mentor_left", State.PLAN),
    ],
)
def test_an_end_moves_the_plan_on_and_a_refusal_leaves_no_mark_in_it_MEN_5_MEN_8(listed: Store, steps, reason, state):
    set_plan(listed, State.PLAN, 0)
    offer(listed)
    assert plan(listed).state is State.MENTOR
    go(listed, *steps)
    end(listed, reason)
    assert (plan(listed).state, plan(listed).version, plan(listed).next_step) == (state, 3, "Call on Monday")
    with listed.reading() as connection:
        told = [change.reason for change in plan_changes(connection, TEO.key, YEAR)]
    assert told == ["No mentor now.", "A mentor was offered.", None]


@pytest.mark.parametrize(("steps", "state"), [((), State.NEW), ((Step.TOLD,), State.CONTACTED)])
def test_where_there_was_no_plan_an_offer_that_ends_leaves_it_new_or_contacted_MEN_5(listed: Store, steps, state):
    offer(listed)
    go(listed, *steps)
    end(listed, "declined")
    assert plan(listed).state is state


def test_a_plan_that_people_moved_elsewhere_stays_there_when_the_mentor_ends(listed: Store):
    offer(listed)
    set_plan(listed, State.CLOSED, 1)
    end(listed, "declined")
    assert (plan(listed).state, plan(listed).version) == (State.CLOSED, 2)
    offer(listed)
    assert (plan(listed).state, plan(listed).version) == (State.MENTOR, 3)


def test_who_changes_a_plan_from_before_the_offer_is_told_who_was_faster_O13(listed: Store):
    set_plan(listed, State.CONTACTED, 0)
    offer(listed)
    with pytest.raises(Overtaken, match=ROSA.login), listed.writing() as connection:
        change_plan(connection, TEO.key, YEAR, Plan(State.PLAN, 1), BY)


def test_a_handover_leaves_the_plan_with_a_mentor_and_a_move_to_another_school_does_not_MEN_8_M03(listed: Store):
    offer(listed)
    go(listed, *Step)
    with listed.writing() as connection:
        lee = next(one.mentor_key for one in mentors_in(connection) if one.mentor_id == "M8")
        hand_over(connection, TEO.key, lee, "Likes chess", ROSA.login, TODAY, str(uuid.uuid4()), NOON)
    assert (plan(listed).state, plan(listed).version) == (State.MENTOR, 1)
    with listed.writing() as connection:
        connection.execute(STAYS.update().where(STAYS.c.student_key == TEO.key).values(exit_date=TODAY))
        assert free_moved(connection, ROSA.login, TODAY + EDGE, NOON) == 1
    assert plan(listed).state is State.PLAN


def test_without_lists_in_force_a_mentor_is_given_and_no_plan_is_opened(listed: Store):
    with listed.writing() as connection:
        connection.execute(IN_FORCE.delete())
    offer(listed)
    with listed.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(ASSIGNMENTS)) == 1
        assert connection.scalar(select(func.count()).select_from(PLANS)) == 0
