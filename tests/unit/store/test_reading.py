"""Reading the store: a list shows whom access would open, page after page, and nothing of anyone else."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from ews.access import STUDENT_VIEWS, AccessPolicy, Grant, Role, Scope, View, Viewer, both, can_view_student, scope_of
from ews.store import reading
from ews.store.opening import Store
from ews.store.reading import MOST_ROWS, After, Order, Wanted, place_of, risk_list_page, schools_seen, student_view
from ews.store.schema import HISTORIES, IN_FORCE, RISK_ROWS, RUNS, STUDENTS
from ews.store.scopes import sees
from tests.cast import (
    ANA,
    BEA,
    DANA,
    FAIRVIEW,
    HARBOR,
    IVY,
    JUN,
    JUNIPER,
    KAI,
    LEA,
    MO,
    NOON,
    NOOR,
    ORCHARD,
    ROSA,
    SAM,
    STAFF,
    TODAY,
    TOMAS,
    WEI,
    ZOE,
    CastStaff,
)
from tests.cast import STUDENTS as CAST

RUN = "0123456789abcdef"
LANES = ("prevent", "recover")
DAYS = st.dates(date(2025, 8, 1), date(2026, 12, 31))
SCHOOL_IDS = (HARBOR.school_id, JUNIPER.school_id, FAIRVIEW.school_id)
GRANTS = st.builds(
    Grant,
    role=st.sampled_from(list(Role)),
    starts_on=DAYS,
    ends_on=st.none() | DAYS,
    school_id=st.none() | st.sampled_from(SCHOOL_IDS),
    district_id=st.none() | st.sampled_from(["01", "09"]),
)
VIEWERS = st.builds(
    Viewer,
    staff_key=st.sampled_from([staff.key for staff in STAFF]),
    login=st.just("somebody"),
    grants=st.lists(GRANTS, max_size=4).map(tuple),
    scopes=st.none() | st.frozensets(st.sampled_from([*View, "names"])),
    second_factor=st.booleans(),
)
EVERYTHING = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def listed(store: Store) -> Store:
    """The cast's store with a run in force: everybody is on the list of the first school, three with the same risk."""
    rows = [
        {"run_id": RUN, "student_key": student.key, "school_id": student.stays[0].school_id, "rank": number,
         "grade_level": student.grade_level, "lane": LANES[number % 2], "risk": max(0.9 - number / 10, 0.5),
         "days_absent_last_year": None if number == 3 else number % 4, "days_enrolled_last_year": 180,
         "line": json.dumps({"rank": number, "student_key": student.key}), "explanation": '{"base":0}'}
        for number, student in enumerate(CAST, start=1)
    ]  # fmt: skip
    histories = [{"student_key": s.key, "attendance": '{"years":[]}', "fingerprint": "0" * 32} for s in CAST]
    with store.writing() as connection:
        connection.execute(insert(RUNS).values(
            run_id=RUN, target_year=2027, after_day=0, data_through=TODAY, model_version=1, bundle_sha256="0" * 64,
            list_sha256="1" * 64, students=len(rows), provenance="{}", published_at=NOON, published_by="tests",
        ))  # fmt: skip
        connection.execute(insert(RISK_ROWS), rows)
        connection.execute(insert(HISTORIES), histories)
        connection.execute(insert(IN_FORCE).values(one=1, run_id=RUN, data_id="0" * 16, since=NOON))
    return store


def found_by_sql(connection: Connection, scope: Scope) -> set[str]:
    return set(connection.scalars(select(STUDENTS.c.student_key).where(sees(scope, STUDENTS.c.student_key))))


def found_by_python(connection: Connection, scope: Scope, *staff_keys: str) -> set[str]:
    places = [place_of(connection, student.key, *staff_keys) for student in CAST]
    return {place.student_key for place in places if scope.holds(place)}


def seen_by(staff: CastStaff, view: View = View.RISK_LIST, purpose: str = "", on: date = TODAY) -> Scope:
    return scope_of(staff.viewer(), view, on, purpose)


def pages(connection: Connection, scope: Scope, wanted: Wanted = Wanted(), limit: int = MOST_ROWS) -> list:  # noqa: B008 - frozen
    lines, after = [], None
    while True:
        page = risk_list_page(connection, RUN, scope, wanted, after=after, limit=limit)
        assert len(page.lines) <= limit
        lines += page.lines
        if page.after is None:
            return lines
        after = page.after


