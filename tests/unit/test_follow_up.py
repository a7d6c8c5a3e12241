"""The rules of the to-do: who is still to be reached, and what is left of a year."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ews.follow_up import (
    Kind,
    Priority,
    Standing,
    State,
    Why,
    absences_after,
    contacts_count_from,
    days_left_to_miss,
    is_close_to_the_line,
    priority_of,
    reaches,
    why,
)
from ews.school_year import SchoolYear

MONDAY = dt.date(2026, 10, 5)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.NO_ANSWER])
def test_any_contact_that_reached_somebody_counts_UX_5(kind: Kind):
    assert reaches(kind)


def test_a_call_that_nobody_answered_reached_nobody_UX_5():
    assert not reaches(Kind.NO_ANSWER)


def test_a_student_is_to_do_until_somebody_is_reached_UX_5():
    assert why(Standing(Priority.SOON)) is Why.NOT_REACHED
    assert why(Standing(Priority.SOON, State.CONTACTED, MONDAY)) is Why.REACHED


@pytest.mark.parametrize(
    ("absences", "reason"), [(0, Why.REACHED), (1, Why.REACHED), (2, Why.RENEWED), (9, Why.RENEWED)]
)
def test_two_absences_after_the_contact_bring_a_student_back_UX_5_MEN_7(absences: int, reason: Why):
    assert why(Standing(Priority.USUAL, State.MONITORING, MONDAY, absences)) is reason


def test_who_knows_more_adds_and_takes_off_whatever_the_band_UX_4():
    assert why(Standing(Priority.USUAL, adds=True)) is Why.ADDED
    assert why(Standing(Priority.FIRST, adds=False)) is Why.TAKEN_OFF
    assert why(Standing(Priority.FIRST, State.CONTACTED, MONDAY, 5, adds=False)) is Why.TAKEN_OFF
    assert why(Standing(Priority.USUAL, State.CONTACTED, MONDAY, adds=True)) is Why.REACHED


def test_a_closed_plan_and_usual_support_are_no_to_do():
    assert why(Standing(Priority.FIRST, State.CLOSED)) is Why.CLOSED
    assert why(Standing(Priority.USUAL)) is Why.USUAL
    assert [reason for reason in Why if reason.is_to_do] == [Why.RENEWED, Why.ADDED, Why.NOT_REACHED]


def test_only_absences_after_the_day_count_and_a_day_once():
    marks = [
        ("2026-10-05", "unexcused"),
        ("2026-10-06", "tardy"),
        ("2026-10-07", "excused"),
        ("2026-10-07", "unexcused"),
    ]
    assert absences_after(marks, MONDAY) == 1
    assert absences_after(marks, dt.date(2026, 10, 4)) == 2
    assert absences_after(marks, None) == 0


def test_contacts_of_june_count_for_the_year_that_begins_after_summer():
    assert contacts_count_from(SchoolYear(2027)) == dt.date(2026, 6, 1)


@pytest.mark.parametrize(
    ("risk", "band"),
    [(0.99, Priority.FIRST), (0.5, Priority.FIRST), (0.4999, Priority.SOON), (0.3, Priority.SOON),
     (0.15, Priority.WATCH), (0.1499, Priority.USUAL)],
)  # fmt: skip
def test_bands_begin_where_they_say_UX_2(risk: float, band: Priority):
    assert priority_of(risk) is band


def test_an_estimate_near_an_edge_is_a_judgement_call_EX_5():
    assert [risk for risk in (0.52, 0.29, 0.4, 0.01) if is_close_to_the_line(risk)] == [0.52, 0.29]


@given(absent=st.integers(0, 200), days=st.integers(1, 200), percent=st.sampled_from([5, 8, 10, 12, 15, 20]))
def test_after_the_days_left_the_year_is_not_chronic_and_one_more_makes_it(absent: int, days: int, percent: int):
    left = days_left_to_miss(absent, days, percent)
    is_there = absent * 100 >= days * percent
    assert left == 0 if is_there else (absent + left) * 100 < days * percent <= (absent + left + 1) * 100
