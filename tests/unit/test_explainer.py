"""One student explained alone is told the same as in a list of all (EX-1, EX-2)."""

import numpy as np
import pandas as pd
import pytest

from ews.dataset import Dataset
from ews.errors import InvalidFeatures
from ews.explainer import Explained, Explainer
from ews.features import FEATURES
from ews.model import Model, Parameters, fit
from ews.policy import Policy
from ews.reasons import explain, typical_values
from tests import pretend


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Students whose outcome hangs on every feature a little, so that every group of features has something to say."""
    made = pretend.dataset(students=600)
    random = np.random.default_rng(11)
    x = made.x.astype("float64")
    scales = {name: {"share": 1, "flag": 2, "number": 3}.get(FEATURES[name].unit, 12) for name in x.columns}
    x = x.apply(
        lambda column: column if scales[column.name] == 1 else np.floor(random.random(len(x)) * scales[column.name])
    )
    score = (x.rank(pct=True) * random.normal(size=x.shape[1])).sum(axis=1).rank(pct=True)
    reaches = {f"outcome_reaches_{percent:02d}": score > 0.6 + percent / 100 for percent in Policy().threshold_percents}
    outcomes = {name: value.astype("boolean") for name, value in reaches.items()}
    frame = made.frame.assign(
        **x, **outcomes, outcome_is_chronic=(score > 0.7).astype("boolean"), outcome_rate=score / 3
    )
    return Dataset(frame, made.feature_names, 0)


@pytest.fixture(scope="module")
def model(data) -> Model:
    return fit(data, Parameters(rounds=60, leaves=7, min_rows_in_leaf=5, learning_rate=0.2), Policy(), directions={})


@pytest.fixture(scope="module")
def typical(data):
    return typical_values(data)


@pytest.fixture(scope="module")
def students(data) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Features, grades and last years; of three students in four, values are taken away at random."""
    random = np.random.default_rng(12)
    x = data.x.astype("float64").reset_index(drop=True)
    shares = random.choice([0, 0.1, 0.5, 0.9], len(x))
    years = data.frame["last_school_year"].astype("Float64").reset_index(drop=True)
    return (
        x.mask(random.random(x.shape) < shares[:, None]),
        data.frame["grade_level"].reset_index(drop=True),
        years.mask(random.random(len(x)) < 0.2),
    )


@pytest.fixture(scope="module")
def explainer(model, typical) -> Explainer:
    return Explainer(model, typical, Policy())


def values_of(x: pd.DataFrame) -> list[dict[str, float | None]]:
    return [
        {str(name): None if np.isnan(value) else value for name, value in row.items()} for row in x.to_dict("records")
    ]


@pytest.fixture(scope="module")
def alone(explainer, students) -> list[Explained]:
    x, grades, years = students
    known = [None if pd.isna(year) else int(year) for year in years]
    return [explainer.explain(*one) for one in zip(values_of(x), grades, known, strict=True)]


@pytest.fixture(scope="module")
def together(model, typical, students):
    x, grades, years = students
    return explain(model, x, grades, typical, Policy(), last_school_years=years)


def test_the_sentences_are_the_same_EX_1(alone, together):
    names = ("reason_1", "reason_2", "reason_3")
    expected = [[row[name] for name in names if row[name]] for row in together.sentences.to_dict("records")]
    assert [one.reasons for one in alone] == expected
    assert [one.lowering for one in alone] == list(together.sentences["lowering_reason"])
    told = {sentence for one in alone for sentence in (*one.reasons, one.lowering)}
    assert len(told) > 200


def test_the_numbers_are_the_same_EX_2(model, alone, together, students):
    for one, groups, base, raw in zip(
        alone, together.groups.to_dict("records"), together.base, together.raw, strict=True
    ):
        assert one.groups == pytest.approx(groups, abs=1e-12)
        assert (one.base, one.raw) == pytest.approx((base, raw), abs=1e-12)
        assert one.base + sum(one.groups.values()) == pytest.approx(one.raw, abs=1e-6)
    expected = model.probabilities(students[0]).to_numpy()
    np.testing.assert_allclose([list(one.probabilities.values()) for one in alone], expected, atol=1e-12)
    assert list(alone[0].probabilities) == [f"{percent:02d}" for percent in model.calibrator.percents]


def test_the_order_of_names_does_not_matter(explainer, students):
    values = values_of(students[0])[0]
    assert explainer.explain(values, "03", None) == explainer.explain(dict(reversed(values.items())), "03", None)


def test_a_missing_or_foreign_feature_is_refused_T10_T11(explainer, students):
    values = values_of(students[0])[0]
    missing = {name: value for name, value in values.items() if name != "days_absent_last_year"}
    with pytest.raises(InvalidFeatures, match="days_absent_last_year"):
        explainer.explain(missing, "03", None)
    with pytest.raises(InvalidFeatures, match="1 names"):
        explainer.explain({**values, "Canary-Quill-4711": 1.0}, "03", None)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), -1.0])
def test_a_value_that_no_record_gives_is_refused_T06(explainer, students, value):
    values = {**values_of(students[0])[0], "days_absent_last_year": value}
    with pytest.raises(InvalidFeatures, match="days_absent_last_year"):
        explainer.explain(values, "03", None)
