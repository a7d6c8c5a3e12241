"""Rounds of mentor slots on both databases: proposed, edited, confirmed once; and what becomes of an offer."""

import datetime as dt
import json
import threading
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import insert, select, update

from ews.access import Role, View, can_view_student
from ews.errors import InputRefused, NotEnoughData, NotFound, Overtaken
from ews.home import Home
from ews.score import MENTOR_RESPONSE
from ews.slots import Mentor, Rule
from ews.store import reading
from ews.store.assigned import Step, assignments_of, next_steps, open_assignment, rule_of
from ews.store.assignments import end_assignment, free_moved, give, hand_over, take_step
from ews.store.mentors import Exclusion, Imported, exclude, import_mentors, mentors_in, put_match_facts
from ews.store.opening import Store
from ews.store.purging import purge_runs
from ews.store.round_pool import lines_with_gains
from ews.store.rounds import (
    Asks,
    confirm_round,
    edit_row,
    propose_round,
    registration_for,
    round_of,
    rounds_in,
    rows_of_round,
    withdraw_round,
)
from ews.store.schema import CASELOADS, RUNS, STAYS
from tests.cast import ANA, DANA, FAIRVIEW, HARBOR, JUN, JUNIPER, MO, NOON, NOOR, ROSA, SAM, TEO, TODAY
from tests.services import RUN_ID, add_run

SEED = "0123456789abcdef0123456789abcdef"
RULE = Rule(lottery_percent=0)
KIM = Mentor("M7", "Kim Ito", "staff", 2, (HARBOR.school_id,), dt.date(2026, 8, 24), screened_on=dt.date(2026, 6, 1),
             login=MO.login)  # fmt: skip
LEE = replace(KIM, mentor_id="M8", name="Lee Roy", cap=1, schools=(HARBOR.school_id, JUNIPER.school_id), login="")
EDGE = dt.timedelta(days=1)


def asks(who=ROSA, minutes: int = 0) -> Asks:
    return Asks(who.login, NOON + dt.timedelta(minutes=minutes), TODAY)


@pytest.fixture
def listed(store: Store) -> Store:
    """A store with a published list and two mentors at Harbor Street."""
    with store.writing() as connection:
        add_run(connection, RUN_ID, "0" * 64)
        import_mentors(connection, [KIM, LEE], TODAY)
    return store


def proposed(store: Store, school: str | None = HARBOR.school_id, rule: Rule = RULE) -> str:
    with store.writing() as connection:
        return propose_round(connection, school, rule, SEED, asks())[0]


def confirmed(store: Store, key: str, version: int = 1, who=ROSA) -> int:
    with store.writing() as connection:
        return confirm_round(connection, key, version, asks(who))


def mentor_keys(store: Store) -> dict[str, str]:
    with store.reading() as connection:
        return {one.mentor_id: one.mentor_key for one in mentors_in(connection)}


def offered(store: Store, key: str) -> list[str]:
    with store.reading() as connection:
        return [row.student_key for row in rows_of_round(connection, key) if row.decision == "proposed"]


def started(store: Store, student_key: str) -> None:
    """Bring an offer to its first meeting today."""
    with store.writing() as connection:
        for step in Step:
            take_step(connection, student_key, step, TODAY, TODAY, goal="Mondays" if step is Step.STARTED else "")


def test_nothing_is_proposed_without_a_list_or_mentors(store: Store):
    with pytest.raises(NotEnoughData, match="No list was published"):
        proposed(store)
    with store.writing() as connection:
        add_run(connection, RUN_ID, "0" * 64)
    with pytest.raises(NotEnoughData, match="No mentors are known"):
        proposed(store)


