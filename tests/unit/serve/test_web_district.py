"""A district in numbers: rates by school, grade and group, need beside slots, and nothing of a few (UX-6, FAIR-5)."""

import re
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ews.access import View, both, schools_told_of
from ews.home import Home
from ews.policy import Policy
from ews.store.reading import Run
from ews.store.schema import RISK_ROWS
from ews_serve.web.district import Counted, district_page, with_status
from ews_serve.web.evidence import evidence_of
from tests import evidence
from tests.cast import ANA, DANA, INES, MO, NOON, PIET, ROSA, STUDENTS, TODAY, TOMAS, UMA, VAL, WEI
from tests.services import Running

PAGE = {"Accept": "text/html"}
PLACES = [("014", "01"), ("022", "01"), ("901", "09")]
RUN = Run("r", 2027, 0, date(2026, 6, 12), 3, "0" * 64, "0" * 64, 900, NOON, "tests", True)
NAMES = {"014": "Harbor Street", "022": "Juniper Middle", "901": "Fairview"}


def rows(*counts: tuple[str, str, float, int], risk: float = 0.3) -> pd.DataFrame:
    """School, grade, days missed of 100 (NaN: not known), students."""
    made = pd.DataFrame(
        [
            {"school_id": school, "grade_level": grade, "days_absent_last_year": absent, "students": students,
             "days_enrolled_last_year": np.nan if np.isnan(absent) else 100.0, "expected": risk * students}
            for school, grade, absent, students in counts
        ]
    )  # fmt: skip
    return made.astype({"days_absent_last_year": "Int64", "days_enrolled_last_year": "Int64"})


LARGE = rows(
    ("014", "KG", 3, 60), ("014", "KG", 12, 40), ("022", "06", 3, 90), ("022", "06", 25, 30),
    ("022", "06", float("nan"), 20),
)  # fmt: skip


def page_of(counts: pd.DataFrame, slots: int = 0, trend: pd.DataFrame | None = None):
    policy = Policy()
    return district_page(Counted(RUN, with_status(counts, policy), NAMES, slots, policy), None, trend)


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.parametrize("who", [DANA, WEI, ROSA, TOMAS, INES, PIET])
def test_it_opens_for_who_may_see_numbers_of_nobody_in_particular(running: Running, who):
    shown = running.client(who)("GET", "/district", headers=PAGE)
    assert shown.status_code == 200
    assert not [one for one in STUDENTS if one.key in shown.text or one.name in shown.text]


@pytest.mark.parametrize("who", [MO, VAL, UMA])
def test_it_does_not_exist_for_others(running: Running, who):
    assert running.client(who)("GET", "/district", headers=PAGE).status_code == 404


def test_of_the_few_students_of_the_cast_nothing_is_told_FAIR_5(running: Running):
    text = text_of(running.client(DANA)("GET", "/district", headers=PAGE).text)
    assert "not told missed a tenth or more of 2025-26" in text
    assert not re.search(r"(Harbor|Juniper|Orchard)[\w ]* \d+ of 100", text)
    assert "Too few students" in text


def test_a_role_tells_of_its_own_district_alone():
    told = {who.login: schools_told_of(who.viewer(), View.AGGREGATES, TODAY, PLACES) for who in (DANA, ROSA, PIET, MO)}
    assert told == {DANA.login: {"014", "022"}, ROSA.login: {"014", "022"}, PIET.login: {"901"}, MO.login: set()}


def test_who_looks_as_another_is_told_what_both_would_be_A12():
    assert schools_told_of(both(DANA.viewer(), PIET.viewer()), View.AGGREGATES, TODAY, PLACES) == frozenset()
    assert schools_told_of(both(DANA.viewer(), MO.viewer()), View.AGGREGATES, TODAY, PLACES) == frozenset()
    assert schools_told_of(both(DANA.viewer(), ROSA.viewer()), View.AGGREGATES, TODAY, PLACES) == {"014", "022"}


def test_without_a_second_factor_a_district_office_is_told_nothing_SEC_1():
    assert not schools_told_of(DANA.viewer(second_factor=False), View.AGGREGATES, TODAY, PLACES)


