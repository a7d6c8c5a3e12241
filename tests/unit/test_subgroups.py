"""The audit and its gate: quantities by hand, planted unfairness, and what is never told."""

import datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.subgroups import audit, findings_frame, for_the_public, gate, groups_of, published, reliability
from ews.subgroups.audit import _measured, _rows
from ews.subgroups.quantities import point_values, quantities
from ews.tables import PROTECTED
from ews.treatment import mentored_in
from tests.rows import pretend_dataset, pretend_predictions

POLICY = Policy()


def groups_for(predictions: pd.DataFrame, **dimensions: object) -> pd.DataFrame:
    return predictions[["student_id", "school_year"]].assign(**dimensions, missing_share=0.0)


def value_of(audited: pd.DataFrame, quantity: str, group: str, column: str = "value") -> float:
    return audited.query("quantity == @quantity and group == @group")[column].item()


def equal_groups(seed: int = 1, students: int = 4000) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Students of forty schools in two groups that differ in nothing, and in two tiny ones."""
    predictions = pretend_predictions(students=students, schools=40, seed=seed).assign(school_year=2026)
    gender = np.array(["female", "male"])[np.random.default_rng(seed).integers(0, 2, students)]
    return predictions, groups_for(predictions, gender=gender)


def ten_and_ten() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two schools of ten with two slots each (20 %), group A and B in each of them.

    | school | listed | not listed |
    | one | A chronic, B not | A chronic, B chronic, six B not |
    | two | A chronic, B chronic | A not, B chronic, six A not |
    """
    group = list("AB" + "AB" + "BBBBBB" + "AB" + "AB" + "AAAAAA")
    outcome = [1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0]
    predictions = pd.DataFrame(
        {
            "student_id": [f"{number:02d}" for number in range(20)],
            "school_id": ["one"] * 10 + ["two"] * 10,
            "school_year": 2026,
            "was_chronic": False,
            "outcome": outcome,
            "tie_key": np.arange(20.0),
            "LightGBM": [0.8, 0.6] + [0.3] * 8 + [0.8, 0.6] + [0.3] * 8,
        }
    )
    return predictions, groups_for(predictions, gender=group)