def test_a_round_is_kept_with_rule_seed_run_and_pool_and_proposes_the_same_again_MEN_2_MEN_3(listed: Store):
    first, again = proposed(listed), proposed(listed)
    with listed.reading() as connection:
        here, there = (round_of(connection, key) for key in (first, again))
        rows, same = (rows_of_round(connection, key) for key in (first, again))
    assert (here.rule, here.rule_sha256, here.seed, here.run_id) == (RULE, RULE.sha256, SEED, RUN_ID)
    assert (here.state, here.version, here.proposed_by) == ("proposed", 1, ROSA.login)
    assert rows == same
    assert here.rule_sha256 == there.rule_sha256
    assert {row.decision for row in rows} == {"proposed", "reserve"}
    assert len([row for row in rows if row.decision == "proposed"]) == 3
    assert [row.place for row in rows] == list(range(1, len(rows) + 1))
    assert all(row.why.endswith(".") and row.crossings_averted > 0 for row in rows)
    with listed.reading() as connection:
        assert {one.round_key for one in rounds_in(connection, ["014"])} == {first, again}
        assert rounds_in(connection, ["022"]) == []


def test_an_edit_needs_a_reason_a_fitting_mentor_and_the_version_that_was_seen_M09_O13(listed: Store):
    key, mentors = proposed(listed), mentor_keys(listed)
    out, *_ = offered(listed, key)
    with pytest.raises(InputRefused, match="needs a reason"), listed.writing() as connection:
        edit_row(connection, key, out, "reserve", " ", 1, asks())
    with listed.writing() as connection:
        assert edit_row(connection, key, out, "reserve", "Has a coach already", 1, asks()) == 2
    with (
        listed.writing() as connection,
        pytest.raises(Overtaken, match="rosa.imani changed this round on 2026-10-05"),
    ):
        edit_row(connection, key, out, "excluded", "Moved", 1, asks(DANA))
    with listed.writing() as connection:
        row = next(row for row in rows_of_round(connection, key) if row.decision == "reserve" and not row.edited_by)
        full = next(one.mentor_key for one in rows_of_round(connection, key) if one.decision == "proposed")
    other = next(one for one in mentors.values() if one != full)
    taken = other if _free(listed, key, other) == 0 else full
    with pytest.raises(InputRefused, match="no slot left"), listed.writing() as connection:
        edit_row(connection, key, row.student_key, "proposed", "Asked for one", 2, asks(), taken)
    free = next(one for one in mentors.values() if _free(listed, key, one))
    with listed.writing() as connection:
        edit_row(connection, key, row.student_key, "proposed", "Asked for one", 2, asks(), free)
        kept = next(one for one in rows_of_round(connection, key) if one.student_key == row.student_key)
    assert (kept.decision, kept.edited_by, kept.edit_reason) == ("proposed", ROSA.login, "Asked for one")


def _free(store: Store, key: str, mentor_key: str) -> int:
    with store.reading() as connection:
        mentor = next(one for one in mentors_in(connection) if one.mentor_key == mentor_key)
        taken = [row for row in rows_of_round(connection, key) if row.mentor_key == mentor_key]
    return mentor.mentor.slots(TODAY) - len(taken)


def test_an_edit_of_nobody_or_to_nothing_known_is_refused(listed: Store):
    key, mentors = proposed(listed), mentor_keys(listed)
    for decision, mentor, words in (("maybe", None, "one of"), ("proposed", None, "proposed a mentor"),
                                    ("reserve", mentors["M7"], "nobody else")):  # fmt: skip
        with pytest.raises(InputRefused, match=words), listed.writing() as connection:
            edit_row(connection, key, ANA.key, decision, "because", 1, asks(), mentor)
    with pytest.raises(NotFound), listed.writing() as connection:
        edit_row(connection, key, NOOR.key, "reserve", "because", 1, asks())
    with listed.reading() as connection:
        assert round_of(connection, key).version == 1


