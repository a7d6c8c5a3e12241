"""Plans, contacts, judgements and notes on both databases: nothing is counted twice, lost or changed unseen."""

import datetime as dt
import threading
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from ews.access import View, scope_of
from ews.errors import InputRefused, Overtaken
from ews.follow_up import Barrier, Kind, Knows, State, WithWhom
from ews.school_year import SchoolYear
from ews.store.follow_up import Plan, contacts_of, judgements_of, notes_of, plan_changes, plan_of
from ews.store.following_up import Author, NewContact, add_contact, add_note, change_plan, judge, take_back
from ews.store.opening import Store
from ews.store.schema import CONTACTS, PLANS
from ews.store.work_lists import briefs
from tests.cast import ANA, BEA, IVY, JUN, MIA, MO, NOON, ROSA, TODAY, TOMAS, CastStaff
from tests.services import RUN_ID, add_run

YEAR = SchoolYear(2027)


def author(who: CastStaff, minutes: int = 0) -> Author:
    return Author(who.key, who.login, NOON + dt.timedelta(minutes=minutes), TODAY)


def told(kind: Kind = Kind.CALL, **more) -> NewContact:
    return NewContact(str(uuid.uuid4()), more.pop("on_date", TODAY), kind, WithWhom.FAMILY, **more)


def enter(store: Store, contact: NewContact, student=ANA, who: CastStaff = TOMAS):
    with store.writing() as connection:
        return add_contact(connection, student.key, contact, author(who), YEAR)


def test_a_contact_sent_twice_counts_once_O12(store: Store):
    contact = told(minutes=5, barrier=Barrier.TRANSPORT, next_step=" Call the depot ")
    first, again = enter(store, contact), enter(store, contact)
    assert first == again
    assert (first.by, first.next_step, first.barrier) == (TOMAS.name, "Call the depot", "transport")
    with store.reading() as connection:
        assert len(contacts_of(connection, ANA.key)) == 1
        assert len(plan_changes(connection, ANA.key, YEAR)) == 1


def test_two_who_send_the_same_form_at_once_keep_one_contact_O12(store: Store):
    contact, kept = told(), []
    threads = [threading.Thread(target=lambda: kept.append(enter(store, contact))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.contact_key for one in kept}) == 1
    assert len(kept) == 4
    with store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(CONTACTS)) == 1


def test_a_form_of_another_student_is_refused_and_shows_nothing_of_that_one(store: Store):
    contact = told()
    enter(store, contact)
    with pytest.raises(InputRefused, match="another student"):
        enter(store, contact, student=JUN)
    with pytest.raises(InputRefused, match="somebody else"):
        enter(store, contact, who=ROSA)


def test_reaching_somebody_moves_a_new_plan_on_and_a_try_does_not_UX_5(store: Store):
    enter(store, told(Kind.NO_ANSWER))
    with store.reading() as connection:
        assert plan_of(connection, ANA.key, YEAR) == Plan()
    enter(store, told(Kind.TALK))
    with store.reading() as connection:
        assert (plan_of(connection, ANA.key, YEAR).state, plan_of(connection, ANA.key, YEAR).version) == (
            "contacted",
            1,
        )
    with store.writing() as connection:
        change_plan(connection, ANA.key, YEAR, Plan(State.MENTOR, 1), author(ROSA))
    enter(store, told(Kind.TALK))
    with store.reading() as connection:
        assert plan_of(connection, ANA.key, YEAR).state is State.MENTOR


@pytest.mark.parametrize(
    "wrong", [{"on_date": TODAY + dt.timedelta(1)}, {"on_date": TODAY - dt.timedelta(400)}, {"minutes": -1},
              {"minutes": 601}, {"next_step": "x" * 2001}, {"next_step": "a\x00b"}],
)  # fmt: skip
def test_a_contact_that_cannot_be_is_refused_and_not_kept(store: Store, wrong: dict):
    with pytest.raises(InputRefused):
        enter(store, told(**wrong))
    with store.reading() as connection:
        assert contacts_of(connection, ANA.key) == []


def test_a_change_of_an_older_plan_is_refused_and_told_who_was_faster_O13(store: Store):
    with store.writing() as connection:
        made = change_plan(connection, ANA.key, YEAR, Plan(State.PLAN, 0, "Meet on Monday"), author(ROSA))
    assert (made.version, made.changed_by) == (1, ROSA.login)
    for version in (0, 2):
        with (
            pytest.raises(Overtaken, match=f"{ROSA.login} changed this plan at 2026-10-05 12:00"),
            store.writing() as c,
        ):
            change_plan(c, ANA.key, YEAR, Plan(State.CLOSED, version), author(TOMAS, 1))
    with store.reading() as connection:
        assert plan_of(connection, ANA.key, YEAR).state is State.PLAN
        assert [change.by for change in plan_changes(connection, ANA.key, YEAR)] == [ROSA.login]


