"""Monitoring a real (simulated) district: a shock year that is 25 days old, and the same year when it has ended."""

import datetime as dt
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ews.base_rate import FirstDays
from ews.cli import main
from ews.cli.monitor import InputRefused
from ews.home import Home
from ews.monitoring import AREAS, hand_out, monitor, page
from ews.monitoring.checks import graded
from ews.monitoring.inputs import input_checks
from ews.monitoring.levels import open_year_check
from ews.policy import Policy
from ews.profile import profile_of
from ews.recalibration import recalibrate, shift_from_first_days
from ews.registry import champion_bundle
from ews.school_year import SchoolYear
from ews.sis import ingest
from tests.homes import NOON, records, shocked_home
from tests.rows import pretend_dataset

SHOCK = SchoolYear(2026)
FALL = dt.date(2025, 10, 10)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    return shocked_home(tmp_path_factory.mktemp("monitoring") / "home")


@pytest.fixture(scope="module")
def report(home):
    return monitor(home, today=FALL, made_at=NOON)


@pytest.fixture(scope="module")
def ended(home, tmp_path_factory):
    """The same model when the outcomes of its year are known."""
    later = Home(shutil.copytree(home.path, tmp_path_factory.mktemp("ended") / "home"))
    with later.locked():
        ingest(records(), later)
    return monitor(later, today=dt.date(2026, 6, 20), made_at=NOON)


def one(report, area: str, name: str):
    found = [check for check in report.checks if (check.area, check.name) == (area, name)]
    assert len(found) == 1, [check.name for check in report.checks if check.area == area]
    return found[0]


def test_a_shock_alarms_while_the_year_is_open_and_recalibration_ends_it_FAIR_24(home, report, tmp_path):
    check = one(report, "base rate", "open year")
    assert check.level == "alarm"
    assert check.value > check.reference + 0.05
    assert "ews recalibrate" in check.text
    shifted = Home(shutil.copytree(home.path, tmp_path / "home"))
    bundle = champion_bundle(shifted)[1]
    by_first_days = lambda folder: shift_from_first_days(folder, bundle, SHOCK, 25)  # noqa: E731 - shown in one place
    recalibrate(shifted, bundle, SHOCK, by_first_days, by="Ana Reyes", why="the alarm", at=NOON)
    after = monitor(shifted, today=FALL, made_at=NOON)
    assert one(after, "base rate", "open year").level == "fine"
    assert "first 25 days" in str(after.about["recalibrated"])


def test_when_labels_arrive_calibration_is_told_for_every_threshold_and_grade_band_FAIR_24(report, ended):
    assert one(report, "calibration", "risk").level == "not known"
    names = [check.name for check in ended.checks if check.area == "calibration"]
    assert {f"2026 all, {percent} %" for percent in (8, 10, 12, 15, 20)} <= set(names)
    assert {"2026 KG-05, 10 %", "2026 06-08, 10 %", "2026 09-12, 10 %", "2026 slope"} <= set(names)
    risk = one(ended, "calibration", "2026 all, 10 %")
    assert risk.level == "alarm"
    assert risk.value - risk.reference > 0.1
    assert one(ended, "base rate", "last complete year").level == "not known" or ended.alarms


def test_every_area_is_looked_at_and_every_learned_feature(report):
    assert [area for area in AREAS if area in {check.area for check in report.checks}] == list(AREAS)
    names = {check.name for check in report.checks if check.area == "inputs"}
    assert {"days_absent_last_year", "school_rate", "grade levels"} <= names
    assert "days_enrolled_last_year" not in names


def test_looking_changes_nothing_and_never_trains_FAIR_24(home, report):
    before = {path: path.stat().st_mtime_ns for path in home.path.rglob("*") if path.is_file() and path.name != ".lock"}
    again = monitor(home, today=FALL, made_at=NOON)
    after = {path: path.stat().st_mtime_ns for path in home.path.rglob("*") if path.is_file() and path.name != ".lock"}
    assert before == after
    assert again == report


@pytest.mark.parametrize(
    ("today", "level"),
    [(dt.date(2025, 10, 6), "fine"), (dt.date(2025, 10, 24), "watch"), (dt.date(2025, 12, 20), "alarm")],
)
def test_records_grow_stale_in_school_days_REL_9(home, today, level):
    assert one(monitor(home, today=today, made_at=NOON), "freshness", "records").level == level


def test_a_summer_without_school_is_not_stale_REL_9(ended):
    assert one(ended, "freshness", "records").level == "fine"


def test_a_model_of_an_earlier_year_is_told_G12(home):
    later = monitor(home, today=FALL, made_at=NOON, target_year=SHOCK.next)
    assert one(later, "freshness", "model").level == "watch"


