"""Who may see which student, and why: SEC-10 to SEC-14, PRV-1 to PRV-4, A06, A07, A12, as truth tables."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ews.access import (
    MAY,
    NAMES,
    STUDENT_VIEWS,
    AccessPolicy,
    Caseload,
    Grant,
    Place,
    Reach,
    Reason,
    Role,
    Stay,
    View,
    Viewer,
    both,
    can_view_student,
    may,
    scope_of,
    who_may,
)
from ews.errors import InvalidPolicy
from tests.cast import (
    ANA,
    AT_ORCHARD,
    BEA,
    DANA,
    HARBOR,
    INES,
    IVY,
    JUN,
    JUNIPER,
    KAI,
    LEA,
    MIA,
    MO,
    NIGHTLY,
    NOOR,
    OMAR,
    PIET,
    ROSA,
    SAM,
    STAFF,
    STUDENTS,
    TEO,
    TODAY,
    TOMAS,
    UMA,
    VAL,
    WEI,
    ZOE,
    CastStaff,
    CastStudent,
    place,
)  # fmt: skip

OF_HARBOR = {ANA, JUN, KAI, IVY, OMAR, SAM, TEO}
OF_JUNIPER = {ZOE, SAM, MIA}
OF_DISTRICT_01 = OF_HARBOR | OF_JUNIPER | set(AT_ORCHARD)
NOBODY: set[CastStudent] = set()
DAY = timedelta(days=1)


def seen(staff: CastStaff, view: View, purpose: str = "", on: date = TODAY, **how) -> set[CastStudent]:
    """The students of the cast whom someone may see in a view."""
    viewer = staff.viewer(**how)
    return {student for student in STUDENTS if can_view_student(viewer, place(student), view, on, purpose).allowed}


@pytest.mark.parametrize(
    ("staff", "view", "expected"),
    [
        (DANA, View.RISK_LIST, OF_DISTRICT_01),
        (DANA, View.ATTENDANCE, OF_DISTRICT_01),
        (DANA, View.NUMBERS, OF_DISTRICT_01),
        (DANA, View.EXPORT, OF_DISTRICT_01),
        (WEI, View.RISK_LIST, OF_DISTRICT_01),
        (WEI, View.NUMBERS, OF_DISTRICT_01),
        (WEI, View.ATTENDANCE, NOBODY),
        (WEI, View.WHO_CAN_SEE, NOBODY),
        (ROSA, View.RISK_LIST, OF_HARBOR),
        (ROSA, View.ATTENDANCE, OF_HARBOR),
        (ROSA, View.EXPLANATION, OF_HARBOR),
        (ROSA, View.EXPORT, OF_HARBOR),
        (ROSA, View.SLOTS, OF_HARBOR),
        (TOMAS, View.PLAN, {ANA, KAI, OMAR}),
        (TOMAS, View.SLOTS, {ANA, KAI, OMAR}),
        (MO, View.CONTACT, {ANA, JUN}),
        (ROSA, View.NUMBERS, NOBODY),
        (TOMAS, View.RISK_LIST, {ANA, KAI, OMAR}),
        (TOMAS, View.EXPLANATION, {ANA, KAI, OMAR}),
        (TOMAS, View.EXPORT, {ANA, KAI, OMAR}),
        (BEA, View.ATTENDANCE, {JUN, IVY, SAM}),
        (MO, View.ATTENDANCE, {ANA, JUN}),
        (PIET, View.RISK_LIST, {NOOR}),
        (INES, View.RISK_LIST, NOBODY),
        (INES, View.ATTENDANCE, NOBODY),
        (INES, View.WHO_CAN_SEE, NOBODY),
        (UMA, View.RISK_LIST, NOBODY),
        (VAL, View.ATTENDANCE, NOBODY),
    ],
    ids=lambda value: value.login if isinstance(value, CastStaff) else None,
)
def test_each_role_sees_whom_it_is_for_and_nobody_else_SEC_10_PRV_1(staff, view, expected):
    assert seen(staff, view) == expected


@pytest.mark.parametrize("view", sorted(STUDENT_VIEWS - {View.ATTENDANCE, View.CONTACT}))
def test_a_mentor_gets_attendance_of_the_mentees_and_no_score_reason_or_export_PRV_2(view):
    assert seen(MO, view, purpose="I would like to know") == NOBODY


def test_a_counselor_sees_others_of_the_own_school_only_with_a_purpose_SEC_10():
    assert seen(TOMAS, View.RISK_LIST, purpose=" \t\n") == {ANA, KAI, OMAR}
    assert seen(TOMAS, View.RISK_LIST, purpose="covers for Bea") == OF_HARBOR
    assert seen(TOMAS, View.EXPORT, purpose="covers for Bea") == {ANA, KAI, OMAR}
    viewer = TOMAS.viewer()
    own, other = (can_view_student(viewer, place(who), View.ATTENDANCE, TODAY, "covers for Bea") for who in (ANA, JUN))
    assert (own.reason, other.reason) == (Reason.CASELOAD, Reason.PURPOSE)
    assert can_view_student(viewer, place(JUN), View.ATTENDANCE, TODAY).reason is Reason.NEEDS_PURPOSE
    assert can_view_student(viewer, place(MIA), View.ATTENDANCE, TODAY).reason is Reason.NO_RELATIONSHIP


def test_a_stated_purpose_is_kept_on_one_line_for_the_log_O17():
    assert scope_of(TOMAS.viewer(), View.RISK_LIST, TODAY, "covers\n2026 forged entry\tfor Bea").purpose == (
        "covers 2026 forged entry for Bea"
    )


def test_a_purpose_opens_nothing_for_whoever_has_no_caseload_of_a_counselor():
    for staff in (MO, ROSA, PIET, INES, VAL):
        assert seen(staff, View.EXPLANATION, purpose="please") == seen(staff, View.EXPLANATION)


def test_a_data_scientist_sees_rows_without_names_SEC_10():
    decision = can_view_student(WEI.viewer(), place(ANA), View.NUMBERS, TODAY)
    assert (decision.allowed, decision.shows_names) == (True, False)
    assert scope_of(WEI.viewer(), View.RISK_LIST, TODAY).naming().is_empty


def test_who_has_two_roles_is_told_names_only_where_a_role_tells_them():
    lead = Grant(Role.SCHOOL_LEAD, date(2025, 8, 1), school_id=JUNIPER.school_id)
    viewer = Viewer("k", "both", (*WEI.grants, lead), second_factor=True)
    told = {who: can_view_student(viewer, place(who), View.RISK_LIST, TODAY).shows_names for who in (ANA, MIA)}
    assert told == {ANA: False, MIA: True}


def test_on_transfer_the_old_school_loses_access_the_day_after_and_the_new_one_has_it_SEC_11():
    assert ZOE not in seen(ROSA, View.ATTENDANCE)
    assert ZOE not in seen(TOMAS, View.ATTENDANCE, purpose="was mine until last week")
    assert ZOE in seen(UMA, View.ATTENDANCE, on=date(2026, 10, 4))
    last_day = ZOE.stays[0].exit_date or pytest.fail("Zoë left")
    assert ZOE in seen(ROSA, View.ATTENDANCE, on=last_day)
    assert ZOE not in seen(ROSA, View.ATTENDANCE, on=last_day + DAY)


def test_grace_is_at_most_ten_school_days_and_its_use_is_told_apart_SEC_11():
    week = AccessPolicy(grace_days=7)
    decision = can_view_student(ROSA.viewer(), place(ZOE), View.ATTENDANCE, TODAY, policy=week)
    assert (decision.allowed, decision.reason) == (True, Reason.GRACE)
    assert not can_view_student(ROSA.viewer(), place(ZOE), View.ATTENDANCE, TODAY + DAY, policy=week).allowed
    assert can_view_student(ROSA.viewer(), place(ANA), View.ATTENDANCE, TODAY, policy=week).reason is Reason.SCHOOL
    for days in (-1, 15):
        with pytest.raises(InvalidPolicy):
            AccessPolicy(grace_days=days)


def test_the_receiving_school_may_prepare_before_the_first_day_and_not_earlier():
    entry = OMAR.stays[0].entry_date
    assert OMAR in seen(ROSA, View.ATTENDANCE, on=entry - 60 * DAY)
    assert OMAR not in seen(ROSA, View.ATTENDANCE, on=entry - 61 * DAY)
    with pytest.raises(InvalidPolicy):
        AccessPolicy(ahead_days=121)
    with pytest.raises(InvalidPolicy, match="log_days"):
        AccessPolicy(log_days=364)


def test_how_long_a_district_has_to_tell_of_a_leak_is_its_own_choice_PRV_16():
    assert AccessPolicy(breach_hours=24).breach_hours == 24
    for hours in (0, 1441):
        with pytest.raises(InvalidPolicy, match="breach_hours"):
            AccessPolicy(breach_hours=hours)


def test_who_left_the_district_is_seen_by_nobody_SEC_11():
    assert not any(LEA in seen(staff, view, purpose="why not") for staff in STAFF for view in STUDENT_VIEWS)


def test_a_caseload_counts_only_while_it_lasts_and_only_in_its_role():
    mentored = replace(place(TEO), caseloads=(Caseload(TOMAS.key, Role.MENTOR, date(2026, 1, 1)),))
    assert not can_view_student(TOMAS.viewer(), mentored, View.ATTENDANCE, TODAY).allowed
    ended = replace(place(TEO), caseloads=(Caseload(TOMAS.key, Role.COUNSELOR, date(2026, 1, 1), TODAY - DAY),))
    assert not can_view_student(TOMAS.viewer(), ended, View.ATTENDANCE, TODAY).allowed
    assert can_view_student(TOMAS.viewer(), ended, View.ATTENDANCE, TODAY - DAY).allowed
    later = replace(place(TEO), caseloads=(Caseload(TOMAS.key, Role.COUNSELOR, TODAY + DAY),))
    assert not can_view_student(TOMAS.viewer(), later, View.ATTENDANCE, TODAY).allowed


def test_a_grant_counts_from_its_first_to_its_last_day():
    assert MIA in seen(UMA, View.RISK_LIST, on=date(2026, 10, 4))
    assert seen(UMA, View.RISK_LIST, on=date(2026, 10, 5)) == NOBODY
    assert seen(UMA, View.RISK_LIST, on=date(2026, 8, 31)) == NOBODY


@pytest.mark.parametrize("staff", [DANA, WEI])
def test_administrators_and_data_scientists_see_nobody_without_a_second_factor_SEC_1(staff):
    assert seen(staff, View.RISK_LIST, second_factor=False) == NOBODY
    decision = can_view_student(staff.viewer(second_factor=False), place(ANA), View.RISK_LIST, TODAY)
    assert decision.reason is Reason.NEEDS_SECOND_FACTOR
    assert may(staff.viewer(second_factor=False), View.RUNS, TODAY).reason is Reason.NEEDS_SECOND_FACTOR


def test_an_export_needs_a_second_factor_in_every_role_SEC_1():
    for staff in STAFF:
        assert seen(staff, View.EXPORT, second_factor=False) == NOBODY
    assert may(ROSA.viewer(second_factor=False), View.EXPORT, TODAY).reason is Reason.NEEDS_SECOND_FACTOR
    assert may(MO.viewer(second_factor=False), View.EXPORT, TODAY).reason is Reason.NO_RELATIONSHIP


def test_a_token_is_the_intersection_of_its_scopes_and_its_owner_A07():
    everything = frozenset({*View, NAMES})
    assert seen(MO, View.RISK_LIST, scopes=everything) == NOBODY
    assert seen(ROSA, View.RISK_LIST, scopes=frozenset({View.ATTENDANCE})) == NOBODY
    assert seen(ROSA, View.RISK_LIST, scopes=frozenset()) == NOBODY
    assert seen(ROSA, View.RISK_LIST, scopes=everything) == OF_HARBOR
    assert not may(ROSA.viewer(scopes=frozenset({View.ATTENDANCE})), View.RUNS, TODAY).allowed


def test_a_token_is_told_names_only_when_its_scopes_say_so():
    scopes = frozenset({View.RISK_LIST})
    assert not can_view_student(ROSA.viewer(scopes=scopes), place(ANA), View.RISK_LIST, TODAY).shows_names
    assert can_view_student(ROSA.viewer(scopes=scopes | {NAMES}), place(ANA), View.RISK_LIST, TODAY).shows_names
    assert not can_view_student(WEI.viewer(scopes=scopes | {NAMES}), place(ANA), View.RISK_LIST, TODAY).shows_names


def test_the_account_of_a_program_opens_nothing_without_a_token():
    assert seen(NIGHTLY, View.RISK_LIST) == NOBODY
    assert seen(NIGHTLY, View.RISK_LIST, scopes=frozenset({View.RISK_LIST})) == OF_HARBOR


def test_viewing_as_another_person_shows_only_what_both_may_see_A12():
    dana_as_tomas = both(DANA.viewer(), TOMAS.viewer(second_factor=False))
    dana_as_piet = both(DANA.viewer(), PIET.viewer())
    tomas_as_dana = both(TOMAS.viewer(), DANA.viewer())
    wei_as_rosa = both(WEI.viewer(), ROSA.viewer())

    def found(viewer: Viewer, view: View) -> set[CastStudent]:
        return {student for student in STUDENTS if can_view_student(viewer, place(student), view, TODAY).allowed}

    assert found(dana_as_tomas, View.RISK_LIST) == found(tomas_as_dana, View.RISK_LIST) == {ANA, KAI, OMAR}
    assert found(dana_as_piet, View.RISK_LIST) == NOBODY
    assert found(wei_as_rosa, View.ATTENDANCE) == NOBODY
    assert not can_view_student(wei_as_rosa, place(ANA), View.RISK_LIST, TODAY).shows_names
    assert not may(both(DANA.viewer(), MO.viewer()), View.RUNS, TODAY).allowed


def test_an_auditor_reads_the_log_and_aggregates_and_a_mentor_neither():
    allowed = {view for view in View if may(INES.viewer(), view, TODAY).allowed}
    assert allowed == {View.RUNS, View.AGGREGATES, View.AUDIT_LOG}
    assert {view for view in View if may(MO.viewer(), view, TODAY).allowed} == {View.ATTENDANCE, View.CONTACT}
    assert not any(may(VAL.viewer(), view, TODAY).allowed for view in View)


def test_who_may_see_a_student_is_told_with_the_reason_PRV_1():
    viewers = [staff.viewer(second_factor=False) for staff in STAFF if staff.is_active]
    found = {viewer.login: decision.reason for viewer, decision in who_may(viewers, place(ANA), View.ATTENDANCE, TODAY)}
    assert found == {
        "dana.okafor": Reason.DISTRICT, "rosa.imani": Reason.SCHOOL, "tomas.nunez": Reason.CASELOAD,
        "bea.kowalski": Reason.PURPOSE, "mo.haddad": Reason.CASELOAD,
    }  # fmt: skip


def test_every_role_is_in_the_table_and_only_student_views_reach_students():
    assert set(MAY) == set(Role)
    for views in MAY.values():
        for view, reach in views.items():
            assert (view in STUDENT_VIEWS) is (reach is not Reach.NO_STUDENT)


def test_a_districts_choices_are_read_and_unknown_ones_refused(tmp_path):
    path = tmp_path / "access.toml"
    assert AccessPolicy.read(path) == AccessPolicy(grace_days=0, ahead_days=60)
    path.write_text("grace_days = 3\n", encoding="utf-8")
    assert AccessPolicy.read(path) == AccessPolicy(grace_days=3)
    path.write_text("grace = 3\n", encoding="utf-8")
    with pytest.raises(InvalidPolicy, match="grace"):
        AccessPolicy.read(path)


SCHOOL_IDS = st.sampled_from(["014", "022", "901"])
DAYS = st.integers(-400, 100).map(lambda days: TODAY + timedelta(days=days))
DISTRICTS = {"014": "01", "022": "01", "901": "09"}
STAYS = st.builds(
    lambda school, entry, length: Stay(
        school, entry, None if length is None else entry + timedelta(days=length), DISTRICTS[school]
    ),
    SCHOOL_IDS, DAYS, st.none() | st.integers(0, 400),
)  # fmt: skip
GRANTS = st.builds(
    Grant,
    st.sampled_from(Role),
    DAYS,
    ends_on=st.none() | DAYS,
    school_id=st.none() | SCHOOL_IDS,
    district_id=st.none() | st.sampled_from(["01", "09"]),
)
ROWS = st.builds(
    Caseload, st.sampled_from(["me", "other"]), st.sampled_from([Role.COUNSELOR, Role.MENTOR]), DAYS, st.none() | DAYS
)
PLACES = st.builds(
    Place, st.uuids().map(str), st.lists(STAYS, max_size=3).map(tuple), st.lists(ROWS, max_size=3).map(tuple)
)
SCOPES = st.none() | st.frozensets(st.sampled_from([*View, NAMES]))
VIEWERS = st.builds(
    Viewer, st.just("me"), st.just("me"), st.lists(GRANTS, max_size=3).map(tuple), SCOPES, st.booleans()
)
VIEWS = st.sampled_from(View)


@given(VIEWERS, PLACES, VIEWS, st.sampled_from(["", "a purpose"]))
def test_a_list_and_one_student_agree_SEC_13(viewer, where, view, purpose):
    decision = can_view_student(viewer, where, view, TODAY, purpose)
    scope = scope_of(viewer, view, TODAY, purpose)
    assert decision.allowed is scope.holds(where)
    assert decision.shows_names is scope.naming().holds(where)
    assert not (decision.shows_names and not decision.allowed)
    assert view in STUDENT_VIEWS or not decision.allowed


@given(VIEWERS, PLACES, VIEWS, SCOPES.filter(lambda scopes: scopes is not None))
def test_scopes_never_widen_A07(viewer, where, view, scopes):
    person = replace(viewer, scopes=None, grants=tuple(g for g in viewer.grants if g.role is not Role.SERVICE))
    limited = can_view_student(replace(person, scopes=scopes), where, view, TODAY)
    assert not limited.allowed or can_view_student(person, where, view, TODAY).allowed


@given(VIEWERS, VIEWERS, PLACES, VIEWS)
def test_viewing_as_never_widens_A12(viewer, other, where, view):
    together = can_view_student(both(viewer, other), where, view, TODAY)
    alone = can_view_student(viewer, where, view, TODAY)
    theirs = can_view_student(replace(other, second_factor=viewer.second_factor), where, view, TODAY)
    assert together.allowed is (alone.allowed and theirs.allowed)
    assert together.shows_names is (alone.shows_names and theirs.shows_names)


@given(VIEWERS, PLACES, VIEWS)
def test_taking_a_grant_away_never_shows_more(viewer, where, view):
    fewer = replace(viewer, grants=viewer.grants[1:])
    assert not can_view_student(fewer, where, view, TODAY).allowed or (
        can_view_student(viewer, where, view, TODAY).allowed
    )


@given(VIEWERS, PLACES, st.sampled_from(sorted(STUDENT_VIEWS)))
def test_nobody_is_seen_where_no_grant_holds_PRV_3(viewer, where, view):
    schools = {stay.school_id for stay in where.stays}
    elsewhere = tuple(replace(g, school_id=HARBOR.school_id) for g in viewer.grants)
    decision = can_view_student(replace(viewer, grants=elsewhere), where, view, TODAY, "a purpose")
    assert HARBOR.school_id in schools or not decision.allowed
