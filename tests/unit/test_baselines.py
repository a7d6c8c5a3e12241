import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from ews.baselines import BASELINES, fit_flag, fit_rate, fit_school_grade, last_years_rate, school_grade_rate
from ews.dataset import Dataset
from tests.rows import pretend_dataset

LEARN, PREDICT = (pretend_dataset(students=900, target_years=(year,), seed=year) for year in (2025, 2026))
NO_HISTORY = LEARN.frame["was_chronic"].isna().to_numpy()


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_gives_every_student_a_probability(name):
    probabilities = BASELINES[name](LEARN)(PREDICT)
    assert probabilities.shape == (900,)
    assert ((probabilities > 0) & (probabilities < 1)).all()


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_is_right_on_average_where_it_learned(name):
    assert BASELINES[name](LEARN)(LEARN).mean() == pytest.approx(LEARN.y.mean(), abs=0.005)


def test_the_rate_ranks_exactly_as_days_absent_over_days_enrolled():
    rates = last_years_rate(PREDICT)
    known = ~np.isnan(rates)
    probabilities = fit_rate(LEARN)(PREDICT)
    order = np.argsort(rates[known], kind="stable")
    steps = np.diff(rates[known][order])
    assert (np.diff(probabilities[known][order])[steps > 0] > 0).all()
    assert (np.diff(probabilities[known][order])[steps == 0] == 0).all()


def test_the_school_grade_rate_ranks_as_the_rate_of_the_students_around():
    probabilities = fit_school_grade(LEARN)(PREDICT)
    assert pd.Series(probabilities).corr(pd.Series(school_grade_rate(PREDICT)), method="spearman") == pytest.approx(1)


def test_where_the_grade_is_not_known_the_classmates_and_then_the_school_stand_in():
    frame = pd.DataFrame(
        {"school_grade_rate": [0.1, None, None, None], "classmates_rate": [0.2, 0.2, None, None],
         "school_rate": [0.3, 0.3, 0.3, None]}
    )  # fmt: skip
    np.testing.assert_array_equal(school_grade_rate(Dataset(frame, (), 0)), [0.1, 0.2, 0.3, np.nan])


def test_the_flag_gives_two_probabilities_and_the_mean_where_unknown():
    probabilities = fit_flag(LEARN)(LEARN)
    flags = LEARN.frame["was_chronic"]
    for value in (True, False):
        mask = (flags == value).fillna(False).to_numpy(dtype=bool)
        np.testing.assert_allclose(probabilities[mask], LEARN.y[mask].mean())
    np.testing.assert_allclose(probabilities[NO_HISTORY], LEARN.y.mean())


def test_the_rate_gives_the_training_mean_where_no_year_is_known():
    np.testing.assert_allclose(fit_rate(LEARN)(LEARN)[NO_HISTORY], LEARN.y.mean())


def test_no_day_enrolled_is_an_unknown_rate():
    frame = pd.DataFrame({"days_absent_last_year": [0.0, 9.0], "days_enrolled_last_year": [0.0, 90.0]})
    np.testing.assert_array_equal(last_years_rate(Dataset(frame, (), 0)), [np.nan, 0.1])


def test_logistic_regression_ranks_at_least_about_as_well_as_the_rate():
    rate, logistic = (
        roc_auc_score(PREDICT.y, BASELINES[name](LEARN)(PREDICT)) for name in ("last year's rate", "logistic")
    )
    assert logistic > rate - 0.02


def test_nothing_known_of_anybody_gives_the_mean_and_no_error():
    unknown = LEARN.frame.assign(days_absent_last_year=np.nan, school_grade_rate=np.nan, was_chronic=pd.NA)
    nobody = Dataset(unknown, LEARN.feature_names, 0)
    for name in ("last year's rate", "chronic flag", "school x grade rate"):
        np.testing.assert_allclose(BASELINES[name](nobody)(nobody), LEARN.y.mean())


def test_one_outcome_among_the_known_gives_the_mean():
    frame = LEARN.frame.assign(outcome_is_chronic=NO_HISTORY)
    only_new = Dataset(frame, LEARN.feature_names, 0)
    np.testing.assert_allclose(fit_rate(only_new)(only_new), 0.1)
