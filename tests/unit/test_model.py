import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from ews.dataset import Dataset
from ews.errors import InvalidFeatures, InvalidPolicy, NotEnoughData
from ews.features import FEATURES as CATALOGUE
from ews.model import Model, Parameters, fit, graded_outcome
from ews.policy import Policy
from tests.rows import FEATURES, pretend_dataset

FEW_TREES = Parameters(rounds=30)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return pretend_dataset()


@pytest.fixture(scope="module")
def model(dataset: Dataset) -> Model:
    return fit(dataset, FEW_TREES, Policy())


def changed(dataset: Dataset, **columns: object) -> Dataset:
    return Dataset(dataset.frame.assign(**columns), dataset.feature_names, dataset.after_day)


def test_the_same_rows_and_seed_give_the_same_bytes_T14(dataset, model):
    assert fit(dataset, FEW_TREES, Policy()) == model


def test_one_and_two_threads_give_the_same_bytes_T14():
    """More rows than the size from which training uses its threads."""
    dataset = pretend_dataset(students=13_000)
    one, two = (fit(dataset, Parameters(rounds=5, threads=threads), Policy()) for threads in (1, 2))
    assert one == two


def test_another_seed_gives_another_model(dataset, model):
    assert fit(dataset, Parameters(rounds=30, seed=2), Policy()).booster_text != model.booster_text


def test_a_model_read_from_its_text_scores_the_same_bytes(dataset, model):
    again = Model.from_text(model.booster_text, model.calibrator)
    assert again.raw_scores(dataset.x).tobytes() == model.raw_scores(dataset.x).tobytes()


def test_contributions_sum_to_the_raw_score(dataset, model):
    contributions = model.contributions(dataset.x)
    assert contributions.shape == (len(dataset.frame), len(FEATURES) + 1)
    np.testing.assert_allclose(contributions.sum(axis=1), model.raw_scores(dataset.x), atol=1e-9)


def lowest_step(model: Model, dataset: Dataset) -> float:
    """The deepest fall of a raw score while one feature of a known direction grows and the others stand still."""
    directed = [name for name in FEATURES if CATALOGUE[name].direction]
    assert "days_absent_last_year" in directed
    assert all(CATALOGUE[name].direction == 1 for name in directed)
    falls = []
    for name in directed:
        values = np.linspace(0, dataset.x[name].max(), 100)
        falls += [np.diff(model.raw_scores(dataset.x.iloc[[row] * 100].assign(**{name: values}))) for row in (1, 2, 3)]
    return float(np.min(falls))


def test_more_absence_never_lowers_the_risk_EX_3(dataset, model):
    """The catalogue's directions reach LightGBM as monotone constraints."""
    assert lowest_step(model, dataset) >= 0


def test_without_directions_the_same_rows_do_break_that_rule(dataset):
    """Guards the test above: the constraint is what holds there."""
    eager = Parameters(rounds=100, leaves=31, min_rows_in_leaf=5, l2=0, random_cuts=False)
    assert lowest_step(fit(dataset, eager, Policy()), dataset) >= 0
    assert lowest_step(fit(dataset, eager, Policy(), directions={}), dataset) < 0


def test_probabilities_descend_over_thresholds_and_the_risk_is_the_chronic_one(dataset, model):
    probabilities = model.probabilities(dataset.x)
    assert list(probabilities.columns) == [f"probability_{percent}" for percent in ("08", "10", "12", "15", "20")]
    assert (np.diff(probabilities.to_numpy(), axis=1) <= 0).all()
    assert (probabilities["probability_10"].to_numpy() == model.risk(dataset.x)).all()
    assert probabilities.index.equals(dataset.x.index)


def test_it_learned_something(dataset, model):
    risk = model.risk(dataset.x)
    assert risk[dataset.y == 1].mean() > risk[dataset.y == 0].mean() + 0.15


