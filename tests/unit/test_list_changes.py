"""Who entered and who left the first of a school's list since the run before, and why."""

import itertools

import pandas as pd
import pytest

from ews.features import GROUPS
from ews.list_changes import COLUMNS, FILE, list_changes, no_changes, summary, write_changes
from ews.risk_list import contribution_column
from ews.score import EXPLANATIONS, LIST, ScoringRun

COUNT = itertools.count()


@pytest.fixture
def run_of(tmp_path):
    """Make a run of one school's students in order: id, and the contributions that matter."""

    def make(slots_percent: int = 50, school_id: str = "North", **students: dict[str, float]) -> ScoringRun:
        folder = tmp_path / f"run {next(COUNT)}"
        folder.mkdir()
        rows = pd.DataFrame({"student_id": list(students), "school_id": school_id})
        rows["rank"] = range(1, len(rows) + 1)
        rows["risk"] = 1 / (1 + rows["rank"])
        rows.to_parquet(folder / LIST)
        parts = [dict.fromkeys(GROUPS, 0.0) | told for told in students.values()]
        named = pd.DataFrame(parts).rename(columns=contribution_column)
        pd.concat([rows[["student_id", "school_id"]], named], axis=1).sample(frac=1, random_state=1).to_parquet(
            folder / EXPLANATIONS
        )
        return ScoringRun(folder.name, folder, {"slots_percent": slots_percent})

    return make


def level(value: float) -> dict[str, float]:
    return {"recent level": value}


def told(changes: pd.DataFrame) -> list[list[object]]:
    return changes[["change", "student_id", "why", "group_1"]].to_numpy().tolist()


def test_who_is_among_the_first_as_before_is_not_told(run_of):
    before = run_of(Ada=level(3), Ben=level(2), Cem=level(1), Dot=level(0))
    now = run_of(Ben=level(4), Ada=level(3), Dot=level(1), Cem=level(0))
    assert list_changes(before, now).columns.tolist() == list(COLUMNS)
    assert list_changes(before, now).empty


def test_who_entered_and_who_left_are_told_with_the_groups_that_changed_most(run_of):
    before = run_of(Ada=level(3), Ben={"recent level": 2.0, "spells": 1.0}, Cem={"spells": 0.5}, Dot=level(0))
    now = run_of(Ada=level(3), Cem={"spells": 1.5, "trend": 0.25}, Ben={"recent level": 1.5, "spells": 0.75}, Dot={})
    cem, ben = list_changes(before, now).to_dict(orient="records")
    assert (cem["change"], cem["student_id"], cem["why"]) == ("entered", "Cem", "the estimate rose")
    assert (cem["rank_before"], cem["rank_now"]) == (3, 2)
    assert [cem[name] for name in ("group_1", "group_change_1", "group_2", "group_change_2")] == [
        "spells", 1.0, "trend", 0.25,
    ]  # fmt: skip
    assert (ben["change"], ben["why"]) == ("left", "the estimate fell")
    assert (ben["risk_before"], ben["risk_now"]) == (1 / 3, 1 / 4)
    assert [ben[name] for name in ("group_1", "group_change_1", "group_2", "group_change_2")] == [
        "recent level", -0.5, "spells", -0.25,
    ]  # fmt: skip


def test_who_is_passed_by_others_has_not_changed(run_of):
    before = run_of(Ada=level(3), Ben=level(2), Cem=level(1), Dot=level(0))
    now = run_of(Ada=level(3), Cem=level(2.5), Ben=level(2), Dot=level(0))
    assert told(list_changes(before, now)) == [
        ["entered", "Cem", "the estimate rose", "recent level"],
        ["left", "Ben", "others entered or rose", ""],
    ]
    back = list_changes(now, before)
    assert told(back) == [
        ["entered", "Ben", "others left or fell", ""],
        ["left", "Cem", "the estimate fell", "recent level"],
    ]


def test_who_came_to_the_school_or_is_gone_has_no_change_to_tell(run_of):
    before = run_of(Ada=level(3), Ben=level(2))
    found = list_changes(before, run_of(New=level(3), Ben=level(2)))
    assert told(found) == [
        ["entered", "New", "newly listed at this school", ""],
        ["left", "Ada", "no longer listed at this school", ""],
    ]
    assert found["rank_before"].isna().tolist() == [True, False]
    assert found["rank_now"].isna().tolist() == [False, True]


def test_who_moves_to_another_school_leaves_one_list_and_enters_another(run_of):
    found = list_changes(run_of(Ada=level(3), Ben=level(2)), run_of(school_id="South", Ada=level(3)))
    assert found[["school_id", "student_id", "change"]].to_numpy().tolist() == [
        ["North", "Ada", "left"],
        ["South", "Ada", "entered"],
    ]


def test_the_lists_length_is_rounded_up_as_in_evaluation(run_of):
    before = run_of(10, Ada=level(3), Ben=level(2))
    found = list_changes(before, run_of(10, Ben=level(4), Ada=level(3)))
    assert found["student_id"].tolist() == ["Ben", "Ada"]


def test_the_summary_names_no_student(run_of):
    before = run_of(Ada=level(3), Ben=level(2), Cem=level(1), Dot=level(0))
    now = run_of(Cem=level(4), Ada=level(3), Ben=level(2), Dot=level(0))
    text = summary(list_changes(before, now))
    assert text == "1 entered and 1 left the first of their school, most for: recent level (1)"
    assert summary(no_changes()) == "0 entered and 0 left the first of their school"


def test_the_table_is_a_file_whose_ids_no_spreadsheet_runs(tmp_path, run_of):
    changes = list_changes(run_of(Ada=level(3)), run_of(**{"=1+1": level(3)}))
    path = write_changes(changes, tmp_path)
    lines = path.read_text().splitlines()
    assert (path.name, lines[0]) == (FILE, ",".join(COLUMNS))
    assert lines[1].startswith("North,'=1+1,entered,newly listed at this school,,1,,0.5000")
    assert write_changes(no_changes(), tmp_path).read_text() == lines[0] + "\n"
