"""A school's list: filters, order, pages, and what an unchanged answer says; and the same list as a file."""

import base64
import csv
import io
import json
import logging

import openpyxl
import pytest
from sqlalchemy import update

from ews.store.schema import RISK_ROWS, STUDENTS
from tests.cast import ANA, BEA, DANA, IVY, JUN, KAI, OMAR, ROSA, SAM, TEO, TOMAS, ZOE
from tests.services import Client, Running, add_run

LIST = "/v1/schools/014/risk-list"
CANARY = "Canary-Quill-4711"


def names(client: Client, **parameters: object) -> list[str]:
    return [line["name"] for line in client("GET", LIST, params=parameters).json()["students"]]


def test_filters_narrow_and_never_widen(running: Running, client: Client):
    everybody = names(client)
    assert everybody == [one.name for one in (ANA, JUN, IVY, OMAR, SAM, TEO)]
    assert names(client, grade="03") == [ANA.name]
    assert names(client, grade=["03", "KG"]) == [ANA.name, OMAR.name]
    assert names(client, lane="recover") == []
    assert names(client, lane="prevent") == everybody
    assert names(running.client(BEA), caseload="mine") == [one.name for one in (JUN, IVY, SAM)]
    assert names(running.client(TOMAS)) == names(running.client(TOMAS), caseload="mine") == [ANA.name, OMAR.name]


def test_a_student_not_to_be_scored_and_one_who_left_are_on_no_list_P07_SEC_11(client: Client):
    assert not {KAI.name, ZOE.name} & set(names(client))


@pytest.mark.parametrize("sort", ["rank", "risk", "grade_level", "days_absent_last_year"])
def test_pages_together_are_the_whole_list_in_order(client: Client, sort: str):
    whole = names(client, sort=sort)
    paged: list[str] = []
    after: str | None = None
    for _ in whole:
        answer = client("GET", LIST, params={"sort": sort, "limit": 1, **({"after": after} if after else {})}).json()
        paged += [line["name"] for line in answer["students"]]
        after = answer["next"]
    assert (paged, after) == (whole, None)
    assert len(set(whole)) == 6


@pytest.mark.parametrize(
    "after",
    [
        "x", "e30", "!!!", "W10", CANARY, "A" * 200,
        *(base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=") for value in (
            {}, ["rank", 1], ["risk", 1, "k"], ["rank", "1 or 1=1", "k"], ["rank", 10**30, "k"], ["rank", True, "k"],
            ["rank", 1, "k\x00"], ["rank", 1, 5], ["rank", None, "k"], ["rank; drop table students", 1, "k"],
        )),
    ],
)  # fmt: skip
def test_a_cursor_that_no_list_gave_is_refused_and_not_repeated_W16(client: Client, after: str):
    response = client("GET", LIST, params={"after": after})
    assert (response.status_code, after in response.text) == (422, False)


def test_a_forged_cursor_shows_nothing_more_W16_W01(running: Running):
    forged = base64.urlsafe_b64encode(json.dumps(["rank", -1, "' or '1'='1"]).encode()).decode().rstrip("=")
    assert names(running.client(TOMAS), after=forged) == [ANA.name, OMAR.name]


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": 0}, {"limit": -1}, {"limit": 10**9}, {"limit": "2.5"}, {"limit": CANARY}, {"lane": CANARY},
        {"grade": CANARY}, {"grade": "3"}, {"sort": "name"}, {"sort": "rank desc"}, {"sort": CANARY},
        {"caseload": "theirs"}, {"after": "a" * 300},
    ],
)  # fmt: skip
def test_what_no_list_knows_is_refused_and_not_repeated_W13_W16(client: Client, parameters: dict):
    response = client("GET", LIST, params=parameters)
    assert response.status_code == 422
    assert CANARY not in response.text