def test_recent_years_count_more():
    """One year in which all is as ever, after one in which absence told the opposite."""
    then, now = pretend_dataset(target_years=(2025,)), pretend_dataset(target_years=(2026,), seed=2)
    rate, chronic = then.frame["outcome_rate"], then.frame["outcome_is_chronic"]
    turned = then.frame.assign(outcome_rate=0.01 / (rate + 0.01), outcome_is_chronic=~chronic)
    both = Dataset(pd.concat([turned, now.frame], ignore_index=True), FEATURES, 0)

    def told_apart(**parameters: float) -> float:
        risk = fit(both, Parameters(rounds=30, **parameters), Policy()).raw_scores(now.x)
        return float(risk[now.y == 1].mean() - risk[now.y == 0].mean())

    by_half_life = [told_apart(recent_share=0, half_life_years=years) for years in (0.25, 1, 100)]
    assert by_half_life == sorted(by_half_life, reverse=True)
    by_share = [told_apart(half_life_years=100, recent_share=share) for share in (0.5, 0.2, 0)]
    assert by_share == sorted(by_share, reverse=True)
    assert by_share[0] > by_share[-1]


def test_the_last_trees_go_by_the_years_just_past():
    assert Parameters(rounds=300).phases() == [(225, 4.0), (75, 0.4)]
    assert Parameters(rounds=300, recent_share=0).phases() == [(300, 4.0)]
    assert Parameters(rounds=1, recent_share=0.9).phases() == [(1, 0.4)]


def test_trees_of_both_phases_are_in_one_booster(dataset, model):
    """Beside the last steps over the years that are known, which are as many in both."""
    fewer = fit(dataset, Parameters(rounds=FEW_TREES.rounds - 10, recent_share=0), Policy())
    assert model.booster.num_trees() - fewer.booster.num_trees() == 10


def test_rows_without_a_known_outcome_are_left_aside(dataset, model):
    unknown = dataset.frame.head(50).assign(outcome_is_chronic=pd.NA)
    more = Dataset(pd.concat([dataset.frame, unknown], ignore_index=True), FEATURES, 0)
    assert fit(more, FEW_TREES, Policy()) == model


def test_no_rows_give_no_scores(dataset, model):
    nobody = dataset.x.head(0)
    assert model.raw_scores(nobody).shape == (0,)
    assert model.contributions(nobody).shape == (0, len(FEATURES) + 1)
    assert model.probabilities(nobody).shape == (0, 5)


def test_unknown_values_are_scored_T06(dataset, model):
    nothing_known = dataset.x.head(3) * np.nan
    assert np.isfinite(model.raw_scores(nothing_known)).all()


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinity_is_refused_and_its_column_named_T06(dataset, model, value):
    x = dataset.x.head(5).copy()
    x.loc[2, "spells_last_year"] = value
    with pytest.raises(InvalidFeatures, match="Infinite values in: spells_last_year"):
        model.raw_scores(x)


def test_a_negative_count_is_refused_and_its_value_not_told_T06(dataset, model):
    x = dataset.x.head(5).assign(days_absent_last_year=-7.0)
    with pytest.raises(InvalidFeatures, match="below 0.*days_absent_last_year") as refusal:
        model.risk(x)
    assert "7" not in str(refusal.value)


def test_a_falling_rate_is_no_mistake(dataset, model):
    assert np.isfinite(model.risk(dataset.x.head(5).assign(change_of_rate=-0.5))).all()


def test_words_are_refused_T08(dataset, model):
    with pytest.raises(InvalidFeatures, match="must be numbers: grade_number"):
        model.raw_scores(dataset.x.head(5).assign(grade_number="02"))


def test_permuted_columns_are_refused_T09(dataset, model):
    with pytest.raises(InvalidFeatures, match="not in the model's order"):
        model.raw_scores(dataset.x[list(reversed(FEATURES))])


def test_a_missing_column_is_refused_and_named_T10(dataset, model):
    with pytest.raises(InvalidFeatures, match="missing: spells_last_year"):
        model.contributions(dataset.x.drop(columns="spells_last_year"))


@pytest.mark.parametrize("extra", ["shoe_size", "grade_number"])
def test_an_extra_or_repeated_column_is_refused_T11(dataset, model, extra):
    x = pd.concat([dataset.x, pd.Series(1.0, index=dataset.x.index, name=extra)], axis=1)
    with pytest.raises(InvalidFeatures, match="1 columns too many"):
        model.raw_scores(x)


@pytest.mark.parametrize("outcome", [True, False])
def test_one_outcome_only_is_nothing_to_learn_from_T03(dataset, outcome):
    with pytest.raises(NotEnoughData, match="the smaller group has 0"):
        fit(changed(dataset, outcome_is_chronic=outcome), FEW_TREES, Policy())


def test_a_handful_of_students_is_too_few_T04(dataset):
    with pytest.raises(NotEnoughData, match="at least 10 students"):
        fit(dataset.where(np.arange(len(dataset.frame)) < 30), FEW_TREES, Policy())


