"""A OneRoster 1.2 CSV roster with calendar and attendance beside it: the tables of the good feed."""

from pathlib import Path

import duckdb
import pytest

from ews.errors import EwsError
from ews.sis import IngestReport
from tests.unit.sis.feeds import (
    SCHOOLS,
    STUDENTS,
    good_lines,
    listed,
    school_days,
    school_of,
    take,
    write_feed,
)

DAYS = school_days(2026)


def roster(**changed: list[str]) -> dict[str, list[str]]:
    """2025-26 as a roster: one class a school and term, dates of the terms only."""
    return {
        "manifest": ["propertyName,value", "oneroster.version,1.2", "file.users,bulk", "file.enrollments,bulk"],
        "orgs": ["sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId", "d1,,,District,district,,",
                 *(f"org-{s},,,{s.title()} School,school,{s},d1" for s in SCHOOLS)],
        "users": ["sourcedId,status,dateLastModified,enabledUser,username,givenName,familyName,identifier,grades",
                  *(f"u-{s},active,,true,x,Student,{s},{s},{'KG' if s == '001' else '4'}" for s in STUDENTS),
                  "u-t,active,,true,x,Some,Teacher,900,", "u-gone,tobedeleted,,true,x,No,Body,901,04"],
        "roles": ["sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId",
                  *(f"r-{s},,,u-{s},primary,student,,,org-{school_of(s)}" for s in STUDENTS),
                  "r-t,,,u-t,primary,teacher,,,org-ALDER", "r-g,,,u-gone,primary,student,,,org-ALDER"],
        "enrollments": [
            "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,"
            "endDate",
            *(f"e-{s}-{term},,,c-{school_of(s)}-{term},org-{school_of(s)},u-{s},student,,,"
              for s in STUDENTS for term in "ab"),
            "e-t,,,c-ALDER-a,org-ALDER,u-t,teacher,,,",
        ],
        "classes": ["sourcedId,status,dateLastModified,title,schoolSourcedId,termSourcedIds",
                    *(f"c-{s}-{term},,,Class,org-{s},t-{term}" for s in SCHOOLS for term in "ab")],
        "academicSessions": ["sourcedId,status,dateLastModified,title,type,startDate,endDate,schoolYear",
                             "t-a,,,First,term,2025-09-01,2025-09-06,2026",
                             "t-b,,,Second,term,2025-09-08,2025-09-13,2026"],
        "demographics": ["sourcedId,status,dateLastModified,birthDate,sex",
                         *(f"u-{s},,,2014-05-17,female" for s in STUDENTS)],
        **changed,
    }  # fmt: skip


def _take(folder: Path, ids: str = "identifier", **changed: list[str]) -> IngestReport:
    good = good_lines()
    beside = {name: [line for line in good[name] if "2024-" not in line] for name in ("calendar", "attendance")}
    feed = write_feed(folder / "feed", {**beside, **roster(**changed)})
    (folder / "map.toml").write_text(f'[oneroster]\nids = "{ids}"\n')
    return take(feed, folder / "home", source="oneroster", column_map=folder / "map.toml")


def _rows(report: IngestReport, table: str, columns: str = "*") -> list[tuple[object, ...]]:
    return duckdb.sql(f"select {columns} from '{report.folder}/{table}.parquet' order by all").fetchall()


def test_schools_students_and_stays_come_from_the_roster(tmp_path: Path) -> None:
    report = _take(tmp_path)
    assert _rows(report, "schools", "school_id, name") == [(s, f"{s.title()} School") for s in SCHOOLS]
    assert [row[0] for row in _rows(report, "students", "student_id")] == list(STUDENTS), "no teacher, nobody deleted"
    assert _rows(report, "students", "distinct birth_date::varchar") == [("2014-05-17",)]
    stays = _rows(report, "enrollments", "student_id, school_id, entry_date::varchar, exit_date::varchar, grade_level")
    assert stays == [(s, school_of(s), str(DAYS[0]), "2025-09-12", "KG" if s == "001" else "04") for s in STUDENTS]
    assert report.counts["attendance"].accepted == len(STUDENTS)
    assert listed(report.rejects_path) == []


def test_dates_of_a_role_in_a_school_go_before_those_of_classes(tmp_path: Path) -> None:
    header = roster()["roles"][0]
    roles = [f"r-{s},,,u-{s},primary,student,2025-09-01,{'2025-09-03' if s == '007' else ''},org-{school_of(s)}"
             for s in STUDENTS]  # fmt: skip
    report = _take(tmp_path, roles=[header, *roles])
    stays = dict(_rows(report, "enrollments", "student_id, exit_date::varchar"))
    assert (stays["007"], stays["008"]) == ("2025-09-02", None), "an end is the first day no longer there"
    (row,) = listed(report.rejects_path)
    assert (row["rule"], row["row"][:3]) == ("outside_enrollment", "007")


def test_a_student_who_left_and_came_back_has_two_stays_I28(tmp_path: Path) -> None:
    given = roster()
    members = [line for line in given["enrollments"] if "u-007," not in line]
    members += ["x,,,c-ALDER-a,org-ALDER,u-007,student,,2024-09-01,2024-10-01",
                "y,,,c-ALDER-b,org-ALDER,u-007,student,,2025-09-01,2025-09-06",
                "z,,,c-ALDER-b,org-ALDER,u-007,student,,2025-09-08,2025-09-13"]  # fmt: skip
    report = _take(tmp_path, enrollments=members)
    stays = _rows(report, "enrollments", "student_id, entry_date::varchar, exit_date::varchar")
    assert [row[1:] for row in stays if row[0] == "007"] == [
        ("2024-09-01", "2024-09-30"), ("2025-09-01", "2025-09-12"),
    ]  # fmt: skip


def test_ids_are_those_the_attendance_uses(tmp_path: Path) -> None:
    header = {name: lines[0] for name, lines in roster().items()}
    member = [f"e{s},,,c-{school_of(s)}-a,{school_of(s)},{s},student,,2025-09-01," for s in STUDENTS]
    report = _take(
        tmp_path, "sourcedId",
        orgs=[header["orgs"], *(f"{s},,,{s},school,x," for s in SCHOOLS)],
        users=[header["users"], *(f"{s},,,true,x,A,B,y{s},4" for s in STUDENTS)],
        roles=[header["roles"], *(f"r{s},,,{s},primary,student,,,x" for s in STUDENTS)],
        enrollments=[header["enrollments"], *member],
    )  # fmt: skip
    assert report.counts["attendance"].accepted == len(STUDENTS)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"manifest": ["propertyName,value", "file.users,delta"]}, r"file.users is delta"),
        ({"orgs": ["name,type", "Oak,school"]}, "orgs.csv has no column sourcedId"),
    ],
)
def test_a_roster_that_is_not_whole_is_refused(changed: dict[str, list[str]], words: str, tmp_path: Path) -> None:
    with pytest.raises(EwsError, match=words):
        _take(tmp_path, **changed)


def test_a_folder_without_a_roster_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EwsError, match=r"No manifest.csv .* Unpack"):
        take(write_feed(tmp_path / "feed"), tmp_path / "home", source="oneroster")
