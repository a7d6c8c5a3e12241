"""Whatever the students and risks: the list is complete, in order, and safe to open."""

import csv
import io

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from ews.risk_list import ranked, to_csv

SECRET = "0123456789abcdef" * 4
IDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
ROWS = st.dictionaries(IDS, st.tuples(st.sampled_from(["A", "B", "=C"]), st.sampled_from([0.0, 0.1, 0.5, 1.0])))


def frame(rows: dict) -> pd.DataFrame:
    schools = [school for school, _ in rows.values()]
    risks = [risk for _, risk in rows.values()]
    return pd.DataFrame({"student_id": list(rows), "school_id": schools, "risk": risks}).astype(
        {"student_id": "str", "school_id": "str", "risk": "float64"}
    )


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_everybody_is_listed_once_and_nobody_stands_above_a_higher_risk(rows):
    made = ranked(frame(rows), SECRET)
    assert sorted(made["student_id"]) == sorted(rows)
    for _, school in made.groupby("school_id"):
        assert school["rank"].tolist() == list(range(1, len(school) + 1))
        assert school["risk"].is_monotonic_decreasing


@settings(deadline=None, max_examples=60)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_in_which_students_come_changes_nothing_REL_5(rows, random):
    shuffled = list(rows.items())
    random.shuffle(shuffled)
    pd.testing.assert_frame_equal(ranked(frame(rows), SECRET), ranked(frame(dict(shuffled)), SECRET))


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), min_size=1), min_size=1))
def test_no_cell_of_a_list_starts_a_formula_and_nothing_else_is_changed_E01(cells):
    text = to_csv(pd.DataFrame({"student_id": pd.array(cells, dtype="str")}))
    read = [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:]
    assert [cell for cell in read if cell.startswith(("=", "+", "-", "@", "\t"))] == []
    undone = [
        cell if cell == given_text else cell.removeprefix("'") for cell, given_text in zip(read, cells, strict=True)
    ]
    assert undone == cells
