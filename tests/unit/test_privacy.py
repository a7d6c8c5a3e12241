"""What may be told of groups: hand-made tables, and an exact check that nothing hidden can be worked out."""

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.errors import InvalidPolicy
from ews.policy import Policy
from ews.privacy import UNKNOWN, cells, is_telling, rounded, rounded_share, without_hidden

POLICY = Policy()
TWO_WAY = ("race", "disability")


def students(**sizes: int) -> pd.DataFrame:
    """One row a student of a one-column table: `students(A=20, B=8)`."""
    return pd.DataFrame({"race": np.repeat(list(sizes), list(sizes.values()))})


def mixed(rows: int) -> np.ndarray:
    """An outcome that every third student has."""
    return (np.arange(rows) % 3 == 0).astype(float)


def hidden_in(found: pd.DataFrame) -> list[str]:
    return found.loc[found["suppressed"], "group"].tolist()


def test_a_group_of_fewer_than_ten_is_hidden_and_the_next_smallest_with_it_PRV10_PRV11_P01():
    rows = students(A=200, B=40, C=9, D=60)
    found = cells(rows, mixed(len(rows)), POLICY, [("race",)])
    assert found["group"].tolist() == ["A", "B", "C", "D"]
    assert found["students"].tolist() == [200, 40, 9, 60]
    assert hidden_in(found) == ["B", "C"]


@pytest.mark.parametrize(
    ("sizes", "hidden"),
    [
        ({"A": 200, "B": 10}, []),
        ({"A": 200, "B": 9}, ["A", "B"]),
        ({"A": 200, "B": 9, "C": 8}, ["B", "C"]),
        ({"A": 200, "B": 30, "C": 1}, ["B", "C"]),
    ],
)
def test_of_two_groups_with_one_small_neither_is_shown_and_two_small_ones_keep_each_other_PRV11(sizes, hidden):
    rows = students(**sizes)
    assert hidden_in(cells(rows, mixed(len(rows)), POLICY, [("race",)])) == hidden


@pytest.mark.parametrize(
    ("count", "positives", "telling"),
    [(9, 4, True), (10, 4, False), (50, 0, True), (50, 2, True), (50, 3, False), (50, 47, False), (50, 48, True),
     (50, 50, True), (0, 0, True)],
)  # fmt: skip
def test_all_none_and_almost_all_tell_of_everybody_P01(count, positives, telling):
    assert is_telling(np.array([count]), np.array([positives]), POLICY).tolist() == [telling]


def test_the_district_chooses_how_few_down_to_five_PRV10():
    rows = students(A=200, B=40, C=9)
    assert hidden_in(cells(rows, mixed(len(rows)), Policy(min_n=5), [("race",)])) == []
    assert hidden_in(cells(rows, mixed(len(rows)), Policy(min_n=50), [("race",)])) == ["B", "C"]
    with pytest.raises(InvalidPolicy, match="min_n must be at least 5"):
        Policy(min_n=4)


def test_who_is_not_known_is_a_group_too_since_groups_add_up_to_all():
    rows = students(A=60, B=30)
    rows.loc[:11, "race"] = None
    found = cells(rows, mixed(len(rows)), POLICY, [("race",)])
    assert found.set_index("group")["students"].to_dict() == {"A": 48, "B": 30, UNKNOWN: 12}


def test_a_small_cell_of_a_two_way_table_takes_its_row_and_column_with_it_PRV11():
    """Neither race minus its other half, nor disability minus the other races, gives the cell of four."""
    sizes = {("A", "no"): 200, ("A", "yes"): 50, ("B", "no"): 90, ("B", "yes"): 30, ("C", "no"): 40, ("C", "yes"): 4}
    rows = pd.DataFrame(np.repeat(list(sizes), list(sizes.values()), axis=0), columns=TWO_WAY)
    found = cells(rows, mixed(len(rows)), POLICY, [("race",), ("disability",), TWO_WAY])
    assert hidden_in(found) == ["B, no", "B, yes", "C, no", "C, yes"]


def test_a_two_way_cell_in_which_nobody_is_is_hidden_like_any_small_one_P01():
    sizes = {("A", "no"): 200, ("A", "yes"): 50, ("B", "no"): 90}
    rows = pd.DataFrame(np.repeat(list(sizes), list(sizes.values()), axis=0), columns=TWO_WAY)
    found = cells(rows, mixed(len(rows)), POLICY, [("race",), ("disability",), TWO_WAY])
    assert found.set_index("group").loc["B, yes", "students"] == 0
    assert hidden_in(found) == ["A, no", "A, yes", "B, no", "B, yes"]


def test_a_school_is_not_worked_out_from_the_grade_band_it_stands_in_PRV11():
    """Two schools are the whole of a band: hiding a third school would not keep the small one."""
    rows = pd.DataFrame(
        {
            "school": np.repeat(["E1", "E2", "M1", "M2"], [12, 80, 60, 9]),
            "band": np.repeat(["low", "high"], [92, 69]),
        }
    )
    found = cells(rows, mixed(len(rows)), POLICY, [("school",), ("band",)])
    assert hidden_in(found) == ["M1", "M2"]


