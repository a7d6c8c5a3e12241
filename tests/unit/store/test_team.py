"""The team's weekly list, the need of schools, and what came of rounds as tables, on both databases."""

import datetime as dt
import json
import uuid

import pandas as pd
import pytest
from sqlalchemy import insert

from ews.access import View, scope_of
from ews.slots import Mentor, Rule
from ews.slots.alerts import absences_in_a_row
from ews.store.assigned import Step
from ews.store.assignments import end_assignment, give, take_step
from ews.store.mentors import Exclusion, exclude, import_mentors, mentors_in
from ews.store.opening import Store
from ews.store.round_log import LOG_COLUMNS, MENTORING_COLUMNS, mentoring_table, round_log
from ews.store.rounds import Asks, confirm_round, propose_round, rows_of_round
from ews.store.schema import CONTACTS, HISTORIES, SCHOOL_DAYS, STAYS
from ews.store.team import mentees_by_mentor, needs, team_list
from tests.cast import HARBOR, JUNIPER, NOON, ROSA, TEO, TODAY, TOMAS
from tests.services import RUN_ID, add_run

DAY = dt.timedelta(days=1)
KIM = Mentor("M7", "Kim Ito", "staff", 3, (HARBOR.school_id,), dt.date(2026, 8, 24), screened_on=dt.date(2026, 6, 1))
ASKS = Asks(ROSA.login, NOON, TODAY)


@pytest.fixture
def listed(store: Store) -> Store:
    with store.writing() as connection:
        add_run(connection, RUN_ID, "0" * 64)
        import_mentors(connection, [KIM], TODAY)
    return store


def with_mentor(store: Store, on: dt.date = TODAY) -> None:
    """Teo meets Kim from a day on."""
    with store.writing() as connection:
        kim = mentors_in(connection)[0].mentor_key
        give(connection, TEO.key, kim, "asked", ROSA.login, on, str(uuid.uuid4()))
        for step in Step:
            take_step(connection, TEO.key, step, on, on)


def history_of_teo(store: Store, *days: tuple[dt.date, str], through: dt.date = TODAY) -> None:
    years = [{"school_year": 2026, "days_absent": 9, "days_enrolled": 170}]
    marks = [[day.isoformat(), kind] for day, kind in days]
    told = {"years": years, "days": marks, "data_through": through.isoformat()}
    with store.writing() as connection:
        row = {"student_key": TEO.key, "attendance": json.dumps(told), "fingerprint": "2" * 32}
        connection.execute(HISTORIES.delete().where(HISTORIES.c.student_key == TEO.key))
        connection.execute(insert(HISTORIES).values(row))


def listed_for(store: Store, who=ROSA, on: dt.date = TODAY, school: str | None = None):
    with store.reading() as connection:
        return team_list(connection, scope_of(who.viewer(), View.SLOTS, on), on, school)


def test_a_mentee_is_told_with_contacts_absences_since_the_first_meeting_and_last_year_MEN_7(listed: Store):
    with_mentor(listed, TODAY - 7 * DAY)
    history_of_teo(listed, (TODAY - 9 * DAY, "excused"), (TODAY - 4 * DAY, "unexcused"), (TODAY - 4 * DAY, "tardy"))
    contact = {"student_key": TEO.key, "with_whom": "student", "entered_at": NOON, "entered_by": ROSA.key}
    rows = [
        {**contact, "contact_key": str(uuid.uuid4()), "request_key": str(uuid.uuid4()), "on_date": TODAY - back * DAY,
         "kind": kind}
        for back, kind in ((1, "talk"), (3, "call"), (8, "talk"), (0, "no_answer"))
    ]  # fmt: skip
    with listed.writing() as connection:
        connection.execute(insert(CONTACTS), rows)
    (one,) = listed_for(listed)
    assert (one.mentor, one.state, one.contacts, one.last_contact_on) == ("Kim Ito", "active", 2, TODAY - DAY)
    assert (one.absent_since, one.last_year, one.alert, one.flags) == (1, (9, 170), (), ())


def test_two_consecutive_absences_are_told_at_once_and_old_ones_are_not_MEN_7(listed: Store):
    with_mentor(listed)
    friday, monday = dt.date(2026, 10, 2), dt.date(2026, 10, 5)
    history_of_teo(listed, (friday, "unexcused"), (monday, "suspension"))
    assert listed_for(listed)[0].alert == (friday, monday)
    history_of_teo(listed, (friday - DAY, "unexcused"), (monday, "unexcused"))
    assert listed_for(listed)[0].alert == ()
    history_of_teo(listed, (friday, "unexcused"), (monday, "tardy"))
    assert listed_for(listed)[0].alert == ()