def test_nobody_is_offered_a_mentor_until_a_person_confirms_and_then_everybody_once_O12_GOV_1(listed: Store):
    key = proposed(listed)
    with listed.reading() as connection:
        assert not any(assignments_of(connection, one) for one in offered(listed, key))
    assert confirmed(listed, key) == 3
    assert confirmed(listed, key) == 3
    with listed.reading() as connection:
        given = [assignments_of(connection, one)[0] for one in offered(listed, key)]
        assert round_of(connection, key).confirmed_by == ROSA.login
    assert {one.state for one in given} == {"offered"}
    assert {(one.offered_by, one.offered_on, one.round_key) for one in given} == {(ROSA.login, TODAY, key)}
    with pytest.raises(Overtaken, match=rf"{ROSA.login} confirmed this round on 2026-10-05 at 12:00 UTC"):
        confirmed(listed, key, who=DANA)
    with pytest.raises(Overtaken, match="confirmed this round"), listed.writing() as connection:
        edit_row(connection, key, ANA.key, "reserve", "too late", 2, asks(DANA))


def test_two_coordinators_who_confirm_the_last_slot_at_once_one_wins_the_other_is_told_who_and_when_O11(listed: Store):
    with listed.writing() as connection:
        import_mentors(connection, [replace(KIM, cap=1)], TODAY)
    rounds, told, ready = [proposed(listed), proposed(listed)], [], threading.Barrier(2)

    def confirm(key: str, who) -> None:
        ready.wait()
        try:
            told.append(confirmed(listed, key, who=who))
        except Overtaken as error:
            told.append(str(error))

    threads = [threading.Thread(target=confirm, args=pair) for pair in zip(rounds, (ROSA, DANA), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, told))[0] == "1"
    (refused,) = (one for one in told if one != 1)
    assert "2026-10-05" in refused
    assert ROSA.login in refused or DANA.login in refused
    with listed.reading() as connection:
        assert sorted(round_of(connection, key).state for key in rounds) == ["confirmed", "proposed"]


def test_a_round_can_be_withdrawn_and_then_nothing_comes_of_it(listed: Store):
    key = proposed(listed)
    with listed.writing() as connection:
        withdraw_round(connection, key, 1, asks())
    with pytest.raises(Overtaken, match="withdrew this round"):
        confirmed(listed, key, 2)


def test_who_said_no_between_proposal_and_confirmation_is_not_offered_one_M05(listed: Store):
    key = proposed(listed)
    out, *others = offered(listed, key)
    with listed.writing() as connection:
        exclude(connection, [Exclusion(out, "opted_out", None, TODAY, None, "by letter")], ROSA.login)
    assert confirmed(listed, key) == 2
    with listed.reading() as connection:
        row = next(row for row in rows_of_round(connection, key) if row.student_key == out)
        assert assignments_of(connection, out) == []
    assert (row.decision, row.mentor_key) == ("excluded", None)
    assert row.why == "Not in the pool: said no to mentoring; since the proposal."
    assert len(others) == 2


def test_exclusions_and_what_is_known_for_matching_are_used_MEN_4_M06(listed: Store):
    kim = mentor_keys(listed)["M7"]
    knows_kim = next(one for one in offered(listed, proposed(listed)) if one not in (ANA.key, JUN.key))
    facts = {"household_key": None, "languages": ["so"], "interests": [], "times": [], "wishes": "",
             "known_mentor_key": None}  # fmt: skip
    with listed.writing() as connection:
        exclude(connection, [Exclusion(ANA.key, "tier_3", None, TODAY, None, "has a case manager")], ROSA.login)
        again = Exclusion(ANA.key, "tier_3", None, TODAY, None, "has a case manager")
        assert exclude(connection, [again], ROSA.login) == 0
        put_match_facts(connection, {JUN.key: facts, knows_kim: {**facts, "languages": [], "known_mentor_key": kim}})
        put_match_facts(connection, {JUN.key: {**facts, "languages": ["so", "ar"]}})
    key = proposed(listed)
    with listed.reading() as connection:
        rows = {row.student_key: row for row in rows_of_round(connection, key)}
    assert rows[ANA.key].why == "Not in the pool: is in individual support (Tier 3), which goes before mentoring."
    assert "speaks so or ar" in rows[JUN.key].why
    assert rows[knows_kim].mentor_key == kim