def test_an_unchanged_list_is_a_304_and_is_in_the_log_all_the_same(running: Running, client: Client):
    tag = client("GET", LIST).headers["etag"]
    again = client("GET", LIST, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    log = {one.entry.correlation_id for one in running.service.audit.of_student(ANA.key)}
    assert again.headers["x-correlation-id"] in log
    with running.service.store.writing() as connection:
        connection.execute(update(STUDENTS).where(STUDENTS.c.student_key == ANA.key).values(name="Ana P."))
    assert client("GET", LIST, headers={"If-None-Match": tag}).status_code == 200


def test_a_new_run_is_answered_from_as_soon_as_it_is_in_force_and_no_page_mixes_two_W27(
    running: Running, client: Client
):
    with running.service.store.writing() as connection:
        add_run(connection, "f" * 16, "0" * 64)
        connection.execute(update(RISK_ROWS).where(RISK_ROWS.c.run_id == "f" * 16).values(lane="recover"))
    answer = client("GET", LIST).json()
    assert answer["run"]["run_id"] == "f" * 16
    assert len(answer["students"]) == 6
    assert client("GET", f"/v1/students/{ANA.key}").json()["run"]["run_id"] == "f" * 16


def test_a_like_pattern_or_quotes_in_a_school_s_id_find_nothing_W16_W17(client: Client):
    for school_id in ("%", "01_", "014' or '1'='1", '014"; drop table runs; --', "014%"):
        assert client("GET", f"/v1/schools/{school_id.replace('%', '%25')}/risk-list").status_code == 404


def exported(client: Client, **parameters: str) -> bytes:
    return client("GET", "/v1/schools/014/export", params=parameters).content


def test_a_file_says_what_it_is_and_holds_the_whole_list_E04_E05(client: Client):
    rows = list(csv.reader(io.StringIO(exported(client, format="csv", grade="03").decode("utf-8-sig"), newline="")))
    top = {row[0]: row[1] for row in rows[: rows.index([])]}
    assert top["filters"] == "grade 03"
    assert top["taken by"] == "rosa.imani, 2026-10-05 12:00 UTC"
    assert "899477c468015177" in top["run"]
    assert "before the first instructional day" in top["as of"]
    assert "education records" in top["notice"]
    table = rows[rows.index([]) + 1 :]
    assert [row[1:3] for row in table[1:]] == [["007", ANA.name]]


def test_nothing_in_a_file_runs_E01(client: Client):
    page = openpyxl.load_workbook(io.BytesIO(exported(client))).active
    cells = [cell for row in page.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert {"'" + IVY.name, "'" + IVY.student_id} <= {cell.value for cell in cells}
    answer = json.loads(exported(client, format="json"))
    assert IVY.name in {row["name"] for row in answer["rows"]}


def test_no_estimate_in_a_file_is_certain_UX_2(running: Running, client: Client):
    with running.service.store.writing() as connection:
        for number, risk in enumerate((0.0001, 0.9999)):
            row = RISK_ROWS.c.rank == number + 1
            line = connection.scalar(
                RISK_ROWS.select().with_only_columns(RISK_ROWS.c.line).where(row, RISK_ROWS.c.school_id == "014")
            )
            changed = json.dumps(json.loads(str(line)) | {"risk": risk})
            connection.execute(update(RISK_ROWS).where(row, RISK_ROWS.c.school_id == "014").values(line=changed))
    assert [row["risk"] for row in json.loads(exported(client, format="json"))["rows"]][:2] == [0.01, 0.99]


def test_the_name_of_a_file_cannot_break_out_W19(client: Client):
    assert client("GET", "/v1/schools/014/export").headers["content-disposition"] == (
        'attachment; filename="risk list 014 899477c468015177.xlsx"; '
        "filename*=UTF-8''risk%20list%20014%20899477c468015177.xlsx"
    )


def test_a_large_export_is_told_to_the_operator_without_a_name_E06(running: Running, caplog: pytest.LogCaptureFixture):
    object.__setattr__(running.service.settings, "large_export_rows", 3)
    with caplog.at_level(logging.WARNING):
        running.client(ROSA)("GET", "/v1/schools/014/export")
        running.client(ROSA)("GET", "/v1/schools/014/export", params={"grade": "03"})
    assert len(caplog.messages) == 1
    assert "6 rows" in caplog.text
    assert ANA.name not in caplog.text
    assert b"ews_large_exports_total 1.0" in running.client(DANA)("GET", "/metrics").content


def test_the_export_is_in_the_log_with_every_student_in_it_PRV_4(running: Running, client: Client):
    response = client("GET", "/v1/schools/014/export")
    (entry,) = [
        one.entry for one in running.service.audit.of_student(TEO.key)
        if one.entry.correlation_id == response.headers["x-correlation-id"]
    ]  # fmt: skip
    assert (entry.view, entry.result, entry.login, entry.fields) == ("export", "exported", "rosa.imani", "names")
    assert set(entry.student_keys) == {one.key for one in (ANA, JUN, IVY, OMAR, SAM, TEO)}