def test_constant_and_unknown_columns_are_noted_and_not_used_T05(dataset):
    model = fit(changed(dataset, grade_number=3.0, change_of_rate=np.nan), FEW_TREES, Policy())
    assert set(model.constant_features) == {"grade_number", "change_of_rate"}
    assert not model.contributions(dataset.x)[:, [FEATURES.index("grade_number")]].any()


def test_a_protected_attribute_is_never_a_feature_T16(dataset):
    frame = dataset.frame.assign(gender=1.0)
    with pytest.raises(InvalidFeatures, match="never features: gender"):
        fit(Dataset(frame, (*FEATURES, "gender"), 0), FEW_TREES, Policy())


def test_an_infinite_feature_is_not_learned_from_T06(dataset):
    with pytest.raises(InvalidFeatures, match="Infinite values in: spells_last_year"):
        fit(changed(dataset, spells_last_year=np.inf), FEW_TREES, Policy())


def test_one_target_year_is_calibrated_across_schools(dataset):
    one_year = dataset.where(dataset.frame["school_year"] == 2026)
    assert fit(one_year, FEW_TREES, Policy()).calibrator.held_out_rows == len(one_year.frame)


def test_what_only_sentences_need_is_not_learned_from(dataset):
    """`days_enrolled_last_year` is told in reasons; the trees leave it alone."""
    told_only = [name for name in FEATURES if not CATALOGUE[name].learned]
    assert told_only
    contributions = fit(dataset, FEW_TREES, Policy()).contributions(dataset.x)
    assert not contributions[:, [FEATURES.index(name) for name in told_only]].any()


def test_two_target_years_are_calibrated_on_the_later_one(model):
    assert model.calibrator.held_out_rows == 600


def test_parameters_survive_their_file():
    parameters = Parameters(rounds=7, learning_rate=0.25, l2=0.0, random_cuts=False, threads=1)
    assert Parameters.from_toml(parameters.to_toml()) == parameters