def test_steps_come_in_order_and_the_mentor_sees_the_student_from_the_first_meeting_to_the_end_MEN_5_M05(listed: Store):
    key = proposed(listed)
    confirmed(listed, key)
    kim = mentor_keys(listed)["M7"]
    with listed.reading() as connection:
        mine = [row.student_key for row in rows_of_round(connection, key) if row.mentor_key == kim]
    student = next(one for one in mine if one not in (ANA.key, JUN.key))
    with pytest.raises(InputRefused, match="told and agrees"), listed.writing() as connection:
        take_step(connection, student, Step.STARTED, TODAY, TODAY)
    with listed.writing() as connection:
        take_step(connection, student, Step.TOLD, TODAY, TODAY)
        take_step(connection, student, Step.TOLD, TODAY, TODAY)
        with pytest.raises(Overtaken, match="noted for 2026-10-05 already"):
            take_step(connection, student, Step.TOLD, TODAY + EDGE, TODAY)
        with pytest.raises(InputRefused, match="still to come"):
            take_step(connection, student, Step.CONSENTED, TODAY + EDGE, TODAY)
        with pytest.raises(InputRefused, match="not before"):
            take_step(connection, student, Step.CONSENTED, TODAY - EDGE, TODAY)
    assert not sees(listed, student, TODAY)
    with listed.writing() as connection:
        for step in (Step.CONSENTED, Step.ASSENTED):
            take_step(connection, student, step, TODAY, TODAY)
        take_step(connection, student, Step.STARTED, TODAY + EDGE, TODAY, goal="  Mondays  ")
        found = open_assignment(connection, student)
    assert (found.state, found.goal, found.starts_on) == ("active", "Mondays", TODAY + EDGE)
    assert not sees(listed, student, TODAY)
    assert sees(listed, student, TODAY + EDGE)


def test_who_stops_is_seen_by_the_mentor_no_more_that_day_and_is_not_asked_again_this_year_M05(listed: Store):
    key, kim = proposed(listed), mentor_keys(listed)["M7"]
    confirmed(listed, key)
    with listed.reading() as connection:
        mine = [row.student_key for row in rows_of_round(connection, key) if row.mentor_key == kim]
    student = next(one for one in mine if one not in (ANA.key, JUN.key))
    started(listed, student)
    assert sees(listed, student, TODAY)
    later = TODAY + 3 * EDGE
    with listed.writing() as connection:
        ended = end_assignment(connection, student, "opted_out", ROSA.login, later)
    assert (ended.state, ended.ended_on, ended.end_reason) == ("ended", later, "opted_out")
    assert not sees(listed, student, later)
    with listed.reading() as connection:
        assert [one.end_reason for one in assignments_of(connection, student)] == ["opted_out"]
    again = proposed(listed)
    with listed.reading() as connection:
        row = next(row for row in rows_of_round(connection, again) if row.student_key == student)
    assert row.decision == "excluded"


def sees(store: Store, student_key: str, on: dt.date) -> bool:
    """Whether Mo, who is Kim, sees the student's attendance on a day."""
    with store.reading() as connection:
        place = reading.place_of(connection, student_key, MO.key)
    return can_view_student(MO.viewer(), place, View.ATTENDANCE, on).allowed


def test_where_families_can_opt_out_the_days_pass_before_it_goes_on_MEN_5(listed: Store):
    key = proposed(listed, rule=Rule(agreement="opt_out", opt_out_days=5, lottery_percent=0))
    confirmed(listed, key)
    student = offered(listed, key)[0]
    with listed.writing() as connection:
        take_step(connection, student, Step.TOLD, TODAY, TODAY)
        found = open_assignment(connection, student)
        rule = rule_of(connection, found)
    assert next_steps(found, rule, TODAY + 4 * EDGE) == ()
    assert next_steps(found, rule, TODAY + 5 * EDGE) == (Step.ASSENTED,)


