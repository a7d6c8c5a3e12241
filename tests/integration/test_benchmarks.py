"""What the benchmark compares is the same thing: the yardstick in pandas counts what `ews` counts."""

from pathlib import Path

import numpy as np

from benchmarks.by_pandas import by_pandas
from benchmarks.student_years import YEARS, write_ingest
from ews.dataset import dataset_for
from ews.policy import Policy
from ews.school_year import SchoolYear


def test_the_yardstick_in_pandas_counts_what_ews_counts(tmp_path: Path) -> None:
    marks = write_ingest(tmp_path / "ingest", 1_500)
    assert 45 < marks / 1_500 < 65
    found = dataset_for(tmp_path / "ingest", [SchoolYear(YEARS[-1])], Policy()).frame.set_index("student_id")
    expected = by_pandas(tmp_path / "ingest").loc[found.index]
    for name in ("days_absent", "days_enrolled", "spells", "longest_spell"):
        np.testing.assert_array_equal(found[f"{name}_last_year"], expected[f"{name}_last_year"], err_msg=name)
    known = found["outcome_is_chronic"].notna()
    assert known.mean() > 0.99
    assert (found["outcome_is_chronic"] == expected["is_chronic"])[known].all()
    assert 0.1 < expected["is_chronic"].mean() < 0.4