def test_the_run_counts_only_weekdays_and_only_while_it_is_news():
    through = dt.date(2026, 10, 9)
    days = [dt.date(2026, 10, day) for day in (6, 7, 8)]
    assert absences_in_a_row(days, through) == tuple(days)
    assert absences_in_a_row([*days, *days], through) == tuple(days)
    assert absences_in_a_row(days, through + 10 * DAY) == ()
    assert absences_in_a_row(days[:1], through) == ()
    assert absences_in_a_row([], through) == ()


def school_days(*without: dt.date, last: dt.date = dt.date(2027, 6, 11)) -> list[dt.date]:
    """Weekdays from September to June, without some."""
    days = pd.bdate_range("2026-09-01", last).date
    return [day for day in days if day not in without]


def test_holidays_snow_days_and_weekends_neither_break_a_run_nor_make_one_MEN_7():
    holiday = [dt.date(2026, 11, day) for day in (25, 26, 27)]
    before, after, next_day = dt.date(2026, 11, 24), dt.date(2026, 11, 30), dt.date(2026, 12, 1)
    days = school_days(*holiday)
    assert absences_in_a_row([before, after], after, days) == (before, after)
    assert absences_in_a_row([before, next_day], next_day, days) == ()
    assert absences_in_a_row([before, after], after) == ()
    snow = school_days(*holiday, before)
    assert absences_in_a_row([before, after], after, snow) == ()
    assert absences_in_a_row([before, after, next_day], next_day, snow) == (after, next_day)


def test_a_run_before_a_long_holiday_is_news_when_school_begins_again_and_not_a_week_later_MEN_7():
    winter = [day.date() for day in pd.bdate_range("2026-12-21", "2027-01-01")]
    absent, days = [dt.date(2026, 12, 17), dt.date(2026, 12, 18)], school_days(*winter)
    assert absences_in_a_row(absent, dt.date(2027, 1, 5), days) == tuple(absent)
    assert absences_in_a_row(absent, dt.date(2027, 1, 5)) == ()
    assert absences_in_a_row(absent, dt.date(2027, 1, 8), days) == tuple(absent)
    assert absences_in_a_row(absent, dt.date(2027, 1, 11), days) == ()


def test_where_the_schools_days_do_not_reach_the_last_absence_weekdays_count_MEN_7():
    friday, monday = dt.date(2026, 10, 2), dt.date(2026, 10, 5)
    assert absences_in_a_row([friday, monday], monday, school_days(last=friday)) == (friday, monday)
    assert absences_in_a_row([], monday, school_days()) == ()
    assert absences_in_a_row([dt.date(2026, 10, 3), dt.date(2026, 10, 4)], monday, school_days()) == ()


def test_a_mentees_run_is_counted_by_the_days_of_the_school_where_the_student_is_now_MEN_7(listed: Store):
    with_mentor(listed)
    thursday, monday = dt.date(2026, 10, 1), dt.date(2026, 10, 5)
    history_of_teo(listed, (thursday, "unexcused"), (monday, "unexcused"))
    (one,) = listed_for(listed)
    assert (one.alert, one.by_calendar) == ((), False)
    with listed.writing() as connection:
        off = [{"school_id": HARBOR.school_id, "date": day} for day in school_days(dt.date(2026, 10, 2))]
        every = [{"school_id": JUNIPER.school_id, "date": day} for day in school_days()]
        connection.execute(insert(SCHOOL_DAYS), off + every)
    (one,) = listed_for(listed)
    assert (one.alert, one.by_calendar) == ((thursday, monday), True)
    assert (one.absent_since, one.days_since) == (1, 1)
    with listed.writing() as connection:
        stay = {"student_key": TEO.key, "school_id": JUNIPER.school_id, "entry_date": TODAY, "grade_level": "06"}
        connection.execute(insert(STAYS).values(stay))
    assert listed_for(listed)[0].alert == ()


def test_whose_mentor_is_gone_or_who_moved_or_waits_is_looked_at_first_M08_M03(listed: Store):
    with_mentor(listed)
    with listed.writing() as connection:
        import_mentors(connection, [], TODAY)
    (one,) = listed_for(listed)
    assert one.flags == ("Kim Ito stopped mentoring on 4 October 2026. Hand the student over.",)
    with listed.writing() as connection:
        import_mentors(connection, [Mentor("M7", "Kim Ito", "staff", 3, (JUNIPER.school_id,), dt.date(2026, 8, 24),
                                           screened_on=dt.date(2026, 6, 1))], TODAY)  # fmt: skip
    assert "no school of the mentor's" in listed_for(listed)[0].flags[0]


def test_an_offer_that_waits_for_two_weeks_is_looked_at(listed: Store):
    with listed.writing() as connection:
        kim = mentors_in(connection)[0].mentor_key
        give(connection, TEO.key, kim, "asked", ROSA.login, TODAY, str(uuid.uuid4()))
    assert listed_for(listed, on=TODAY + 14 * DAY)[0].flags == ()
    assert "has not started" in listed_for(listed, on=TODAY + 15 * DAY)[0].flags[0]


