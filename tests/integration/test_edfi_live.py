"""Fetching from a live Ed-Fi ODS/API: all of it once, then what changed, and never half of anything."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from ews.cli import main
from ews.errors import InputRefused
from ews.sis import Override
from ews.sis.edfi.documents import find_documents
from ews.sis.edfi.live import Fetched, fetch
from ews.sis.edfi.live import Ods as Client
from tests.data import shared_data
from tests.integration.edfi_server import KEY, SECRET, Ods, serving
from tests.integration.test_edfi_files import DAYS, api_records, event
from tests.unit.sis.feeds import listed, take, tree

OVERRIDE = Override("A. Registrar", "a student left", "2026-01-01T00:00:00+00:00")

STUDENTS = [{"id": f"id{number}", "studentUniqueId": f"{number:06d}"} for number in range(1_234)]


@pytest.fixture
def ods() -> Iterator[Ods]:
    with serving() as server:
        yield server


def _fetch(ods: Ods, folder: Path) -> Fetched:
    return fetch(Client(ods.url, KEY, SECRET), folder)


def _came(folder: Path, name: str) -> list[dict[str, str]]:
    (path,) = folder.rglob(name)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_page_of_every_resource_comes(ods: Ods, tmp_path: Path) -> None:
    ods.upsert("students", *STUDENTS)
    ods.upsert("schools", {"id": "s", "schoolId": 1, "nameOfInstitution": "École"})
    fetched = _fetch(ods, tmp_path)
    assert (fetched.records["students"], fetched.records["schools"], fetched.change_version) == (1_234, 1, 1_235)
    came = _came(tmp_path, "students.jsonl")
    assert sorted(record["studentUniqueId"] for record in came) == [record["studentUniqueId"] for record in STUDENTS]
    assert sum(asked.startswith("students?") for asked in ods.asked) > 3
    assert "École" in next(tmp_path.rglob("schools.jsonl")).read_text(encoding="utf-8")


def test_northridge_comes_over_the_wire_as_it_stands_in_its_files(ods: Ods, tmp_path: Path) -> None:
    for resource in ("schools", "students", "studentSchoolAssociations"):
        ods.upsert(resource, *_northridge(resource))
    fetched = _fetch(ods, tmp_path)
    assert (fetched.records["students"], fetched.records["studentSchoolAssociations"]) == (6_501, 6_503)
    assert fetched.records["schools"] == 6


def _northridge(resource: str) -> list[dict[str, str]]:
    with zipfile.ZipFile(shared_data("oea_northridge_contoso/edfi_northridge_json.zip")) as archive:
        upserts = [name for name in sorted(archive.namelist()) if f"/{resource}/" in name and "/upserts/" in name]
        texts = [archive.read(name).decode("utf-8").replace("\ufeff", "") for name in upserts]
    return [json.loads(line) for text in texts for line in text.splitlines() if line.strip()]


def test_a_later_fetch_brings_what_changed_and_what_was_deleted_only(ods: Ods, tmp_path: Path) -> None:
    ods.upsert("students", *STUDENTS)
    _fetch(ods, tmp_path)
    ods.upsert("students", {"id": "id7", "studentUniqueId": "000007", "firstName": "Ada"})
    ods.delete("students", "id8")
    fetched = _fetch(ods, tmp_path)
    assert (fetched.records["students"], fetched.deletes["students"]) == (1, 1)
    latest = tmp_path / f"version={ods.version:020d}"
    assert [record["firstName"] for record in _came(latest, "students.jsonl")] == ["Ada"]
    assert [record["id"] for record in _came(latest, "students_deletes.jsonl")] == ["id8"]
    order = [(document.name, document.deletes) for document in find_documents(tmp_path).documents]
    assert order[-1][1], "deletes of a fetch come after its records"


def test_what_was_fetched_is_taken_and_later_fetches_change_what_changed_I32(ods: Ods, tmp_path: Path) -> None:
    for resource, records in api_records().items():
        ods.upsert(resource, *({"id": f"{resource}-{number}", **record} for number, record in enumerate(records)))
    landing, home = tmp_path / "home" / "edfi", tmp_path / "home"
    _fetch(ods, landing)
    first = take(landing, home, source="edfi")
    assert (first.counts["students"].accepted, first.counts["attendance"].accepted) == (2, 2)
    late = {"id": "studentSchoolAttendanceEvents-9", **event("007", 1, DAYS[5])}
    ods.upsert("studentSchoolAttendanceEvents", late)
    ods.delete("studentSchoolAttendanceEvents", "studentSchoolAttendanceEvents-0")
    ods.delete("studentSchoolAssociations", "studentSchoolAssociations-1")
    ods.delete("studentSchoolAttendanceEvents", "studentSchoolAttendanceEvents-1")
    ods.delete("students", "students-1")
    _fetch(ods, landing)
    later = take(landing, home, source="edfi", allow_shrink=True, allow_older=True, override=OVERRIDE)
    assert (later.counts["students"].accepted, later.counts["attendance"].accepted) == (1, 1)
    marks = duckdb.sql(f"select student_id, date::varchar from '{later.folder}/marks/*/*.parquet'").fetchall()
    assert marks == [("007", DAYS[5])]
    assert listed(later.rejects_path) == []


def test_nothing_new_fetches_nothing(ods: Ods, tmp_path: Path) -> None:
    ods.upsert("students", *STUDENTS[:3])
    _fetch(ods, tmp_path)
    before, asked = tree(tmp_path), len(ods.asked)
    assert _fetch(ods, tmp_path).records == {}
    assert (tree(tmp_path), len(ods.asked)) == (before, asked)


def test_an_ODS_without_change_queries_is_fetched_whole_each_time(ods: Ods, tmp_path: Path) -> None:
    ods.has_change_queries = False
    ods.upsert("students", *STUDENTS)
    assert _fetch(ods, tmp_path).records["students"] == 1_234
    ods.delete("students", "id8")
    fetched = _fetch(ods, tmp_path)
    assert (fetched.records["students"], fetched.change_version) == (1_233, None)
    assert len(_came(tmp_path, "students.jsonl")) == 1_233


def test_too_many_requests_are_waited_out(ods: Ods, tmp_path: Path) -> None:
    ods.upsert("students", *STUDENTS[:3])
    ods.faults = [429]
    assert _fetch(ods, tmp_path).records["students"] == 3


@pytest.mark.parametrize("at", [1, 4, 9])
def test_a_fetch_that_breaks_off_leaves_what_was_there_O01(ods: Ods, tmp_path: Path, at: int) -> None:
    ods.upsert("students", *STUDENTS)
    _fetch(ods, tmp_path)
    ods.upsert("students", *({**record, "firstName": "Ada"} for record in STUDENTS))
    before = tree(tmp_path)
    ods.faults = [None] * at + [0]
    with pytest.raises(InputRefused, match="did not answer"):
        _fetch(ods, tmp_path)
    assert tree(tmp_path) == before
    assert _fetch(ods, tmp_path).records["students"] == 1_234


def test_fewer_records_than_the_ODS_counts_are_not_taken_I02(ods: Ods, tmp_path: Path) -> None:
    ods.upsert("students", *STUDENTS[:3])
    ods.hides = 1
    with pytest.raises(InputRefused, match="counts"):
        _fetch(ods, tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_a_client_may_not_read_is_left_out_if_a_list_can_do_without(ods: Ods, tmp_path: Path) -> None:
    ods.upsert("students", *STUDENTS[:3])
    ods.forbidden = {"studentEducationOrganizationAssociations"}
    told: list[str] = []
    fetched = fetch(Client(ods.url, KEY, SECRET), tmp_path / "there", progress=told.append)
    assert "studentEducationOrganizationAssociations" not in fetched.records
    assert any("left out" in words for words in told)
    ods.forbidden = {"students"}
    with pytest.raises(InputRefused, match="status 403"):
        fetch(Client(ods.url, KEY, SECRET), tmp_path / "not")


def test_a_wrong_secret_is_told_without_showing_it(ods: Ods, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="status 401") as refusal:
        fetch(Client(ods.url, KEY, "wrong-secret"), tmp_path)
    assert "wrong-secret" not in str(refusal.value)
    assert "wrong-secret" not in repr(Client(ods.url, KEY, "wrong-secret"))


def test_the_command_fetches_into_the_home_and_says_what_comes_next(
    ods: Ods, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ods.upsert("students", *STUDENTS[:3])
    words = ["fetch-edfi", ods.url, "--home", str(tmp_path / "home")]
    monkeypatch.delenv("EWS_EDFI_SECRET", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == InputRefused.exit_code
    assert "key and secret" in capsys.readouterr().err
    monkeypatch.setenv("EWS_EDFI_KEY", KEY)
    monkeypatch.setenv("EWS_EDFI_SECRET", SECRET)
    with pytest.raises(SystemExit) as ended:
        main(words)
    told = capsys.readouterr()
    assert ended.value.code in (0, None)
    assert "students: 3 new or changed, 0 deleted" in told.out
    assert "--source edfi" in told.out
    assert SECRET not in told.out + told.err
    assert len(_came(tmp_path / "home" / "edfi", "students.jsonl")) == 3


def test_records_of_students_go_over_https_only(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no https address"):
        fetch(Client("http://ods.example.org", KEY, SECRET), tmp_path)


def test_two_ODS_do_not_mix_in_one_folder(ods: Ods, tmp_path: Path) -> None:
    ods.upsert("students", *STUDENTS[:3])
    _fetch(ods, tmp_path)
    with serving() as other, pytest.raises(InputRefused, match="another ODS"):
        _fetch(other, tmp_path)