def test_of_400_schools_each_small_one_is_hidden_and_few_others_with_them_PRV10_PRV11():
    """Many small schools keep each other; where a band has one only, one more of the band goes with it."""
    sizes = np.full(400, 60)
    sizes[:3], sizes[200] = 8, 7
    rows = pd.DataFrame(
        {
            "school": np.repeat([f"{number:04d}" for number in range(400)], sizes),
            "band": np.repeat(np.repeat(["low", "high"], 200), sizes),
        }
    )
    found = cells(rows, mixed(len(rows)), POLICY, [("school",), ("band",)])
    hidden = hidden_in(found)
    assert {"0000", "0001", "0002", "0200"} < set(hidden)
    assert len(hidden) == 5
    assert "0201" <= hidden[-1] <= "0399"


def test_the_order_of_groups_is_alphabetical_and_so_tells_no_size_P03():
    rows = students(B=300, A=12, C=40)
    assert cells(rows, mixed(len(rows)), POLICY, [("race",)])["group"].tolist() == ["A", "B", "C"]


def test_what_is_hidden_is_not_in_the_rows_that_leave():
    rows = students(A=200, B=9)
    found = cells(rows, mixed(len(rows)), POLICY, [("race",)])
    assert without_hidden(found, ["students", "positives"])[["students", "positives"]].isna().all(axis=None)
    assert found["students"].tolist() == [200, 9]


def test_counts_for_the_public_are_rounded_to_five_and_none_up_to_seven_is_told_PRV12():
    told = rounded(np.array([0, 1, 7, 8, 12, 13, 17, 18, 1002]))
    np.testing.assert_array_equal(told, [np.nan, np.nan, np.nan, 10, 10, 15, 15, 20, 1000])


@given(st.integers(8, 10**7))
def test_one_student_more_moves_a_public_count_by_nothing_or_by_five_PRV12_P02(count):
    before, after = rounded(np.array([count, count + 1]))
    assert after - before in (0, 5)
    assert abs(before - count) <= 2


def test_a_public_share_never_says_all_or_none_PRV12_P01():
    part, whole = np.array([0.0, 10, 10, np.nan, 10]), np.array([10.0, 10, 40, 20, np.nan])
    np.testing.assert_array_equal(rounded_share(part, whole), [np.nan, np.nan, 0.25, np.nan, np.nan])


def in_span(vector: list[int], shown: list[list[int]]) -> bool:
    """Whether a cell is a sum of multiples of shown ones, by exact elimination: no rounding, no library."""
    basis: list[tuple[int, list[Fraction]]] = []
    for number, row in enumerate([*shown, vector]):
        rest = [Fraction(value) for value in row]
        for lead, known in basis:
            times = rest[lead]
            rest = [mine - times * theirs for mine, theirs in zip(rest, known, strict=True)] if times else rest
        lead = next((place for place, value in enumerate(rest) if value), None)
        if lead is not None:
            basis.append((lead, [value / rest[lead] for value in rest]))
        elif number == len(shown):
            return True
    return False


KIND = st.tuples(
    st.sampled_from("ABC"), st.sampled_from(["yes", "no"]), st.sampled_from(["S1", "S2", "S3"]),
    st.integers(1, 40), st.integers(0, 40),
)  # fmt: skip
TABLES = [("race",), ("disability",), TWO_WAY, ("school",)]


@settings(max_examples=40, deadline=None)
@given(st.lists(KIND, min_size=2, max_size=12))
def test_no_hidden_cell_is_a_sum_or_difference_of_what_is_shown_PRV11(kinds):
    """Tables by race, by disability, by both and by school, with the total: none gives away what another hides."""
    counts = [max(size, positive) for *_, size, positive in kinds]
    of_kind = pd.DataFrame([kind[:3] for kind in kinds], columns=[*TWO_WAY, "school"])
    rows = of_kind.loc[np.repeat(of_kind.index, counts)].reset_index(drop=True)
    outcome = np.concatenate([np.arange(count) < positive for count, (*_, positive) in zip(counts, kinds, strict=True)])
    found = cells(rows, outcome.astype(float), POLICY, TABLES)
    telling = is_telling(found["students"].to_numpy(), found["positives"].to_numpy(), POLICY)
    assert found.loc[telling, "suppressed"].all()
    possible = [(*cell, of_kind["school"][0]) for cell in product(*(set(of_kind[name]) for name in TWO_WAY))]
    every = pd.concat([of_kind, pd.DataFrame(possible, columns=of_kind.columns)]).drop_duplicates()
    vectors = [
        (every[dimension.split(" x ")].agg(", ".join, axis=1) == group).astype(int).tolist()
        for dimension, group in zip(found["dimension"], found["group"], strict=True)
    ]
    hidden = found["suppressed"].to_numpy()
    shown = [[1] * len(every), *(vectors[cell] for cell in np.flatnonzero(~hidden))]
    if len(shown) > 1:
        assert not any(in_span(vectors[cell], shown) for cell in np.flatnonzero(hidden))