def test_parameters_left_out_keep_their_default():
    assert Parameters.from_toml("rounds = 7") == Parameters(rounds=7)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rounds = ", "not valid TOML"),
        ("trees = 3", "Unknown keys in the parameters: trees"),
        ("rounds = 2.5", "wrong kind in the parameters: rounds"),
        ("rounds = true", "wrong kind in the parameters: rounds"),
        ("random_cuts = 1", "wrong kind in the parameters: random_cuts"),
        ("half_life_years = 0", "above 0"),
        ("recent_half_life_years = -1", "above 0"),
        ("recent_share = 1", "below 1"),
        ('learning_rate = "fast"', "wrong kind in the parameters: learning_rate"),
        ("rounds = 0", "at least 1"),
        ("leaves = 1", "at least 2"),
        ("learning_rate = 1.5", "at most 1"),
        ("l2 = -1", "negative"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(text, says):
    with pytest.raises(InvalidPolicy, match=says):
        Parameters.from_toml(text)


def test_nothing_is_printed(dataset, capfd):
    fit(dataset, FEW_TREES, Policy()).risk(dataset.x)
    assert capfd.readouterr() == ("", "")


def test_trees_learn_how_far_past_the_line_and_not_only_whether(dataset):
    """Half at the line, a third at half of it, two thirds at twice it; another line, another grading."""
    some = changed(dataset.where(np.arange(len(dataset.frame)) < 4), outcome_rate=[0.0, 0.05, 0.1, 0.2])
    assert graded_outcome(some, Policy()) == pytest.approx([0, 1 / 3, 1 / 2, 2 / 3])
    assert graded_outcome(some, Policy(chronic_percent=15))[1] == pytest.approx(1 / 4)


def test_students_on_the_same_side_of_the_line_are_told_apart_by_how_much_they_missed(dataset):
    """Whether the line was crossed stays as it was for everybody; how far tells what the grade says."""
    frame = dataset.frame.copy()
    over = frame["outcome_is_chronic"].to_numpy(dtype=bool)
    frame.loc[over, "outcome_rate"] = np.where(frame.loc[over, "grade_number"] == 1, 0.6, 0.1)
    dealt = fit(Dataset(frame, FEATURES, 0), FEW_TREES, Policy())
    first_grade = (frame["grade_number"] == 1).to_numpy()

    def ahead(model: Model) -> float:
        scores = model.raw_scores(dataset.x)
        return float(scores[first_grade].mean() - scores[~first_grade].mean())

    assert ahead(dealt) > ahead(fit(dataset, FEW_TREES, Policy())) + 0.08


def test_who_is_new_is_told_as_often_as_it_comes_true_like_those_who_are_known(dataset):
    """Half of the new miss nothing and the others more than the line: the graded outcome alone evens that out."""
    frame = dataset.frame.assign(known_years=(dataset.frame.index % 3 != 0).astype(float))
    new = (frame["known_years"] == 0).to_numpy()
    frame.loc[new, list(FEATURES[:5])] = np.nan
    much = np.random.default_rng(3).random(len(frame)) < 0.45
    frame.loc[new, "outcome_rate"] = np.where(much, 0.12, 0.0)[new]
    for crossed in ("outcome_is_chronic", "outcome_reaches_08", "outcome_reaches_10", "outcome_reaches_12"):
        frame.loc[new, crossed] = much[new]
    rows = Dataset(frame, (*FEATURES, "known_years"), 0)
    told = fit(rows, FEW_TREES, Policy()).risk(rows.x)
    assert abs(told[new].mean() - rows.y[new].mean()) < 0.03
    assert abs(told[~new].mean() - rows.y[~new].mean()) < 0.03


def test_raw_scores_are_log_odds_of_being_chronic(model):
    chronic = model.calibrator.percents.index(10)
    assert model.calibrator.slopes[chronic] == 1


@pytest.fixture(scope="module")
def elsewhere() -> Model:
    return fit(pretend_dataset(students=2000, seed=7), FEW_TREES, Policy())


def test_a_prior_comes_first_in_one_booster_whose_contributions_still_sum_to_the_raw_score(dataset, model, elsewhere):
    both = fit(dataset, FEW_TREES, Policy(), prior=elsewhere)
    assert both.booster.num_trees() > elsewhere.booster.num_trees()
    assert both.booster_text.count("\nTree=") == both.booster.num_trees()
    sums = both.contributions(dataset.x).sum(axis=1)
    np.testing.assert_allclose(sums, both.raw_scores(dataset.x), atol=1e-9)
    assert both.booster_text != model.booster_text


def test_with_a_prior_the_same_rows_give_the_same_bytes_on_one_thread_and_on_two_T14(elsewhere):
    dataset = pretend_dataset(students=11_000)
    few = [Parameters(rounds=5, threads=threads) for threads in (1, 2, 2)]
    first, *others = (fit(dataset, parameters, Policy(), prior=elsewhere) for parameters in few)
    assert others == [first, first]


def test_on_a_prior_fewer_own_trees_are_grown(dataset, model, elsewhere):
    own = fit(dataset, FEW_TREES, Policy(), prior=elsewhere).booster.num_trees() - elsewhere.booster.num_trees()
    assert own < model.booster.num_trees() / 2


def test_a_prior_helps_where_there_are_few_students(elsewhere):
    """A hundred students to learn from, many more to ask: judged by how well flags are ranked."""
    asked = pretend_dataset(students=1500, seed=11)
    few = pretend_dataset(students=100, seed=12)
    gains = [
        roc_auc_score(asked.y, fit(few, FEW_TREES, Policy(), prior=prior).raw_scores(asked.x))
        for prior in (None, elsewhere)
    ]
    assert gains[1] > gains[0] + 0.01


def test_a_prior_that_says_the_opposite_is_not_believed(dataset, model, elsewhere):
    """Its slope in these rows is what it counts by: hardly anything here."""
    turned = dataset.frame.assign(
        outcome_rate=0.01 / (dataset.frame["outcome_rate"] + 0.01),
        outcome_is_chronic=~dataset.frame["outcome_is_chronic"],
    )
    opposite = fit(Dataset(turned, FEATURES, 0), FEW_TREES, Policy(), directions={})
    both = fit(dataset, FEW_TREES, Policy(), prior=opposite)
    assert roc_auc_score(dataset.y, both.raw_scores(dataset.x)) > roc_auc_score(dataset.y, model.risk(dataset.x)) - 0.03


def test_a_prior_of_other_features_is_refused(dataset, elsewhere):
    fewer = Dataset(dataset.frame, FEATURES[:-1], 0)
    with pytest.raises(InvalidFeatures, match="prior was trained on other features.*grade_number"):
        fit(fewer, FEW_TREES, Policy(), prior=elsewhere)
