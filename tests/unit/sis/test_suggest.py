"""A map is proposed from headers and cells; what could be otherwise is said, and no student's value is."""

import tomllib
from pathlib import Path

import pytest

from ews.cli import main
from ews.errors import InputRefused
from ews.sis.flat_map import parse_flat_map
from ews.sis.suggest import Suggestion, suggest
from tests.data import shared_data
from tests.unit.sis.feeds import STUDENTS, good_lines, take, write_feed
from tests.unit.sis.test_flat_map import _exports


def _proposed(folder: Path, files: dict[str, str], encoding: str = "utf-8") -> Suggestion:
    (folder / "exports").mkdir()
    (folder / "work").mkdir()
    for name, text in files.items():
        (folder / "exports" / name).write_bytes(text.encode(encoding))
    return suggest(folder / "exports", folder / "work")


@pytest.fixture
def proposed(tmp_path: Path) -> Suggestion:
    return _proposed(tmp_path, {f"{name}.txt": text for name, text in _exports().items()}, "windows-1252")


def test_the_proposal_brings_the_exports_in_once_what_is_unsure_is_decided(
    proposed: Suggestion, tmp_path: Path
) -> None:
    decided = proposed.toml.replace('exit_date = "Gone"', 'exit_date = { column = "Gone", add_days = -1 }')
    assert decided != proposed.toml
    (tmp_path / "map.toml").write_text(decided, encoding="utf-8")
    report = take(tmp_path / "exports", tmp_path / "home", column_map=tmp_path / "map.toml")
    for table, lines in good_lines().items():
        assert report.counts[table].accepted == len(lines) - 1, table
    assert sum(counts.rejected for counts in report.counts.values()) == 0


def test_whatever_could_be_otherwise_is_marked(proposed: Suggestion) -> None:
    assert list(proposed.unsure) == [
        "does an empty cell mean present?",
        "does E mean excused?",
        "is this one calendar for all schools?",
        "Enrol.txt is not UTF-8; are accents right?",
        "Enrol.txt is not UTF-8; are accents right?",
        'is it the last day there? If the first day away, write { column = "Gone", add_days = -1 }.',
    ]
    assert [line for line in proposed.toml.splitlines() if "UNSURE: " in line] != []
    assert 'date_format = "D/M/YYYY"' in proposed.toml, "the 19th is no month"
    assert 'file = "Att202*.txt"' in proposed.toml


def test_no_value_of_a_student_is_shown(proposed: Suggestion) -> None:
    assert [text for text in ("Zoë", "ALDER", *STUDENTS) if text in proposed.toml] == []


def test_a_date_that_could_be_read_two_ways_is_said_and_a_code_that_is_not_known_is_left_open_I12(
    tmp_path: Path,
) -> None:
    found = _proposed(tmp_path, {"att.csv": "student_id,school_id,date,code\n1,A,2/3/2026,ZZ\n1,A,4/5/2026,U\n"})
    assert "M/D/YYYY and D/M/YYYY fit every date seen." in found.unsure
    assert "what does ZZ mean? excused, unexcused, suspension, tardy, early_departure, present" in found.unsure
    assert "no file looks like calendar; name one, with its columns." in found.unsure
    assert tomllib.loads(found.toml)["values"]["category"] == {"U": "unexcused"}


def test_a_folder_in_our_own_words_gets_a_map_with_nothing_to_translate(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    found = suggest(write_feed(tmp_path / "exports"), tmp_path / "work")
    assert "values" not in tomllib.loads(found.toml)
    assert parse_flat_map(found.toml).tables["attendance"].cells["category"].column == "category"
    assert [text for text in found.unsure if "last day there" not in text and "share of the day" not in text] == []


def test_files_of_one_kind_among_others_are_told_apart_by_what_ends_their_names(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "exports").mkdir()
    for path in shared_data("oea_northridge_contoso").glob("contoso*.csv"):
        (tmp_path / "exports" / path.name).write_bytes(path.read_bytes())
    found = suggest(tmp_path / "exports", tmp_path / "work")
    assert 'file = "contoso_sis_day*_studentattendance.csv"' in found.toml
    assert 'file = "contoso_sis_day*_students.csv"' in found.toml
    assert 'date_format = "D/M/YYYY"' in found.toml.partition("[attendance]")[2]


def test_a_pattern_that_would_read_more_is_said(tmp_path: Path) -> None:
    marks = "student_id,school_id,date,code\n1,A,2026-03-02,U\n"
    found = _proposed(tmp_path, {"a1.csv": marks, "a2.csv": marks, "a3.csv": "x,y\n1,2\n"})
    assert "a3.csv would be read too; rename the files." in found.unsure
    assert "# Not used: a3.csv" in found.toml


def test_a_folder_without_exports_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="is no folder"):
        suggest(tmp_path / "nowhere", tmp_path)
    with pytest.raises(InputRefused, match="ends with one of"):
        suggest(tmp_path, tmp_path)


def test_the_command_prints_the_map_and_needs_no_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["ingest", "--suggest-map", str(write_feed(tmp_path / "exports"))])
    assert done.value.code == 0
    printed = capsys.readouterr().out
    assert parse_flat_map(printed).tables["schools"].file == "schools.csv"
    with pytest.raises(SystemExit) as refused:
        main(["ingest", str(tmp_path / "exports")])
    assert refused.value.code == 2