def test_schools_of_another_district_are_not_on_the_page(running: Running):
    text = running.client(PIET)("GET", "/district", headers=PAGE).text
    assert "Harbor Street" not in text
    assert "Fairview" not in running.client(ROSA)("GET", "/district", headers=PAGE).text


def test_rates_are_of_students_whose_last_year_is_known():
    it = page_of(LARGE)
    assert [(bar.label, bar.text, bar.of) for bar in it.schools.bars] == [
        ("Harbor Street", "40 of 100", "100"), ("Juniper Middle", "25 of 100", "120"),
    ]  # fmt: skip
    assert it.figures[0] == ("240", "students on lists")
    assert it.figures[1][0] == "32 of 100"
    assert it.figures[2][0] == "30 of 100"


def test_grades_stand_in_their_order_and_say_where_most_were_away():
    it = page_of(LARGE)
    assert [bar.label for bar in it.grades.bars] == ["Kindergarten", "Grade 6"]
    assert it.grades.summary == "From 25 of 100 (Grade 6) to 40 of 100 (Kindergarten)."


def test_bands_are_those_of_the_one_definition():
    it = page_of(LARGE)
    assert [bar.of for bar in it.bands.bars] == ["150", "0", "40", "30"]
    assert it.bands.bars[0].label == "Missed less than 5 in 100 days"


def test_a_small_band_takes_another_one_with_it_so_that_the_total_does_not_tell_it():
    it = page_of(rows(("014", "03", 2, 100), ("014", "03", 7, 4), ("014", "03", 12, 40)))
    assert [bar.of for bar in it.bands.bars] == ["100", "hidden", "hidden", "0"]


def test_a_small_school_takes_another_one_with_it_FAIR_5():
    counts = rows(("014", "03", 2, 60), ("014", "03", 12, 40), ("022", "06", 2, 80), ("022", "06", 12, 20),
                  ("901", "04", 2, 3), ("901", "04", 12, 2))  # fmt: skip
    bars = {bar.label: bar.text for bar in page_of(counts).schools.bars}
    assert bars["Fairview"] == "hidden"
    assert list(bars.values()).count("hidden") == 2


def test_need_counts_those_not_yet_over_the_line_beside_the_slots():
    need = page_of(LARGE, slots=20).need
    assert "170 students missed less than a tenth last year, or are new. About 51 of them" in need[0]
    assert "room for 20 students" in need[1]
    assert "about 31 students who may need one" in need[1]
    assert "enough" in page_of(LARGE, slots=80).need[1]
    assert len(page_of(LARGE).need) == 1


def test_the_trend_is_told_in_a_sentence_and_only_where_two_years_are_known():
    trend = pd.DataFrame({"school_year": [2025, 2026], "students": [100, 200], "chronic": [20, 60]})
    assert page_of(LARGE, trend=trend).trend.summary == (
        "20 of 100 students missed a tenth or more in 2024-25, and 30 of 100 in 2025-26."
    )
    assert page_of(LARGE, trend=trend.head(1)).trend is None


def test_groups_come_from_the_audit_with_what_it_hides(tmp_path):
    home = Home(tmp_path)
    evidence.keep_evidence(home.evidence / RUN.bundle_sha256)
    policy = Policy()
    found = Counted(RUN, with_status(LARGE, policy), NAMES, 0, policy)
    gender, _ = district_page(found, evidence_of(home, RUN.bundle_sha256), None).groups
    assert [(bar.label, bar.text) for bar in gender.bars] == [
        ("female", "33 of 100"), ("male", "33 of 100"), ("nonbinary", "hidden"),
    ]  # fmt: skip


def test_the_read_is_in_the_log(running: Running):
    running.client(INES)("GET", "/district", headers=PAGE)
    found = running.service.audit.between(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    assert ("ines.aumann", "aggregates") in [(one.entry.login, one.entry.view) for one in found]


def test_who_leaves_a_list_is_not_told_by_a_number_that_changes(running: Running):
    before = running.client(DANA)("GET", "/district", headers=PAGE).text
    with running.service.store.writing() as connection:
        connection.execute(RISK_ROWS.delete().where(RISK_ROWS.c.student_key == ANA.key))
    assert running.client(DANA)("GET", "/district", headers=PAGE).text == before