def test_quantities_at_the_schools_own_cut_by_hand_FAIR5():
    """A: 3 chronic of 10, 2 of them among the 2 of A that are listed. B: 3 of 10, 1 of them among 2 listed."""
    predictions, groups = ten_and_ten()
    audited = audit(predictions, groups, Policy(slots_percent=20), replicates=10)
    a, b = ({row.quantity: row.value for row in audited.query("group == @name").itertuples()} for name in "AB")
    assert (a["recall_at_k"], b["recall_at_k"]) == (2 / 3, pytest.approx(1 / 3))
    assert (a["fnr"], b["fnr"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert (a["false_omission_rate"], b["false_omission_rate"]) == (1 / 8, 2 / 8)
    assert (a["precision_at_k"], b["precision_at_k"]) == (1, 1 / 2)
    assert (a["selection_over_need"], b["selection_over_need"]) == (2 / 3, 2 / 3)
    assert (a["recall_ratio"], b["recall_ratio"]) == (1, 1 / 2)
    in_school_one, in_school_two = 1 / 3, 2 / 3
    assert a["recall_within_schools"] == pytest.approx(2 / (2 * in_school_one + in_school_two))
    assert b["recall_within_schools"] == pytest.approx(1 / (in_school_one + 2 * in_school_two))
    assert a["calibration_in_the_large"] == pytest.approx((2 * 0.8 + 8 * 0.3) / 10 - 0.3)
    assert value_of(audited, "recall_at_k", "all") == 3 / 6


def test_every_quantity_of_every_group_has_an_interval_that_holds_its_value_FAIR5():
    audited = audit(*equal_groups(), POLICY, replicates=100)
    assert list(audited.columns) == [
        "dimension", "group", "quantity", "value", "low", "high", "students", "positives", "suppressed",
    ]  # fmt: skip
    assert not audited.duplicated(["dimension", "group", "quantity"]).any()
    within = (audited["low"] <= audited["value"]) & (audited["value"] <= audited["high"])
    assert within[audited["quantity"] != "ece"].all()
    assert set(audited["dimension"]) == {"all", "gender"}


def test_fairlearns_values_are_those_the_intervals_are_made_around():
    predictions, groups = equal_groups()
    rows, _ = _rows(predictions, groups, POLICY, "LightGBM")
    measured = _measured(rows, np.zeros(len(rows), dtype=int), 1, 1)
    points = point_values(measured, rows["gender"])
    ours = quantities(measured, pd.factorize(rows["gender"], sort=True)[0], 2)
    for name in points:
        np.testing.assert_allclose(points[name], ours[name][0], atol=1e-12)


def test_of_many_students_the_value_is_exact_and_only_the_intervals_go_by_rounded_probabilities(monkeypatch):
    """Rounding 12,000 probabilities moves no end of an interval by as much as a thousandth."""
    predictions, groups = equal_groups(students=12_000)
    told = audit(predictions, groups, POLICY, replicates=50)
    monkeypatch.setattr("ews.subgroups.quantities._MOST_LEVELS", 20_000)
    exact = audit(predictions, groups, POLICY, replicates=50)
    pd.testing.assert_series_equal(told["value"], exact["value"], check_exact=True)
    ends = told[["low", "high"]].to_numpy() - exact[["low", "high"]].to_numpy()
    assert 0 < np.nanmax(np.abs(ends)) < 1e-3


def test_the_calibration_slope_is_that_of_a_logistic_regression():
    predictions, groups = equal_groups()
    audited = audit(predictions, groups, POLICY, replicates=5)
    log_odds = np.log(predictions["LightGBM"] / (1 - predictions["LightGBM"])).to_numpy()
    for name in ("female", "male"):
        here = (groups["gender"] == name).to_numpy()
        fitted = LogisticRegression(C=1e9, tol=1e-9).fit(log_odds[here, None], predictions["outcome"][here])
        assert value_of(audited, "calibration_slope", name) == pytest.approx(fitted.coef_.item(), abs=0.01)


def test_probabilities_doubled_for_a_group_show_in_its_ece_and_calibration():
    predictions, groups = equal_groups()
    doubled = predictions["LightGBM"].where(groups["gender"] == "male", np.minimum(2 * predictions["LightGBM"], 1))
    audited = audit(predictions.assign(LightGBM=doubled), groups, POLICY, replicates=5)
    assert value_of(audited, "ece", "female") > 0.1 > 0.05 > value_of(audited, "ece", "male")
    assert value_of(audited, "calibration_in_the_large", "female") > 0.1


def test_groups_that_differ_in_nothing_pass_FAIR6():
    found = gate(audit(*equal_groups(), POLICY, replicates=200))
    assert [finding.quantity for finding in found] == ["not audited"]
    assert not found[0].blocks


def shifted(log_odds: float, share: float = 0.25, seed: int = 1) -> list:
    """Findings where the scores of one group, of a given share, are shifted by some log-odds."""
    predictions, groups = equal_groups(seed)
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(len(predictions)) < share, "shifted", "as they are")
    score = np.log(predictions["LightGBM"] / (1 - predictions["LightGBM"])) + log_odds * (group == "shifted")
    groups = groups_for(predictions, race_ethnicity=group)
    return gate(audit(predictions.assign(LightGBM=1 / (1 + np.exp(-score))), groups, POLICY, replicates=200))


def test_a_group_whose_scores_are_shifted_down_is_blocked_for_recall_and_for_calibration_FAIR6():
    blocking = [finding for finding in shifted(-1.5) if finding.blocks]
    assert {(finding.group, finding.quantity) for finding in blocking} == {
        ("shifted", "recall_within_schools"), ("shifted", "calibration_in_the_large"),
    }  # fmt: skip
    assert all(finding.positives >= 30 for finding in blocking)
    assert all("This blocks." in finding.text for finding in blocking)


def test_of_a_small_group_the_same_shift_is_shown_and_signed_for_FAIR6():
    findings = [finding for finding in shifted(-1.5, share=0.03) if finding.group == "shifted"]
    assert findings
    assert not any(finding.blocks for finding in findings)
    assert all("fewer than 30 chronically absent students" in finding.text for finding in findings)
    assert all(finding.low is not None for finding in findings)


def finding_rows(
    ratio: tuple, within: tuple, off: tuple, positives: int = 30, dimension: str = "gender"
) -> pd.DataFrame:
    """Two groups as an audit tells of them, the first with these values and intervals."""
    names = ("recall_ratio", "recall_within_schools", "calibration_in_the_large")
    first = [(dimension, "a", name, *numbers) for name, numbers in zip(names, (ratio, within, off), strict=True)]
    fine = [
        (dimension, "b", name, *numbers) for name, numbers in zip(names, (WELL, WELL, (0, -0.01, 0.01)), strict=True)
    ]
    rows = pd.DataFrame([*first, *fine], columns=["dimension", "group", "quantity", "value", "low", "high"])
    return rows.assign(students=500, positives=positives, suppressed=False)


WELL, BAD, UNSURE, TRUE = (1.0, 0.9, 1.1), (0.79, 0.6, 0.99), (0.79, 0.6, 1.0), (0.0, -0.02, 0.02)


@pytest.mark.parametrize(
    ("ratio", "within", "off", "positives", "dimension", "expected"),
    [
        (WELL, WELL, TRUE, 30, "gender", []),
        (BAD, BAD, TRUE, 30, "gender", ["blocks"]),
        (BAD, BAD, TRUE, 29, "gender", ["sign"]),
        (BAD, UNSURE, TRUE, 30, "gender", ["sign"]),
        (UNSURE, UNSURE, TRUE, 30, "gender", []),
        (UNSURE, UNSURE, TRUE, 29, "gender", ["sign"]),
        ((0.8, 0.7, 0.9), (0.8, 0.7, 0.9), TRUE, 30, "gender", []),
        (BAD, WELL, TRUE, 30, "gender", ["sign"]),
        (BAD, BAD, TRUE, 300, "short_history", ["sign"]),
        (BAD, BAD, TRUE, 300, "grade_band", ["sign"]),
        (BAD, WELL, TRUE, 300, "school_id", []),
        (BAD, BAD, TRUE, 300, "mentored", []),
        (WELL, WELL, (0.06, 0.01, 0.1), 30, "gender", ["blocks"]),
        (WELL, WELL, (-0.06, -0.1, -0.01), 30, "gender", ["blocks"]),
        (WELL, WELL, (0.06, -0.01, 0.1), 30, "gender", ["sign"]),
        (WELL, WELL, (0.05, 0.01, 0.1), 30, "gender", []),
        (WELL, WELL, (0.06, 0.01, 0.1), 29, "gender", ["sign"]),
        (BAD, BAD, (0.06, 0.01, 0.1), 30, "gender", ["blocks", "blocks"]),
        (BAD, BAD, TRUE, 30, "race_ethnicity x disability", ["blocks"]),
        (BAD, BAD, TRUE, 29, "race_ethnicity x disability", []),
    ],
)
def test_what_blocks_and_what_is_signed_for_FAIR6(ratio, within, off, positives, dimension, expected):
    found = gate(finding_rows(ratio, within, off, positives, dimension))
    judged = [finding for finding in found if finding.quantity != "not audited"]
    assert ["blocks" if finding.blocks else "sign" for finding in judged] == expected
    assert {finding.group for finding in judged} <= {"a"}


def test_a_level_wrong_for_everybody_is_one_finding_and_groups_are_judged_beside_it_FAIR6():
    """All are told 12 points too many: so is group b, and group a 20, which is 8 more than all."""
    everybody = finding_rows(WELL, WELL, (0.12, 0.1, 0.14), dimension="all").query("group == 'a'")
    rows = finding_rows(WELL, WELL, (0.2, 0.18, 0.22))
    rows.loc[(rows["group"] == "b") & (rows["quantity"] == "calibration_in_the_large"), "value"] = 0.12
    found = [finding for finding in gate(pd.concat([everybody, rows])) if finding.quantity != "not audited"]
    assert [(finding.dimension, finding.group, finding.blocks) for finding in found] == [
        ("all", "a", True), ("gender", "a", True),
    ]  # fmt: skip
    assert "+8.0 points (+6.0 to +10.0) more than those of all" in found[1].text


def test_the_gate_judges_hidden_groups_too_and_tells_no_number_of_them_FAIR6_PRV10():
    rows = finding_rows(BAD, BAD, (0.06, 0.01, 0.1)).assign(suppressed=True)
    for finding in gate(rows)[:2]:
        assert finding.blocks
        assert (finding.value, finding.low, finding.high, finding.positives) == (None, None, None, None)
        assert not any(character.isdigit() for character in finding.text)


def test_attributes_that_nobody_recorded_are_said_to_be_unaudited_FAIR4():
    """Without demographics the audit goes by circumstances, and a person signs that the rest is not known."""
    predictions, _ = equal_groups()
    groups = groups_for(predictions, grade_band=np.where(predictions.index % 2, "PK-02", "03-05"))
    (finding,) = gate(audit(predictions, groups, POLICY, replicates=50))
    assert not finding.blocks
    assert all(name in finding.text for name in PROTECTED)


def test_a_group_of_nine_and_its_only_neighbour_are_hidden_in_what_leaves_PRV10_PRV11():
    predictions, _ = equal_groups()
    homeless = np.where(np.arange(len(predictions)) < 9, "yes", "no")
    audited = audit(predictions, groups_for(predictions, homeless=homeless), POLICY, replicates=20)
    told = published(audited)
    of_homeless = told[told["dimension"] == "homeless"]
    assert of_homeless["suppressed"].all()
    assert of_homeless[["value", "low", "high", "students", "positives"]].isna().all(axis=None)
    assert told.loc[told["dimension"] == "all", ["value", "students"]].notna().all(axis=None)
    assert "yes" not in reliability(predictions, groups_for(predictions, homeless=homeless), POLICY)["group"].tolist()


@pytest.mark.parametrize(("positives", "label"), [(20, "few"), (100, None)])
def test_the_best_served_group_is_a_named_one_with_thirty_to_go_by(positives, label):
    """A better served group of twenty chronically absent students, or of nobody knows whom, is no measure."""
    predictions, _ = equal_groups()
    best_first = predictions.sort_values("LightGBM", ascending=False)
    chosen = best_first.groupby("outcome").head(positives).index
    group = pd.Series("most", index=predictions.index).where(~predictions.index.isin(chosen), label)
    audited = audit(predictions, groups_for(predictions, gender=group), POLICY, replicates=20)
    better = label or "not known"
    assert value_of(audited, "recall_at_k", better) > value_of(audited, "recall_at_k", "most")
    assert value_of(audited, "recall_ratio", "most") == 1
    assert value_of(audited, "recall_ratio", better) > 1


def test_the_public_sees_rounded_counts_of_the_groups_that_are_shown_and_nothing_of_others_PRV12():
    predictions, groups = equal_groups()
    gender = groups["gender"].where(np.arange(len(groups)) >= 9, "nonbinary")
    told = for_the_public(predictions, groups.assign(gender=gender), POLICY).set_index(["dimension", "group"])
    audited = audit(predictions, groups.assign(gender=gender), POLICY, replicates=2)
    shown = audited.loc[~audited["suppressed"], ["dimension", "group"]].drop_duplicates()
    assert set(told.index) == set(shown.itertuples(index=False, name=None))
    assert ("gender", "nonbinary") not in told.index
    counts = told[["students", "chronically_absent", "listed", "listed_and_absent"]]
    assert (counts % 5 == 0).all(axis=None)
    everybody = told.loc[("all", "all")]
    assert everybody["students"] == 4000
    assert everybody["recall_at_k"] == everybody["listed_and_absent"] / everybody["chronically_absent"]
    assert everybody["recall_at_k"] == pytest.approx(value_of(audited, "recall_at_k", "all"), abs=0.02)


def test_reliability_has_fifths_of_each_group_that_is_large_enough_to_plot():
    predictions, groups = equal_groups()
    groups.loc[:39, "gender"] = "nonbinary"
    found = reliability(predictions, groups, POLICY).query("dimension == 'gender'")
    assert set(found["group"]) == {"female", "male"}
    assert found.groupby("group")["fifth"].apply(list).tolist() == [[1, 2, 3, 4, 5]] * 2
    assert found.groupby("group")["expected"].apply(lambda values: values.is_monotonic_increasing).all()


def test_a_dimension_with_one_group_compares_nothing_and_is_left_out():
    predictions, _ = equal_groups()
    audited = audit(predictions, groups_for(predictions, homeless="no", gender=None), POLICY, replicates=5)
    assert set(audited["dimension"]) == {"all"}


def test_pairs_are_audited_where_both_dimensions_are_known_FAIR4():
    predictions, _ = equal_groups()
    rng = np.random.default_rng(2)
    both = {name: np.array(values)[rng.integers(0, 2, len(predictions))]
            for name, values in (("race_ethnicity", ["Asian", "White"]), ("disability", ["no", "yes"]))}  # fmt: skip
    audited = audit(predictions, groups_for(predictions, **both), POLICY, replicates=5)
    pair = audited[audited["dimension"] == "race_ethnicity x disability"]
    assert pair["group"].unique().tolist() == ["Asian, no", "Asian, yes", "White, no", "White, yes"]


def test_schools_have_intervals_though_no_other_school_can_be_resampled_for_them_FAIR4():
    predictions, _ = equal_groups()
    groups = groups_for(predictions, school_id=predictions["school_id"].to_numpy())
    recall = audit(predictions, groups, POLICY, replicates=100).query("dimension == 'school_id' and quantity == 'auc'")
    assert len(recall) == 40
    assert (recall["low"] < recall["high"]).all()


def test_nothing_to_audit_is_said():
    predictions, groups = equal_groups()
    with pytest.raises(NotEnoughData, match="no predictions"):
        audit(predictions.head(0), groups, POLICY)


def demographics(*rows: tuple[str, int, str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["student_id", "school_year", "english_learner"])


def test_attributes_are_those_of_the_latest_year_up_to_the_target_year():
    frame = pretend_dataset(students=4).frame.head(4)
    known = demographics(
        ("00000", 2024, "yes"),
        ("00000", 2026, "no"),
        ("00001", 2025, "no"),
        ("00001", 2024, "yes"),
        ("00002", 2026, "no"),
    )
    groups = groups_of(frame, known)
    assert groups["school_year"].tolist() == [2025] * 4
    assert groups["english_learner"].fillna("not known").tolist() == ["yes", "no", "not known", "not known"]
    assert "gender" not in groups


@pytest.mark.parametrize(
    ("grade", "last_year", "schools", "gap", "expected"),
    [
        ("03", 2025, 1, 0, "no"), ("03", 2025, 2, 0, "yes"), ("03", 2024, 1, 1, "yes"), ("03", None, None, None, "yes"),
        ("KG", None, None, None, "no"), ("03", 2025, None, 0, None),
    ],
)  # fmt: skip
def test_who_moved_or_is_new_FAIR4(grade, last_year, schools, gap, expected):
    frame = pretend_dataset(students=1, target_years=(2026,)).frame.assign(grade_level=grade, short_history=0.0)
    frame["last_school_year"] = pd.array([last_year], dtype="Int64")
    frame["schools_attended_last_year"], frame["has_gap"] = [np.array([value], dtype=float) for value in (schools, gap)]
    assert groups_of(frame, None)["moved_or_new"].tolist() == [expected]


def test_grade_bands_and_the_share_of_features_that_are_not_known():
    frame = pretend_dataset(students=3).frame.assign(grade_level=["KG", "05", "12"] * 2)
    groups = groups_of(frame, None)
    assert groups["grade_band"].tolist() == ["PK-02", "03-05", "09-12"] * 2
    assert groups["missing_share"].round(3).tolist() == [round(5 / 7, 3), 0, 0, 0, 0, 0]
    assert "mentored" not in groups, "without a mentoring table treatment is unknown"


def test_students_with_a_mentor_in_the_target_year_are_a_group_of_their_own_FAIR23():
    day = datetime.date
    calendar = pd.DataFrame(
        {
            "date": [day(2024, 9, 2), day(2025, 6, 10), day(2025, 9, 1), day(2026, 6, 9)],
            "school_year": [2025, 2025, 2026, 2026],
        }
    )
    mentoring = pd.DataFrame(
        [
            ("taken up", day(2025, 10, 1), None, True),
            ("declined", day(2025, 10, 1), None, False),
            ("no answer", day(2025, 10, 1), None, None),
            ("ended in time", day(2024, 10, 1), day(2025, 6, 1), True),
            ("over both years", day(2025, 1, 7), day(2025, 11, 1), True),
            ("over both years", day(2026, 1, 7), day(2026, 3, 1), True),
        ],
        columns=["student_id", "start_date", "end_date", "accepted"],
    )
    found = mentored_in(mentoring, calendar)
    assert sorted(map(tuple, found.to_numpy())) == [
        ("ended in time", 2025), ("over both years", 2025), ("over both years", 2026), ("taken up", 2026),
    ]  # fmt: skip
    frame = pretend_dataset(students=2, target_years=(2026,)).frame
    groups = groups_of(frame, None, found.replace("taken up", "00001"))
    assert groups["mentored"].tolist() == ["no", "yes"]


def test_treated_untreated_and_all_are_reported_apart_and_never_judged_FAIR23():
    predictions, _ = equal_groups()
    mentored = np.where(predictions["LightGBM"] > 0.3, "yes", "no")
    averted = predictions.assign(outcome=predictions["outcome"].where(mentored == "no", 0))
    averted.loc[averted.index[mentored == "yes"][:40], "outcome"] = 1
    audited = audit(averted, groups_for(averted, mentored=mentored), POLICY, replicates=50)
    assert audited["group"].unique().tolist() == ["all", "no", "yes"]
    assert value_of(audited, "calibration_in_the_large", "yes") > 0.2
    assert value_of(audited, "mentored_share", "all") == pytest.approx((mentored == "yes").mean())
    assert [finding.quantity for finding in gate(audited)] == ["not audited"]


def test_findings_as_rows_have_the_fields_of_a_finding():
    found = findings_frame(shifted(-1.5))
    assert found["blocks"].any()
    assert findings_frame([]).columns.tolist() == found.columns.tolist()