def test_of_two_first_plans_at_once_one_is_made_and_the_other_refused_O13(store: Store):
    outcomes: list[str] = []

    def make(who: CastStaff) -> None:
        try:
            with store.writing() as connection:
                change_plan(connection, ANA.key, YEAR, Plan(State.PLAN), author(who))
            outcomes.append("made")
        except Overtaken:
            outcomes.append("overtaken")

    threads = [threading.Thread(target=make, args=(who,)) for who in (ROSA, TOMAS, BEA)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "overtaken", "overtaken"]
    with store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(PLANS)) == 1


def test_what_somebody_knows_needs_a_reason_replaces_what_was_said_and_can_be_taken_back_M09_UX_4(store: Store):
    with pytest.raises(InputRefused, match="what you know"), store.writing() as connection:
        judge(connection, ANA.key, YEAR, author(TOMAS), adds=False, category=Knows.HEALTH, reason="  ")
    with store.writing() as connection:
        judge(connection, ANA.key, YEAR, author(TOMAS), adds=False, category=Knows.HEALTH, reason="Was ill, is well.")
        judge(connection, ANA.key, YEAR, author(ROSA, 1), adds=True, category=Knows.FAMILY, reason="New job, nights.")
    with store.reading() as connection:
        said = judgements_of(connection, ANA.key, YEAR)
    assert [(one.by, one.adds, one.taken_back_at is None) for one in said] == [
        (ROSA.name, True, True), (TOMAS.name, False, False),
    ]  # fmt: skip
    with store.writing() as connection:
        assert (
            take_back(connection, ANA.key, YEAR, author(ROSA, 2)),
            take_back(connection, ANA.key, YEAR, author(ROSA, 3)),
        ) == (1, 0)
    with store.reading() as connection:
        assert all(one.taken_back_at for one in judgements_of(connection, ANA.key, YEAR))


def test_a_note_is_kept_as_written_and_an_empty_one_refused(store: Store):
    with store.writing() as connection:
        add_note(connection, ANA.key, "  <script>alert(1)</script> ñ\r\nsecond line ", author(ROSA))
    with store.reading() as connection:
        assert [(note.text, note.by) for note in notes_of(connection, ANA.key)] == [
            ("<script>alert(1)</script> ñ\nsecond line", ROSA.name)
        ]
    with pytest.raises(InputRefused, match="empty"), store.writing() as connection:
        add_note(connection, ANA.key, " \n ", author(ROSA))


def test_a_list_tells_follow_up_only_of_students_the_viewer_may_see_with_it(store: Store):
    with store.writing() as connection:
        add_run(connection, RUN_ID, "0" * 64)
    enter(store, told(Kind.VISIT, on_date=TODAY - dt.timedelta(3)))
    enter(store, told(Kind.NO_ANSWER))
    enter(store, told(Kind.CALL), student=JUN, who=BEA)
    with store.writing() as connection:
        judge(connection, IVY.key, YEAR, author(ROSA), adds=True, category=Knows.OTHER, reason="I know.")
    assert told_to(store, ROSA).keys() == {ANA.key, JUN.key, IVY.key}
    assert told_to(store, TOMAS).keys() == {ANA.key}
    assert told_to(store, MO) == {}
    ana = told_to(store, ROSA)[ANA.key]
    assert (ana.reached_on, ana.reached_how, ana.reached_by) == (TODAY - dt.timedelta(3), "visit", TOMAS.name)
    assert told_to(store, ROSA)[IVY.key].adds is True
    assert MIA.key not in told_to(store, ROSA)


def told_to(store: Store, who: CastStaff) -> dict:
    plans, slots = (scope_of(who.viewer(), view, TODAY) for view in (View.PLAN, View.SLOTS))
    contacts = scope_of(who.viewer(), View.CONTACT, TODAY) if who is not MO else None
    with store.reading() as connection:
        return briefs(connection, RUN_ID, "014", YEAR, plans=plans, contacts=contacts, slots=slots)


def test_a_mentor_reads_the_own_contacts_only(store: Store):
    enter(store, told(), who=TOMAS)
    enter(store, told(), who=MO)
    with store.reading() as connection:
        assert [contact.by for contact in contacts_of(connection, ANA.key, MO.key)] == [MO.name]
        assert len(contacts_of(connection, ANA.key)) == 2


def test_the_latest_contact_counts_however_it_was_entered(store: Store):
    with store.writing() as connection:
        add_run(connection, RUN_ID, "0" * 64)
    enter(store, told(Kind.TALK, on_date=TODAY))
    enter(store, replace(told(Kind.LETTER), on_date=TODAY - dt.timedelta(9)))
    assert told_to(store, ROSA)[ANA.key].reached_how == "talk"
