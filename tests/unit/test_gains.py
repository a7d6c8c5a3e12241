"""What a mentor is expected to bring, from the distribution of next year's absence rate."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.errors import InvalidPolicy
from ews.gains import (
    CAUTIOUS,
    CHECK_AND_CONNECT,
    HONESTLY,
    EffectPrior,
    expected_gains,
    one_more_mentor,
    reach,
    response_by_grade,
)
from ews.gains.reach import OURS, RULES

PERCENTS = (8, 10, 12, 15, 20)


def log_logistic(median: np.ndarray, shape: float) -> pd.DataFrame:
    """Probabilities of missing at least each percent, of students whose rate is log-logistic."""
    beyond = {p: 1 / (1 + (p / 100 / median) ** shape) for p in PERCENTS}
    return pd.DataFrame({f"probability_{p:02d}": values for p, values in beyond.items()})


def gains(probabilities: pd.DataFrame, prior: EffectPrior = CAUTIOUS) -> pd.DataFrame:
    return expected_gains(probabilities, prior, chronic_percent=10)


def test_a_mentor_without_effect_averts_nothing_and_gains_no_day() -> None:
    found = gains(log_logistic(np.array([0.03, 0.1, 0.3]), 3.0), EffectPrior(0.0, 0.0))
    assert np.allclose(found[["crossings_averted", "days_gained"]], 0)


def test_a_known_distribution_gives_its_own_crossings_and_mean() -> None:
    median, shape = np.array([0.04, 0.08, 0.1, 0.2]), 4.0
    found = gains(log_logistic(median, shape), EffectPrior(-23.0, 0.0))
    crossing = 1 / (1 + (0.1 / median) ** shape) - 1 / (1 + (0.1 / 0.77 / median) ** shape)
    assert np.allclose(found["crossings_averted"], crossing)
    mean = median * (np.pi / shape) / np.sin(np.pi / shape)
    assert np.allclose(found["expected_rate"], mean, rtol=0.01)
    assert np.allclose(found["days_gained"], 0.23 * 180 * found["expected_rate"])


def test_students_far_past_the_line_and_far_before_it_gain_fewer_crossings_than_those_near_it() -> None:
    found = gains(log_logistic(np.array([0.02, 0.1, 0.5]), 4.0))["crossings_averted"]
    assert found[1] > 3 * max(found[0], found[2])


def test_days_gained_follow_the_expected_rate_where_crossings_do_not() -> None:
    found = gains(log_logistic(np.array([0.02, 0.1, 0.5]), 4.0))["days_gained"]
    assert found.is_monotonic_increasing


def test_the_prior_has_its_mean_and_most_effects_between_three_percent_more_and_eighteen_less() -> None:
    factors, weights = CAUTIOUS.factors()
    assert factors @ weights == pytest.approx(0.92)
    drawn = np.exp(np.random.default_rng(1).normal(np.log(0.92) - CAUTIOUS.sd**2 / 2, CAUTIOUS.sd, 100_000))
    assert np.allclose(np.quantile(drawn, [0.05, 0.95]), [0.82, 1.03], atol=0.006)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 1), min_size=5, max_size=5), st.sampled_from([CAUTIOUS, CHECK_AND_CONNECT]))
def test_any_falling_distribution_gives_finite_gains_within_bounds(values: list[float], prior: EffectPrior) -> None:
    row = pd.DataFrame([dict(zip((f"probability_{p:02d}" for p in PERCENTS), sorted(values)[::-1], strict=True))])
    found = gains(row, prior).iloc[0]
    assert 0 <= found["expected_rate"] <= 1
    assert -0.2 <= found["crossings_averted"] <= 1
    assert 0 <= found["days_gained"] <= 180


@pytest.mark.parametrize("columns", [["probability_10"], ["probability_08", "probability_12"], []])
def test_gains_without_the_distribution_around_the_line_are_refused(columns: list[str]) -> None:
    with pytest.raises(InvalidPolicy, match="two thresholds"):
        gains(pd.DataFrame({name: [0.5] for name in columns}))


@pytest.mark.parametrize("numbers", [(5.0, 0.1), (-100.0, 0.1), (-8.0, -0.1), (-8.0, 1.0)])
def test_a_prior_that_no_effect_can_have_is_refused(numbers: tuple[float, float]) -> None:
    with pytest.raises(InvalidPolicy):
        EffectPrior(*numbers)


def school_of(students: int, seed: int = 1) -> pd.DataFrame:
    """Two schools of some students with what `reach` asks for."""
    random = np.random.default_rng(seed)
    median = random.lognormal(np.log(0.06), 0.6, 2 * students)
    return log_logistic(median, 3.5).assign(
        school_id=["elm"] * students + ["oak"] * students,
        lane=np.where(median > 0.1, "recover", "prevent"),
        last_rate=pd.Series(median * random.lognormal(0, 0.3, 2 * students)).where(random.random(2 * students) > 0.1),
        tie_key=random.permutation(2 * students),
    )


def reached(rows: pd.DataFrame, prior: EffectPrior = CAUTIOUS, **asked: object) -> pd.DataFrame:
    return reach(rows, {"elm": 6, "oak": 0}, prior, chronic_percent=10, **asked)


def test_reach_tells_of_five_more_and_five_fewer_slots_of_each_school_and_rule_MEN_3() -> None:
    found = reached(school_of(30))
    assert found.groupby(["school_id", "rule"])["slots"].agg(list).map(tuple).to_dict() == {
        **{("elm", rule): tuple(range(1, 12)) for rule in RULES},
        **{("oak", rule): tuple(range(6)) for rule in RULES},
    }
    assert found.loc[found["school_id"] == "elm", "more"].unique().tolist() == list(range(-5, 6))


def test_reach_never_asks_for_more_slots_than_students() -> None:
    found = reach(school_of(4), {"elm": 3, "oak": 40}, CAUTIOUS, chronic_percent=10)
    assert found["slots"].max() == 4
    assert found.loc[(found["school_id"] == "oak") & (found["more"] == 0), "slots"].unique().tolist() == [4]


def test_reach_is_the_sum_of_expected_gains_of_those_who_come_first() -> None:
    rows = school_of(30)
    each = gains(rows).assign(rate=rows["last_rate"], school_id=rows["school_id"])
    first = each[each["school_id"] == "elm"].sort_values("rate", ascending=False).head(7)
    found = reached(rows).query("rule == \"last year's rate\" and school_id == 'elm' and slots == 7").iloc[0]
    assert found["crossings_averted"] == pytest.approx(first["crossings_averted"].sum())
    assert found["days_gained"] == pytest.approx(first["days_gained"].sum())
    assert found["would_be_chronic"] == pytest.approx(rows.loc[first.index, "probability_10"].sum())


def test_by_lot_every_slot_brings_what_the_mean_student_of_the_school_brings() -> None:
    rows = school_of(30)
    mean = gains(rows)["crossings_averted"].groupby(rows["school_id"]).mean()
    found = reached(rows).query("rule == 'random'")
    assert np.allclose(found["crossings_averted"], found["slots"] * found["school_id"].map(mean))


def test_among_the_not_yet_chronic_no_rule_is_expected_to_avert_more_than_ours() -> None:
    rows = school_of(60)
    rows = rows[rows["lane"] == "prevent"].reset_index(drop=True)
    found = reached(rows).pivot_table(index=["school_id", "slots"], columns="rule", values="crossings_averted")
    assert (found.drop(columns=OURS).to_numpy() <= found[[OURS]].to_numpy() + 1e-12).all()


def test_nine_in_ten_and_more_of_drawn_years_lie_within_the_interval() -> None:
    rows = school_of(40)
    random, prior = np.random.default_rng(7), EffectPrior(-20.0, 0.05)
    first = gains(rows).query("index < 40").sort_values("crossings_averted").index[-9:]
    rules = {"all of them": pd.Series(0.0, rows.index).where(~rows.index.isin(first), 1.0)}
    found = (
        reach(rows, {"elm": 9}, prior, chronic_percent=10, around=0, rules=rules).query("school_id == 'elm'").iloc[0]
    )
    shape = 3.5
    median = 0.1 * (1 / rows.loc[first, "probability_10"].to_numpy() - 1) ** (-1 / shape)
    quantile = random.random((20_000, 9))
    rate = np.minimum(median * (quantile / (1 - quantile)) ** (1 / shape), 1.0)
    factor = np.exp(random.normal(np.log(0.8) - 0.05**2 / 2, 0.05, (20_000, 1)))
    drawn = {
        "would_be_chronic": (rate >= 0.1).sum(axis=1),
        "crossings_averted": (rate >= 0.1).sum(axis=1) - (rate * factor >= 0.1).sum(axis=1),
        "days_gained": 180 * (rate * (1 - factor)).sum(axis=1),
    }
    for name, values in drawn.items():
        within = ((values >= found[f"{name}_low"]) & (values <= found[f"{name}_high"])).mean()
        assert 0.94 <= within <= 0.995, name
        assert values.mean() == pytest.approx(found[name], rel=0.04), name


def test_an_uncertain_effect_widens_the_interval_and_may_harm_and_no_effect_has_none() -> None:
    sure = reached(school_of(200), EffectPrior(-8.0, 0.0), around=0).iloc[0]
    unsure = reached(school_of(200), EffectPrior(-8.0, 0.2), around=0).iloc[0]
    assert unsure["days_gained_low"] < 0 < sure["days_gained_low"]
    assert unsure["crossings_averted_low"] < 0 <= sure["crossings_averted_low"]
    nothing = reached(school_of(30), EffectPrior(0.0, 0.0))
    assert not nothing.filter(regex="^(crossings|days)").to_numpy().any()


def test_one_more_mentor_brings_what_the_next_students_bring() -> None:
    rows = school_of(30)
    curve = reached(rows, around=10).query("school_id == 'elm'").set_index(["rule", "slots"])
    found = one_more_mentor(rows, {"elm": 6, "oak": 25}, 10, CAUTIOUS, chronic_percent=10)
    for rule, row in found[found["school_id"] == "elm"].set_index("rule").iterrows():
        for name in ("would_be_chronic", "crossings_averted", "days_gained"):
            assert row[name] == pytest.approx(curve.loc[(rule, 16), name] - curve.loc[(rule, 6), name])
    assert found.loc[found["school_id"] == "oak", "slots"].tolist() == [5] * 4


def test_the_order_of_rows_does_not_matter_to_reach() -> None:
    rows = school_of(30)
    mixed = rows.sample(frac=1, random_state=3).reset_index(drop=True)
    pd.testing.assert_frame_equal(reached(mixed), reached(rows))


def test_what_is_not_known_is_told_beside_every_figure() -> None:
    assert "never a promise" in HONESTLY
    assert "grades 1 to 4" in HONESTLY


def of_grades(*grades: tuple[str, int, int]) -> pd.DataFrame:
    """A hundred students a grade with so many days absent, and so many of them unexcused."""
    rows = [row for row in grades for _ in range(100)]
    return pd.DataFrame(rows, columns=["grade_level", "days_absent_last_year", "days_unexcused_last_year"])


def test_a_grade_with_more_unexcused_days_answers_a_mentor_more_and_no_students_own_excuses_count() -> None:
    rows = of_grades(("01", 100, 20), ("09", 100, 40))
    found = response_by_grade(rows)
    assert found[0] == pytest.approx((2_000 + 2_000 * 0.3) / 12_000 / 0.3)
    assert found[0] < 1 < found[100]
    own = rows.copy()
    own.loc[[0, 1], "days_unexcused_last_year"] = [0, 40]
    assert (response_by_grade(own)[:100] == response_by_grade(own)[0]).all()


def test_where_nothing_tells_excused_from_unexcused_every_grade_answers_alike() -> None:
    rows = of_grades(("01", 10, 0), ("09", 10, 0))
    assert (response_by_grade(rows) == 1).all()
    assert (response_by_grade(rows.assign(days_unexcused_last_year=pd.NA)) == 1).all()


def test_a_small_grade_does_not_stand_out_and_no_grade_beyond_half_and_one_and_a_half() -> None:
    rows = pd.concat([of_grades(("01", 100, 1), ("09", 100, 90)), of_grades(("12", 1, 1)).head(3)], ignore_index=True)
    found = response_by_grade(rows)
    assert found.between(0.5, 1.5).all()
    assert found.iloc[0] == 0.5
    assert found.iloc[-1] == pytest.approx(1, abs=0.01)


def test_the_response_is_the_power_of_the_factor_and_reach_follows_it() -> None:
    rows, prior = school_of(30), EffectPrior(-8.0, 0.0)
    twice = pd.Series(2.0, index=rows.index)
    found = expected_gains(rows, prior, chronic_percent=10, response=twice)
    like = expected_gains(rows, EffectPrior(100 * (0.92**2 - 1), 0.0), chronic_percent=10)
    pd.testing.assert_frame_equal(found, like)
    more = reached(rows, prior, around=0, response=twice)
    assert more.loc[0, "crossings_averted"] > 1.5 * reached(rows, prior, around=0).loc[0, "crossings_averted"]
    assert more.loc[0, "days_gained_low"] < more.loc[0, "days_gained"] < more.loc[0, "days_gained_high"]
