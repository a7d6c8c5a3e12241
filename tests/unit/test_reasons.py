from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from ews.features import FEATURES, GROUPS
from ews.policy import Policy
from ews.reasons import LOWERING, LOWERS, MATERIAL, MOST_RAISING, RAISES, RAISING, Explanations, explain, typical_values
from tests.pretend import dataset, model

NAMES = (
    "absence_rate_last_year", "days_absent_last_year", "days_enrolled_last_year", "spells_last_year",
    "known_years", "enrolled_share_last_year", "days_tardy_last_year", "grade_number", "has_gap",
)  # fmt: skip
STUDENT = (0.1, 18.0, 180.0, 9.0, 2.0, 1.0, 3.0, 4.0, 0.0)
BASE = -1.5


@dataclass(frozen=True)
class Told:
    """A model whose contributions are given: one dict a student, what is left out is 0."""

    given: list[dict[str, float]]
    feature_names: tuple[str, ...] = field(default=NAMES)

    def contributions(self, x: pd.DataFrame) -> np.ndarray:
        assert tuple(x.columns) == self.feature_names
        rows = [[given.get(name, 0.0) for name in self.feature_names] + [BASE] for given in self.given]
        return np.array(rows)


def explained(*given: dict[str, float], values: dict[str, float] | None = None) -> Explanations:
    x = pd.DataFrame([STUDENT] * len(given), columns=list(NAMES)).assign(**(values or {}))
    grades, years = pd.Series(["04"] * len(x)), pd.Series([2026] * len(x), dtype="Int64")
    return explain(Told(list(given)), x, grades, {}, Policy(), last_school_years=years)


def told(*given: dict[str, float], values: dict[str, float] | None = None) -> dict[str, str]:
    row = explained(*given, values=values).sentences.iloc[0]
    return {name: text for name, text in row.items() if text}


def test_a_group_speaks_through_its_strongest_fact_with_its_direction_EX_1() -> None:
    assert told({"absence_rate_last_year": 0.5, "spells_last_year": 0.7, "grade_number": -0.4}) == {
        "reason_1": "Was away 9 separate times in 2025-26. Raises the estimate.",
        "reason_2": "Missed 18 of 180 days in 2025-26. Raises the estimate.",
        "lowering_reason": "Is in grade 4. Lowers the estimate.",
    }


def test_at_most_three_raising_and_one_lowering_reason_are_told_strongest_first_EX_1() -> None:
    raising = {"absence_rate_last_year": 0.2, "spells_last_year": 0.5, "days_tardy_last_year": 0.3, "grade_number": 0.4}
    row = explained(raising, {name: -value for name, value in raising.items()}).sentences
    assert [text.split(" ")[0] + text.split(" ")[1] for text in row.loc[0, list(RAISING)]] == [
        "Wasaway", "Isin", "Arrivedlate",
    ]  # fmt: skip
    assert row.loc[0, LOWERING] == ""
    assert row.loc[1, list(RAISING)].tolist() == ["", "", ""]
    assert row.loc[1, LOWERING] == "Was away 9 separate times in 2025-26. Lowers the estimate."


def test_a_group_under_the_floor_is_no_reason_EX_2() -> None:
    assert told({"spells_last_year": MATERIAL - 1e-9}) == {}
    assert set(told({"spells_last_year": MATERIAL})) == {"reason_1"}


def test_the_sign_is_that_of_the_group_and_the_fact_goes_the_same_way_EX_2() -> None:
    one_way = told({"enrolled_share_last_year": 0.3, "has_gap": -0.5})
    assert one_way == {}, "the group lowers, the only fact that lowers cannot be told, and the other raises"
    other_way = told({"enrolled_share_last_year": 0.6, "has_gap": -0.5})
    assert other_way == {"reason_1": "Was enrolled 180 days in 2025-26. Raises the estimate."}


def test_features_of_one_phrase_speak_together() -> None:
    found = told({"absence_rate_last_year": 0.04, "days_absent_last_year": 0.04})
    assert found == {"reason_1": "Missed 18 of 180 days in 2025-26. Raises the estimate."}


def test_a_fact_that_did_not_matter_never_stands_in_for_one_that_cannot_be_told() -> None:
    assert told({"known_years": 0.6, "enrolled_share_last_year": 0.01}) == {}


def test_equal_groups_are_told_in_the_order_of_the_catalogue_EX_2() -> None:
    found = told({"grade_number": 0.2, "spells_last_year": 0.2, "absence_rate_last_year": 0.2})
    assert [text.split()[0] for text in found.values()] == ["Missed", "Was", "Is"]


def test_a_flag_is_told_only_where_it_is_true() -> None:
    assert told({"has_gap": -0.2}) == {}
    found = told({"has_gap": 0.2}, values={"has_gap": 1.0})
    assert found == {"reason_1": "The last school year known here is 2025-26. Raises the estimate."}