def input_levels(change) -> dict[str, str]:
    """Levels of a cohort that is last year's but for one change."""
    rows = pretend_dataset(students=1500, target_years=(2026,))
    profile = profile_of(rows.x, np.full(1500, 0.2), rows.frame["grade_level"], Policy())
    changed = replace(rows, frame=change(rows.frame.copy()))
    return {check.name: check.level for check in input_checks(profile, changed, np.full(1500, 0.2))}


def test_the_same_rows_are_fine():
    assert set(input_levels(lambda frame: frame).values()) == {"fine"}


def test_grade_levels_that_training_hardly_saw_are_counted_T07():
    def renamed(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(grade_level=frame["grade_level"].replace("03", "13"))

    levels = input_levels(renamed)
    assert levels.pop("grade levels") == "alarm"
    assert set(levels.values()) == {"fine"}


def test_a_feature_that_is_lost_or_moved_is_told_by_its_name_FAIR_24():
    half = input_levels(
        lambda frame: frame.assign(days_absent_last_year=frame["days_absent_last_year"].where(frame.index % 2 == 0))
    )
    assert half["days_absent_last_year"] == "alarm"
    nobody = input_levels(lambda frame: frame.assign(days_absent_last_year=np.nan))
    assert nobody["days_absent_last_year"] == "alarm"
    more = input_levels(lambda frame: frame.assign(spells_last_year=2 * frame["spells_last_year"] + 3))
    assert {name for name, level in more.items() if level != "fine"} == {"spells_last_year"}


def test_a_model_without_a_profile_says_so():
    rows = pretend_dataset(students=50, target_years=(2026,))
    assert [check.level for check in input_checks(None, rows, np.full(50, 0.2))] == ["not known"]


@pytest.mark.parametrize(
    ("errors", "level"), [({}, "alarm"), ({2024: 0.01, 2025: -0.01}, "alarm"), ({2024: 0.03, 2025: -0.03}, "watch")]
)
def test_a_level_is_an_alarm_only_beyond_what_past_years_missed(errors, level):
    told = FirstDays(SHOCK, 20, SHOCK.previous, True, 0.08, 0.06, 0.7, {10: 0.24}, 0.25, errors)
    check = open_year_check(told, 0.20, Policy())
    assert check.level == level
    assert ("If the years before were unlike others, think of" in check.text) == (level == "watch")
    assert check.text.endswith("hink of: ews recalibrate")
    fine = open_year_check(told, 0.235, Policy())
    assert (fine.level, "ews recalibrate" in fine.text) == ("fine", False)


def test_sizes_are_graded_and_nan_is_not_known():
    assert [graded(size, 1, 2) for size in (1, 1.5, 2, 2.5, float("nan"))] == [
        "fine", "watch", "watch", "alarm", "not known",
    ]  # fmt: skip


def test_the_page_asks_nothing_of_any_other_place_and_escapes_what_it_shows_W15(report, tmp_path):
    html, table, plain = hand_out(report, tmp_path / "out")
    text = html.read_text(encoding="utf-8")
    assert not re.search(r"(?i)src\s*=|href\s*=|url\(|@import|<script|https?://", text)
    assert "default-src 'none'" in text
    odd = replace(report.checks[0], name="<img src=x onerror=alert(1)>", level="alarm")
    shown = page(replace(report, checks=(odd,)))
    assert "<img" not in shown
    assert "&lt;img" in shown
    rows = pd.read_csv(table)
    assert len(rows) == len(report.checks) == len(json.loads(plain.read_text(encoding="utf-8"))["checks"])


def test_no_file_of_the_report_holds_a_student_O17(home, report, tmp_path):
    students = pd.read_csv(records() / "students.csv", dtype=str)["student_id"]
    for path in hand_out(report, tmp_path / "out"):
        words = set(re.findall(r"[A-Za-z0-9_-]+", path.read_text(encoding="utf-8")))
        assert not words & set(students)


def test_a_scheduler_reads_the_exit_code(home, tmp_path, capfd):
    with pytest.raises(SystemExit) as ended:
        main(["monitor", "--home", str(home.path), "--out", str(tmp_path / "out")])
    assert ended.value.code == 21
    told = capfd.readouterr()
    assert "alarms" in told.err
    assert "base rate" in told.out
    assert (tmp_path / "out" / "monitoring.html").exists()


def test_recalibrate_on_the_command_line_asks_for_one_basis(home):
    assert InputRefused.exit_code == 10
    with pytest.raises(SystemExit) as ended:
        main(
            ["recalibrate", "--home", str(home.path), "--by", "Ana", "--why", "two", "--first-days", "20", "--withdraw"]
        )
    assert ended.value.code == 10