def test_a_scope_finds_the_same_students_in_sql_and_in_python_SEC_13(store):
    @EVERYTHING
    @given(
        viewer=VIEWERS,
        other=st.none() | VIEWERS,
        view=st.sampled_from(sorted(STUDENT_VIEWS)),
        on=DAYS,
        purpose=st.sampled_from(["", "a parent asked"]),
        policy=st.builds(AccessPolicy, grace_days=st.integers(0, 14), ahead_days=st.integers(0, 120)),
    )
    def holds(viewer, other, view, on, purpose, policy) -> None:
        looks_as = viewer if other is None else both(viewer, other)
        scope = scope_of(looks_as, view, on, purpose, policy)
        keys = [viewer.staff_key, *([other.staff_key] if other else [])]
        with store.reading() as connection:
            assert found_by_sql(connection, scope) == found_by_python(connection, scope, *keys)
            named = scope.naming()
            assert found_by_sql(connection, named) == found_by_python(connection, named, *keys)

    holds()


@pytest.mark.parametrize("staff", STAFF, ids=lambda staff: staff.login)
def test_a_list_shows_exactly_those_whose_page_opens_SEC_13(listed, staff):
    for purpose, view in (("", View.RISK_LIST), ("a parent asked", View.RISK_LIST), ("", View.EXPORT)):
        with listed.reading() as connection:
            lines = pages(connection, seen_by(staff, view, purpose))
            opens = {
                student.key: can_view_student(
                    staff.viewer(), place_of(connection, student.key, staff.key), view, TODAY, purpose
                )
                for student in CAST
                if student_view(connection, student.key)
            }
        assert {line.student_key for line in lines} == {key for key, said in opens.items() if said.allowed}
        for line in lines:
            assert (line.student_id is not None) == opens[line.student_key].shows_names


def test_who_is_not_to_be_scored_or_was_withdrawn_is_on_no_list_and_has_no_explanation_P07_I32(listed):
    everyone = Viewer("x", "x", (Grant(Role.DISTRICT_ADMIN, date(2020, 1, 1)),), second_factor=True)
    with listed.reading() as connection:
        seen = {line.student_key for line in pages(connection, scope_of(everyone, View.RISK_LIST, TODAY))}
        assert not seen & {KAI.key, LEA.key}
        assert student_view(connection, KAI.key) is None
        assert student_view(connection, LEA.key) is None
        assert reading.history(connection, KAI.key) is not None
        assert reading.history(connection, LEA.key) is None


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("limit", [1, 2, 3, 500])
def test_pages_bring_every_line_once_in_order_also_where_values_are_equal_or_unknown_W13(listed, order, limit):
    with listed.reading() as connection:
        whole = pages(connection, seen_by(DANA), Wanted(order=order))
        assert pages(connection, seen_by(DANA), Wanted(order=order), limit) == whole
    assert len({line.student_key for line in whole}) == len(whole) > 4


def test_each_order_sorts_by_what_it_says(listed):
    with listed.reading() as connection:
        by_rank, by_risk, by_grade, by_days = (
            [student_of(line.student_key) for line in pages(connection, seen_by(DANA), Wanted(order=order))]
            for order in Order
        )
    assert [student.number for student in by_rank] == sorted(student.number for student in by_rank)
    assert by_risk[:3] == by_rank[:3]
    assert [student.grade_level for student in by_grade] == sorted(student.grade_level for student in by_grade)
    assert by_days[-1] == ZOE, "unknown days come last"


def student_of(key: str):
    return next(student for student in CAST if student.key == key)


def test_a_page_is_never_longer_than_the_most_W13(listed):
    with listed.reading() as connection:
        page = risk_list_page(connection, RUN, seen_by(DANA), Wanted(), limit=10**9)
    assert len(page.lines) <= MOST_ROWS


def test_filters_leave_out_and_never_bring_in(listed):
    with listed.reading() as connection:
        scope = seen_by(ROSA)
        assert pages(connection, scope, Wanted(school_id=FAIRVIEW.school_id)) == []
        assert {line.student_key for line in pages(connection, scope, Wanted(grade_levels=("03", "04")))} == {
            ANA.key, JUN.key,
        }  # fmt: skip
        recover = pages(connection, scope, Wanted(lane="recover"))
        assert all(student_of(line.student_key).number % 2 for line in recover)
        mine = pages(connection, seen_by(BEA, purpose="a parent asked"), Wanted(caseload_of=BEA.key))
        assert {line.student_key for line in mine} == {JUN.key, IVY.key, SAM.key}
        assert pages(connection, scope, Wanted(caseload_of=TOMAS.key)) != []