def test_a_handover_frees_one_seat_takes_another_and_carries_what_was_agreed_MEN_8(listed: Store):
    key, mentors = proposed(listed), mentor_keys(listed)
    confirmed(listed, key)
    with listed.writing() as connection:
        import_mentors(connection, [KIM, replace(LEE, cap=2)], TODAY)
        mine = [row.student_key for row in rows_of_round(connection, key) if row.mentor_key == mentors["M7"]]
    started(listed, mine[0])
    request = str(uuid.uuid4())
    with pytest.raises(InputRefused, match="Write a line"), listed.writing() as connection:
        hand_over(connection, mine[0], mentors["M8"], " ", ROSA.login, TODAY, request)
    with listed.writing() as connection:
        hand_over(connection, mine[0], mentors["M8"], "Likes chess; calls on Mondays.", ROSA.login, TODAY, request)
        after, before = assignments_of(connection, mine[0])
    assert (before.end_reason, before.handover) == ("handover", "Likes chess; calls on Mondays.")
    assert (after.mentor, after.state, after.consented_on, after.goal) == ("Lee Roy", "active", TODAY, "Mondays")
    assert not sees(listed, mine[0], TODAY) or mine[0] in (ANA.key, JUN.key)
    with pytest.raises(Overtaken, match=f"given by {ROSA.login}"), listed.writing() as connection:
        give(connection, TEO.key, mentors["M8"], "asked", ROSA.login, TODAY, str(uuid.uuid4()))


def test_a_mentor_given_outside_a_round_counts_once_however_often_it_is_sent_O12(listed: Store):
    kim, request = mentor_keys(listed)["M7"], str(uuid.uuid4())
    with listed.writing() as connection:
        first = give(connection, TEO.key, kim, "His teacher asked", ROSA.login, TODAY, request)
        assert give(connection, TEO.key, kim, "His teacher asked", ROSA.login, TODAY, request) == first
        with pytest.raises(InputRefused, match="does not come to"):
            give(connection, NOOR.key, kim, "asked", ROSA.login, TODAY, str(uuid.uuid4()))
        with pytest.raises(InputRefused, match="needs a reason"):
            give(connection, SAM.key, kim, " ", ROSA.login, TODAY, str(uuid.uuid4()))
    with pytest.raises(Overtaken, match="given meanwhile by rosa.imani on 2026-10-05"), listed.writing() as connection:
        give(connection, TEO.key, kim, "asked again", DANA.login, TODAY, str(uuid.uuid4()))


def test_a_student_who_moves_to_another_school_frees_the_slot_and_the_history_is_kept_M03(listed: Store):
    kim = mentor_keys(listed)["M7"]
    with listed.writing() as connection:
        give(connection, TEO.key, kim, "asked", ROSA.login, TODAY, str(uuid.uuid4()))
    started(listed, TEO.key)
    with listed.writing() as connection:
        assert free_moved(connection, ROSA.login, TODAY) == 0
        connection.execute(update(STAYS).where(STAYS.c.student_key == TEO.key).values(exit_date=TODAY))
        moved = {
            "student_key": TEO.key,
            "school_id": FAIRVIEW.school_id,
            "entry_date": TODAY + EDGE,
            "grade_level": "01",
        }
        connection.execute(insert(STAYS).values(moved))
        assert free_moved(connection, ROSA.login, TODAY + EDGE) == 1
        (kept,) = assignments_of(connection, TEO.key)
    assert (kept.end_reason, kept.ended_on) == ("moved_school", TODAY + EDGE)
    assert kept.handover


