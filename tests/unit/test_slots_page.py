"""The section on what slots bring says what the kept figures say, and stays when the rest of the page is made anew."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import sections
from benchmarks.sections import keep, kept, put, with_kept
from benchmarks.slots import MEASURED, RULES, brought
from benchmarks.slots_page import BEST, NEXT, OURS, RANDOM, TITLE, section


def rows_of(students: int = 400) -> pd.DataFrame:
    """Students whose every column is drawn, and whose truth is known."""
    random = np.random.default_rng(1)
    columns = ("last_rate", "risk", "days_gained", "crossings_averted", "crossings_by_23", "crossings_alike", *MEASURED)
    drawn = {name: random.random(students) for name in columns}
    return pd.DataFrame(drawn).assign(was_chronic=random.random(students) < 0.3, tie_key=np.arange(students))


def tables_of(ours: float) -> dict[str, pd.DataFrame]:
    values = {RANDOM: 2.0, BEST: 8.0, NEXT: 5.0} | dict.fromkeys(OURS, ours)
    rules = [
        {"rule": rule, "seed": seed, **dict.fromkeys(MEASURED, values.get(rule, 3.0) + seed / 100)}
        for rule in (RANDOM, *RULES)
        for seed in (1, 2, 3)
    ]
    differences = [
        {"rule": rule, "minus": other, "low": ours - values.get(other, 3.0) - 0.1, "high": 9.0}
        for rule in OURS
        for other in (RANDOM, *RULES)
    ]
    effects = [{"seed": seed, "students": 400, "changed_8": 0.08, "changed_23": 0.23} for seed in (1, 2, 3)]
    return {name: pd.DataFrame(rows) for name, rows in
            (("rules", rules), ("resampled", differences), ("effects", effects))}  # fmt: skip


def test_no_rule_brings_more_crossings_or_days_than_the_truths_best() -> None:
    found = brought(rows_of())
    assert found["crossings_8"].idxmax() == BEST
    assert found["days_8"].idxmax() == "truth's best for days"


def test_a_rule_brings_the_mean_of_the_truth_of_the_students_it_picks() -> None:
    rows = rows_of()
    picked = rows.sort_values("risk").tail(20)
    found = brought(rows).loc["highest estimate"]
    assert found["crossings_8"] == pytest.approx(100 * picked["crossings_8"].mean())
    assert found["days_23"] == pytest.approx(picked["days_23"].mean())
    assert brought(rows).loc[RANDOM, "days_8"] == pytest.approx(rows["days_8"].mean())


def test_students_chronically_absent_before_come_after_all_others_where_the_rule_says_so() -> None:
    rows = rows_of()
    picked = rows[~rows["was_chronic"]].sort_values("risk").tail(20)
    assert brought(rows).loc[NEXT, "days_8"] == pytest.approx(picked["days_8"].mean())


def test_the_goal_is_reached_where_ours_goes_half_of_the_way_from_random_to_the_truth() -> None:
    assert "The goal of half of it is reached." in section(tables_of(5.5), "abc")
    assert "The goal of half of it is **not** reached." in section(tables_of(4.5), "abc")


def test_ours_beats_another_rule_only_where_both_intervals_say_so() -> None:
    assert f"{OURS[0]} beats {NEXT}: +0.50" in section(tables_of(5.5), "abc")
    assert f"{OURS[0]} is not shown to beat {NEXT}: +0.05" in section(tables_of(5.05), "abc")


def test_a_section_takes_the_place_of_the_one_of_its_title_and_of_nothing_else() -> None:
    page = "# All\n\n## A\n\nold\n\n### deeper\n\nold too\n\n## B\n\nb\n"
    assert put(page, "A", "## A\n\nnew\n") == "# All\n\n## A\n\nnew\n\n## B\n\nb\n"
    assert put(page, "C", "## C\n\nc").endswith("## B\n\nb\n\n## C\n\nc\n")
    assert put(put(page, "B", "## B\n\nb"), "B", "## B\n\nb") == page


def test_what_was_kept_is_shown_on_a_page_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "KEPT", tmp_path)
    assert with_kept("# Results\n") == "# Results\n"
    keep("slots", tables_of(5.5), "abc123")
    found = kept("slots")
    assert found is not None
    assert found[1] == "abc123"
    pd.testing.assert_frame_equal(found[0]["rules"], tables_of(5.5)["rules"])
    text = with_kept("# Results\n")
    assert f"## {TITLE}\n" in text
    assert "`abc123`" in text
    assert with_kept(text) == text