def test_words_in_a_filter_are_values_and_no_sql_W16(listed):
    with listed.reading() as connection:
        for text in ("' or '1'='1", "%", "_14", "014'; drop table students; --", "\\"):
            assert pages(connection, seen_by(DANA), Wanted(school_id=text)) == []
            assert pages(connection, seen_by(DANA), Wanted(lane=text)) == []
            assert place_of(connection, text, text).stays == ()
            assert student_view(connection, text) is None
        assert len(pages(connection, seen_by(DANA))) > 4


def test_a_data_scientist_is_told_no_names_and_no_ids_SEC_10(listed):
    with listed.reading() as connection:
        lines = pages(connection, seen_by(WEI))
    assert lines
    for line in lines:
        assert (line.student_id, line.name) == (None, None)
        assert set(json.loads(line.to_json())) == {"rank", "student_key"}


def test_a_line_with_names_is_one_json_object_whatever_the_name_holds(listed):
    with listed.reading() as connection:
        lines = {line.student_key: json.loads(line.to_json()) for line in pages(connection, seen_by(ROSA))}
    assert lines[IVY.key]["name"] == "=HYPERLINK(Ivy)"
    assert lines[ANA.key] == {"student_id": "007", "name": "Ana Peña", "rank": 1, "student_key": ANA.key}


def test_a_mentor_has_no_list_SEC_10(listed):
    with listed.reading() as connection:
        assert pages(connection, seen_by(MO)) == []
        assert reading.history(connection, ANA.key) is not None


def test_schools_are_those_of_the_students_seen(listed):
    with listed.reading() as connection:
        of_lead = schools_seen(connection, seen_by(ROSA))
        assert [school.school_id for school in of_lead] == [HARBOR.school_id]
        district = schools_seen(connection, seen_by(DANA))
        assert [school.school_id for school in district] == [HARBOR.school_id, JUNIPER.school_id, ORCHARD.school_id]
        assert schools_seen(connection, seen_by(MO)) == []
        counted = of_lead[0].students
        assert counted == len(found_by_sql(connection, seen_by(ROSA)) - {LEA.key})


def test_the_old_school_loses_the_student_the_day_after_the_last_one_SEC_11(listed):
    lead = Viewer("x", "x", (Grant(Role.SCHOOL_LEAD, date(2020, 1, 1), school_id=HARBOR.school_id),))
    last = ZOE.stays[0].exit_date
    with listed.reading() as connection:
        for day, is_there in ((last, True), (last + timedelta(days=1), False)):
            keys = {line.student_key for line in pages(connection, scope_of(lead, View.RISK_LIST, day))}
            assert (ZOE.key in keys) == is_there


def test_a_student_of_another_district_is_on_no_list_here(listed):
    with listed.reading() as connection:
        assert NOOR.key not in {line.student_key for line in pages(connection, seen_by(DANA))}


def test_the_run_in_force_is_the_one_that_the_pointer_names(listed):
    with listed.reading() as connection:
        run = reading.run_in_force(connection)
        assert (run.run_id, run.is_in_force, run.published_at) == (RUN, True, NOON)
        assert [one.run_id for one in reading.runs(connection)] == [RUN]
        assert reading.provenance_of(connection, "nothing") is None


def test_before_the_first_publication_there_is_no_run(store):
    with store.reading() as connection:
        assert reading.run_in_force(connection) is None
        assert reading.runs(connection) == []
        assert student_view(connection, ANA.key) is None


def test_a_page_after_the_last_line_is_empty(listed):
    with listed.reading() as connection:
        page = risk_list_page(connection, RUN, seen_by(DANA), Wanted(), after=After(10**6, ""), limit=10)
    assert (page.lines, page.after) == ((), None)


def test_the_view_of_the_person_viewed_as_narrows_the_list_A12(listed):
    looks_as = both(DANA.viewer(), ROSA.viewer())
    with listed.reading() as connection:
        keys = {line.student_key for line in pages(connection, scope_of(looks_as, View.RISK_LIST, TODAY))}
        of_rosa = {line.student_key for line in pages(connection, seen_by(ROSA))}
    assert keys == of_rosa
    assert replace(looks_as, viewing_as=None) == DANA.viewer()