def test_a_file_of_mentors_is_taken_as_a_whole_and_mentees_of_who_is_gone_are_counted_M08(listed: Store):
    kim = mentor_keys(listed)["M7"]
    with listed.writing() as connection:
        give(connection, TEO.key, kim, "asked", ROSA.login, TODAY, str(uuid.uuid4()))
        assert import_mentors(connection, [LEE, replace(LEE, mentor_id="M9")], TODAY) == Imported(1, 1, 1, 1)
        assert import_mentors(connection, [LEE, replace(LEE, mentor_id="M9")], TODAY) == Imported(0, 2, 0, 1)
        gone = next(one for one in mentors_in(connection) if one.mentor_id == "M7")
    assert gone.mentor.ends_on == TODAY - EDGE
    with pytest.raises(InputRefused, match="stopped mentoring on 4 October 2026"), listed.writing() as connection:
        give(connection, SAM.key, kim, "asked", ROSA.login, TODAY, str(uuid.uuid4()))


@pytest.mark.parametrize(("about", "words"), [({"schools": ("999",)}, "schools that are not known, as 999"),
                                              ({"login": "nobody.here"}, "login without an account")])  # fmt: skip
def test_a_file_with_an_unknown_school_or_login_changes_nothing(listed: Store, about, words):
    with pytest.raises(InputRefused, match=words), listed.writing() as connection:
        import_mentors(connection, [replace(KIM, **about)], TODAY)
    assert set(mentor_keys(listed)) == {"M7", "M8"}


def test_a_caseload_row_is_only_made_for_a_mentor_with_an_account(listed: Store):
    lee = mentor_keys(listed)["M8"]
    with listed.writing() as connection:
        give(connection, TEO.key, lee, "asked", ROSA.login, TODAY, str(uuid.uuid4()))
    started(listed, TEO.key)
    with listed.reading() as connection:
        rows = connection.execute(select(CASELOADS).where(CASELOADS.c.student_key == TEO.key)).all()
    assert [row for row in rows if row.role == Role.MENTOR] == []


def test_lists_that_a_round_goes_back_to_are_kept_until_it_is_withdrawn_PRV_14(listed: Store, tmp_path):
    key, home = proposed(listed), Home(tmp_path)
    with listed.writing() as connection:
        add_run(connection, "f" * 16, "1" * 64, NOON + EDGE)
    assert purge_runs(listed, home, keep=1, by=ROSA.login, at=NOON) is None
    with listed.writing() as connection:
        withdraw_round(connection, key, 1, asks())
    purge = purge_runs(listed, home, keep=1, by=ROSA.login, at=NOON)
    assert purge is not None
    assert purge.runs == (RUN_ID,)
    with pytest.raises(NotFound), listed.reading() as connection:
        round_of(connection, key)


def test_what_will_be_measured_is_written_down_before_anybody_can_meet_a_mentor_MEN_9(listed: Store):
    key = proposed(listed)
    with listed.writing() as connection:
        confirm_round(connection, key, 1, asks(), registration_for(key, asks()))
        found = json.loads(str(round_of(connection, key).registration))
    student = offered(listed, key)[0]
    assert (found["round_id"], found["starts"], found["made_by"]) == (key, "2026-10-06", ROSA.login)
    with listed.writing() as connection:
        for step in (Step.TOLD, Step.CONSENTED, Step.ASSENTED):
            take_step(connection, student, step, TODAY, TODAY)
    with pytest.raises(InputRefused, match="from 2026-10-06 on"), listed.writing() as connection:
        take_step(connection, student, Step.STARTED, TODAY, TODAY)
    with listed.writing() as connection:
        take_step(connection, student, Step.STARTED, TODAY + EDGE, TODAY)


def test_a_grade_that_answers_a_mentor_more_is_expected_to_gain_more(listed: Store):
    with listed.writing() as connection:
        run = reading.run_in_force(connection)
        assert run is not None
        before, _ = lines_with_gains(connection, run, HARBOR.school_id, RULE)
        grade = before["grade_level"].iloc[0]
        told = json.dumps({MENTOR_RESPONSE: {grade: 1.5}})
        connection.execute(update(RUNS).where(RUNS.c.run_id == run.run_id).values(provenance=told))
        after, _ = lines_with_gains(connection, run, HARBOR.school_id, RULE)
    more = after["crossings_averted"] > before["crossings_averted"]
    assert (more == (before["grade_level"] == grade)).all()
    assert not more.all()