def test_a_student_without_history_is_told_so_and_not_of_missing_values() -> None:
    found = told({"absence_rate_last_year": 0.2, "spells_last_year": 0.4}, values=dict.fromkeys(NAMES[:4], np.nan))
    assert found == {"reason_1": "No attendance of earlier school years is known here. Raises the estimate."}


def test_without_years_a_sentence_still_names_the_period() -> None:
    x = pd.DataFrame([STUDENT], columns=list(NAMES), index=["s1"])
    found = explain(Told([{"spells_last_year": 1.0}]), x, pd.Series(["04"], index=["s1"]), {}, Policy())
    assert found.sentences.index.tolist() == ["s1"]
    assert found.sentences.loc["s1", "reason_1"].startswith("Was away 9 separate times in the last known school year.")


def test_no_students_have_no_reasons() -> None:
    real = model()
    empty = dataset().where(np.zeros(480, dtype=bool))
    found = explain(real, empty.x, empty.frame["grade_level"], {}, Policy())
    assert (len(found.base), len(found.groups), len(found.sentences)) == (0, 0, 0)


@pytest.fixture(scope="module")
def real() -> tuple:
    students = dataset()
    made = model()
    return students, made, explain(made, students.x, students.frame["grade_level"], typical_values(students), Policy())


def test_groups_and_base_sum_to_the_raw_score_of_every_student_EX_2(real: tuple) -> None:
    students, made, found = real
    assert list(found.groups.columns) == list(GROUPS)
    np.testing.assert_allclose(found.groups.sum(axis=1) + found.base, made.raw_scores(students.x), rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.raw, made.raw_scores(students.x), rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore:The set_.* function:PendingDeprecationWarning")
@pytest.mark.filterwarnings("ignore:LightGBM binary classifier with TreeExplainer:UserWarning")
def test_shap_gives_the_same_contributions(real: tuple) -> None:
    """Imported here, since the import itself warns of matplotlib calls; the other warning tells of a list of old."""
    import shap

    students, made, _ = real
    values = shap.TreeExplainer(made.booster).shap_values(students.x[:50].to_numpy())
    np.testing.assert_allclose(made.contributions(students.x[:50])[:, :-1], values, rtol=0, atol=1e-6)


def test_every_sentence_has_the_sign_of_its_group_EX_2(real: tuple) -> None:
    _, _, found = real
    raising = (found.groups >= MATERIAL).sum(axis=1)
    told_raising = (found.sentences[list(RAISING)] != "").sum(axis=1)
    assert (told_raising <= np.minimum(raising, MOST_RAISING)).all()
    assert told_raising.sum() > 0
    assert all(text.endswith(RAISES) for name in RAISING for text in found.sentences[name] if text)
    assert all(text.endswith(LOWERS) for text in found.sentences[LOWERING] if text)


def test_the_same_students_in_another_order_get_the_same_text_EX_7(real: tuple) -> None:
    students, made, found = real
    order = np.random.default_rng(1).permutation(len(students.x))
    typical, grades = typical_values(students), students.frame["grade_level"]
    again = explain(made, students.x.iloc[order], grades.iloc[order], typical, Policy())
    pd.testing.assert_frame_equal(again.sentences.sort_index(), found.sentences)


def test_typical_values_are_the_medians_of_each_grade() -> None:
    students = dataset()
    fifth = students.frame[students.frame["grade_level"] == "05"]["days_absent_last_year"]
    found = typical_values(students)
    assert set(found) == set(students.feature_names)
    assert found["days_absent_last_year"]["05"] == fifth.median()
    assert sorted(found["days_absent_last_year"]) == ["05", "06"]


def test_a_grade_without_a_value_has_no_typical_one() -> None:
    students = dataset()
    is_fifth = students.frame["grade_level"] == "05"
    students.frame.loc[is_fifth, "spells_last_year"] = np.nan
    found = typical_values(students)["spells_last_year"]
    assert found["05"] is None
    assert found["06"] is not None


def test_features_that_are_only_told_never_carry_a_contribution(real: tuple) -> None:
    students, made, _ = real
    only_told = [number for number, name in enumerate(made.feature_names) if not FEATURES[name].learned]
    assert only_told
    assert (made.contributions(students.x)[:, only_told] == 0).all()


@pytest.mark.parametrize(
    ("contribution", "typical", "is_told"),
    [(0.2, 8.0, True), (0.2, 9.0, True), (0.2, 10.0, False), (-0.2, 8.0, False), (-0.2, 9.0, True), (-0.2, 10.0, True)],
)
def test_a_sentence_that_its_own_comparison_speaks_against_is_not_told(
    contribution: float, typical: float, is_told: bool
) -> None:
    x = pd.DataFrame([STUDENT], columns=list(NAMES))
    medians = {"spells_last_year": {"04": typical}}
    found = explain(Told([{"spells_last_year": contribution}]), x, pd.Series(["04"]), medians, Policy())
    assert (found.sentences != "").to_numpy().any() == is_told