def test_the_list_holds_only_students_whom_the_viewer_sees_and_of_one_school_where_asked_SEC_10(listed: Store):
    with_mentor(listed)
    assert listed_for(listed, TOMAS) == []
    assert len(listed_for(listed, school=HARBOR.school_id)) == 1
    assert listed_for(listed, school=JUNIPER.school_id) == []


def test_unmet_need_is_the_pool_less_the_slots_of_the_latest_round_MEN_10(listed: Store):
    with listed.writing() as connection:
        propose_round(connection, HARBOR.school_id, Rule(lottery_percent=0), "a" * 16, ASKS)
        pool = sum(row.place is not None for row in rows_of_round(connection, _latest(connection)))
        (need,) = needs(connection, [HARBOR.school_id, JUNIPER.school_id])
    assert (need.school_id, need.pool, need.slots, need.mentees) == (HARBOR.school_id, pool, 3, 0)
    assert need.unmet == pool - 3
    with_mentor(listed)
    with listed.reading() as connection:
        assert list(mentees_by_mentor(connection).values()) == [1]
        assert needs(connection, [HARBOR.school_id])[0].mentees == 1


def _latest(connection) -> str:
    from ews.store.rounds import rounds_in

    return rounds_in(connection)[0].round_key


def test_the_log_of_a_round_holds_everybody_with_what_was_decided_and_what_came_of_it_FAIR_20(listed: Store):
    with listed.writing() as connection:
        key, _ = propose_round(connection, HARBOR.school_id, Rule(lottery_percent=50), "a" * 16, ASKS)
        confirm_round(connection, key, 1, ASKS)
        rows = rows_of_round(connection, key)
        offered = [row for row in rows if row.decision == "proposed"]
        for step in Step:
            take_step(connection, offered[0].student_key, step, TODAY, TODAY)
        end_assignment(connection, offered[1].student_key, "declined", ROSA.login, TODAY)
        log = round_log(connection, key)
        mentored = mentoring_table(connection, TODAY)
    assert tuple(log.columns) == LOG_COLUMNS
    assert len(log) == len(rows)
    assert (log["offered"].sum(), log["accepted"].sum(), log["opted_out"].sum()) == (3, 1, 1)
    band = log[log["in_band"]]
    assert len(band) == 4
    assert band["drawn"].tolist() == [True, True, False, False]
    assert log.loc[~log["in_band"], "drawn"].isna().all()
    assert log["scored"].all()
    assert (log["score"] == pd.Series([row.crossings_averted for row in rows])).all()
    assert tuple(mentored.columns) == MENTORING_COLUMNS
    assert mentored["student_id"].tolist() == [offered[0].student_id]
    assert mentored["accepted"].tolist() == ["true"]


def test_contacts_count_while_mentoring_lasts_and_other_help_stands_beside_them_FAIR_20(listed: Store):
    with listed.writing() as connection:
        key, _ = propose_round(connection, HARBOR.school_id, Rule(lottery_percent=0), "a" * 16, ASKS)
        confirm_round(connection, key, 1, ASKS)
        rows = rows_of_round(connection, key)
        mine, other = ([row.student_key for row in rows if row.decision == what][0] for what in ("proposed", "reserve"))
        for step in Step:
            take_step(connection, mine, step, TODAY, TODAY)
        told = [(mine, -30, "call", None), (mine, 0, "talk", None), (mine, 1, "no_answer", None),
                (mine, 2, "call", "made"), (mine, 5, "letter", None), (other, 3, "message", None),
                (other, 300, "letter", None)]  # fmt: skip
        connection.execute(insert(CONTACTS), [
            {"contact_key": str(uuid.uuid4()), "request_key": str(uuid.uuid4()), "student_key": student, "kind": kind,
             "with_whom": "student", "referral": referral, "on_date": TODAY + days * DAY, "entered_at": NOON,
             "entered_by": ROSA.key} for student, days, kind, referral in told])  # fmt: skip
        end_assignment(connection, mine, "goal_reached", ROSA.login, TODAY + 3 * DAY)
        exclude(connection, [Exclusion(other, "tier_3", None, TODAY, None, "case manager")], ROSA.login)
        log = round_log(connection, key).set_index("student_id")
        (row,) = mentoring_table(connection, TODAY).to_dict("records")
        ids = {one.student_key: one.student_id for one in rows}
    columns = ["contacts", "nudges", "referrals", "other_support"]
    assert log.loc[ids[mine], columns].tolist() == [2, 1, 1, False]
    assert log.loc[ids[other], columns[1:]].tolist() == [1, 0, True]
    assert pd.isna(log.loc[ids[other], "contacts"])
    assert row["contacts"] == 2


def test_a_round_nobody_is_in_has_an_empty_log(listed: Store):
    with listed.reading() as connection:
        log = round_log(connection, str(uuid.uuid4()))
        assert mentoring_table(connection, TODAY).empty
    assert tuple(log.columns) == LOG_COLUMNS
    assert log.empty
