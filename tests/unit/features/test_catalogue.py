import random
import re

import narwhals as nw
import pandas as pd
import pytest

from ews.features import CONTEXT_COLUMNS, FEATURES, GROUPS, KEYS, features_for
from ews.features.catalogue import feature
from ews.features.phrases import features_named
from ews.student_years import STUDENT_YEARS
from ews.tables import PROTECTED
from tests.unit.features.rows import TARGET, classmates, features_of, member, student_year

NAMED_IN_PHRASES = {name for entry in FEATURES.values() for name in features_named(entry.phrase or "")}


@pytest.mark.parametrize("entry", FEATURES.values(), ids=FEATURES)
def test_an_entry_of_the_catalogue_is_complete(entry) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]+", entry.name)
    assert entry.meaning.endswith(".")
    assert "\n" not in entry.meaning
    assert entry.group in GROUPS
    assert entry.direction in (-1, 0, 1)
    assert features_named(entry.phrase or "") <= set(FEATURES)


@pytest.mark.parametrize("entry", FEATURES.values(), ids=FEATURES)
def test_a_feature_has_a_phrase_or_a_written_reason_why_not(entry) -> None:
    """But for what is there only for the phrase of another feature, which the model does not learn from."""
    is_for_others = not entry.learned and entry.name in NAMED_IN_PHRASES
    assert bool(entry.phrase) + bool(entry.untold) + (is_for_others and not entry.phrase) == 1
    assert (entry.untold or "A sentence.").endswith(".")


def test_every_group_has_something_to_tell() -> None:
    assert {entry.group for entry in features_for(0) if entry.phrase} == set(GROUPS)


def test_no_protected_attribute_is_a_feature_FAIR_2() -> None:
    assert not set(FEATURES) & set(PROTECTED)
    assert not set(STUDENT_YEARS.column_names) & set(PROTECTED)


def test_at_term_start_no_phrase_speaks_of_the_open_year() -> None:
    names = {entry.name for entry in features_for(0)}
    assert all(features_named(entry.phrase or "") <= names for entry in features_for(0))


def test_a_feature_needs_a_meaning_and_a_group_of_the_catalogue() -> None:
    def without_meaning() -> nw.Expr:
        return nw.col("last_spells")

    with pytest.raises(ValueError, match="needs a group of the catalogue and a docstring"):
        feature(unit="count", window="last known year", group="spells")(without_meaning)


def district(seed: int = 3) -> list[dict]:
    """Students of two schools over two years, with counts at random."""
    rng = random.Random(seed)
    counts = [name for name in STUDENT_YEARS.column_names if "absent" in name or "spell" in name or "tardy" in name]
    return [
        student_year(
            f"{number:03d}",
            school_year=year,
            school_id=rng.choice(["north", "south"]),
            grade_level=rng.choice(["02", "03", "04"]),
            **{name: rng.randrange(12) for name in counts},
        )
        for number in range(60)
        for year in (2023, 2025)
    ]


COHORT = [member(f"{number:03d}", "04", "north") for number in range(0, 70, 3)]
HOUSEHOLDS = {f"{number:03d}": f"home {number * number % 23}" for number in range(60)}
OPEN_YEAR = [student_year(f"{number:03d}", school_year=TARGET.ending, days_absent=number % 5) for number in range(50)]


def test_duckdb_and_polars_agree_to_the_last_digit_of_counts_and_1e12_of_ratios() -> None:
    duckdb, polars = (features_of(district(), COHORT, OPEN_YEAR, engine, HOUSEHOLDS) for engine in ("duckdb", "polars"))
    names = [entry.name for entry in features_for(20)]
    assert list(duckdb.columns) == [*(key for key in KEYS if key != "student_id"), *names, *CONTEXT_COLUMNS]
    wholes = [name for name in names if FEATURES[name].unit not in ("share", "number")]
    pd.testing.assert_frame_equal(duckdb[wholes], polars[wholes], check_dtype=False, check_exact=True)
    pd.testing.assert_frame_equal(duckdb[names], polars[names], check_dtype=False, rtol=0, atol=1e-12)
    told = list(CONTEXT_COLUMNS)
    pd.testing.assert_frame_equal(duckdb[told], polars[told], check_dtype=False)


def test_every_student_of_the_cohort_has_one_row() -> None:
    assert list(features_of(district(), COHORT).index) == [row["student_id"] for row in COHORT]


def test_some_record_moves_every_feature() -> None:
    """A feature that is the same for everybody would be a mistake in its expression."""
    cohort = [member(f"{number:03d}", grade, school) for number, grade, school in PLACES]
    found = features_of([*varied(), *classmates(12)], cohort, OPEN_YEAR_VARIED, households=HOUSEHOLDS)
    names = [entry.name for entry in features_for(20)]
    assert [name for name in names if found[name].nunique(dropna=False) < 2] == []


PLACES = [(number, ("KG", "03", "04")[number % 3], ("north", "south")[number % 2]) for number in range(60)]


def varied() -> list[dict]:
    """The district with every count at random, so that no column is the same for everybody."""
    rng = random.Random(4)
    rows = [row for number, row in enumerate(district()) if number % 7]
    wholes = [name for name, value in student_year().items() if isinstance(value, int) and name != "school_year"]
    rows = [{**row, **{name: row[name] + rng.randrange(4) for name in wholes}} for row in rows]
    return [{**row, "days_enrolled": 20} if number % 4 else row for number, row in enumerate(rows)]


OPEN_YEAR_VARIED = [
    {**row, "school_year": TARGET.ending, "days_absent": number % 4, "days_enrolled": 16 + number % 5}
    for number, row in enumerate(varied()[:40:2])
]
