"""The risk list: order, ties, and what a spreadsheet gets."""

import io

import numpy as np
import pandas as pd
import pytest

from ews.policy import Policy
from ews.reasons import Explanations
from ews.risk_list import (
    RowGroups,
    contribution_column,
    explanation_rows,
    parquet_to_csv,
    ranked,
    risk_list,
    tie_keys,
    to_csv,
)
from tests.pretend import dataset

SECRET = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4


def students(risks: dict[str, float], school_id: str = "North") -> pd.DataFrame:
    return pd.DataFrame({"student_id": list(risks), "school_id": school_id, "risk": list(risks.values())})


def test_the_highest_risk_of_a_school_is_first():
    rows = ranked(students({"Ada": 0.2, "Ben": 0.9, "Cem": 0.5}), SECRET)
    assert rows["student_id"].tolist() == ["Ben", "Cem", "Ada"]
    assert rows["rank"].tolist() == [1, 2, 3]


def test_every_school_has_its_own_first():
    both = pd.concat([students({"Ada": 0.2}, "South"), students({"Ben": 0.9, "Cem": 0.5})])
    assert ranked(both, SECRET)[["school_id", "rank"]].to_numpy().tolist() == [["North", 1], ["North", 2], ["South", 1]]


def test_equal_risks_are_ordered_by_a_key_of_the_model_and_not_by_id():
    ids = [f"{number:03d}" for number in range(200)]
    equal = students(dict.fromkeys(ids, 0.3))
    first = ranked(equal, SECRET)["student_id"].tolist()
    assert first != ids
    assert first != ids[::-1]
    assert ranked(equal.sample(frac=1, random_state=1), SECRET)["student_id"].tolist() == first
    assert ranked(equal, OTHER)["student_id"].tolist() != first


def test_a_tie_key_belongs_to_the_student_whatever_rows_are_beside():
    ids = pd.Series(["007", "7", "Ü-1"])
    keys = tie_keys(ids, SECRET)
    assert len(set(keys)) == 3
    assert tie_keys(ids[1:], SECRET).tolist() == keys[1:].tolist()
    assert keys.tolist() == [9381652846419519755, 6812867242375209492, 5397367610000200663]


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("007", "007"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe_E01(cell, safe):
    read = pd.read_csv(
        io.StringIO(to_csv(pd.DataFrame({"student_id": [cell], "n": [1]})), newline=""),
        dtype=str, keep_default_na=False, lineterminator="\n",
    )  # fmt: skip
    assert read["student_id"].tolist() == [safe]


def test_numbers_stay_numbers_even_below_zero_and_unknown_stays_empty():
    rows = pd.DataFrame({"change": [-0.25, np.nan], "days": pd.array([3, None], dtype="Int64")})
    assert to_csv(rows) == "change,days\n-0.2500,3\n,\n"


def test_a_list_is_the_same_csv_from_its_parquet_file_as_from_memory_E01(tmp_path):
    cells = ["=1+1", "+1", "-1", "@x", "\t=1", "007", "a=b", "", None, 'a "b", c', "Ünal", "\uff1d1", " x ", "1e5"]
    numbers = [0.5, -0.25, np.nan, 1 / 3, 0.99995, 1e-7, *range(8)]
    days = pd.array([None, *range(13)], dtype="Int64")
    rows = pd.DataFrame({"student_id": pd.array(cells, dtype="str"), "risk": numbers, "days": days})
    rows.to_parquet(tmp_path / "list.parquet", index=False)
    parquet_to_csv(tmp_path / "list.parquet", tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_bytes().decode() == to_csv(rows)


def test_rows_written_in_parts_are_one_file_with_the_columns_of_the_first(tmp_path):
    years = pd.array([None, None, 2026], dtype="Int64")
    rows = pd.DataFrame({"student_id": ["a", "b", "c"], "last_school_year": years})
    with RowGroups(tmp_path / "rows.parquet") as kept:
        kept.write(rows[:2])
        kept.write(rows[2:])
    read = pd.read_parquet(tmp_path / "rows.parquet", dtype_backend="numpy_nullable")
    pd.testing.assert_frame_equal(read, rows.convert_dtypes())


def test_leading_zeros_commas_and_quotes_come_back_as_they_were():
    cells = ["007", 'a "b", c', "Ünal"]
    text = to_csv(pd.DataFrame({"student_id": cells}))
    assert pd.read_csv(io.StringIO(text), dtype=str)["student_id"].tolist() == cells


def test_the_list_has_its_columns_and_unknown_history_stays_unknown():
    rows = dataset((2026,), students=60)
    rows.frame.loc[0, ["days_absent_last_year", "days_enrolled_last_year", "last_school_year"]] = np.nan
    made = risk_list(rows, probabilities(60), explanations(60), Policy(), secret=SECRET)
    assert made.columns.tolist() == [
        "rank", "student_id", "school_id", "grade_level", "risk",
        "probability_08", "probability_10", "probability_12", "probability_15", "probability_20",
        "lane", "band_last_year", "last_school_year", "days_absent_last_year", "days_enrolled_last_year",
        "reason_1", "reason_2", "reason_3", "lowering_reason",
    ]  # fmt: skip
    unknown = made[made["student_id"] == "0000"].iloc[0]
    assert unknown[["days_absent_last_year", "days_enrolled_last_year", "last_school_year"]].isna().all()
    known = made[made["student_id"] == "0001"].iloc[0]
    assert known["days_absent_last_year"] == rows.frame["days_absent_last_year"][1]
    assert known["risk"] == known["probability_10"] == probabilities(60)["probability_10"][1]
    assert known["reason_1"] == "reason of row 1"


def test_an_explanation_has_group_contributions_and_every_feature():
    rows = dataset((2026,), students=60)
    made = explanation_rows(rows, explanations(60))
    assert made["student_id"].tolist() == rows.frame["student_id"].tolist()
    assert (made["base"] + made[contribution_column("recent level")] == made["raw_score"]).all()
    assert set(rows.feature_names) < set(made.columns)


def probabilities(rows: int) -> pd.DataFrame:
    highest = np.linspace(0.9, 0.1, rows)
    return pd.DataFrame({f"probability_{percent:02d}": highest - percent / 1000 for percent in (8, 10, 12, 15, 20)})


def explanations(rows: int) -> Explanations:
    return Explanations(
        base=np.full(rows, -1.0),
        raw=np.full(rows, 0.5),
        groups=pd.DataFrame({"recent level": np.full(rows, 1.5)}),
        sentences=pd.DataFrame(
            {"reason_1": [f"reason of row {row}" for row in range(rows)], "reason_2": "", "reason_3": "",
             "lowering_reason": ""}
        ),
    )  # fmt: skip
