"""Files that leave the house: what they are on top, ids as given, nothing that runs (E01–E05, W19)."""

import csv
import datetime as dt
import io
import json
import re
import shutil
import subprocess
from email.message import Message
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ews.exports import MOST_CHARACTERS, Sheet, attachment, to_csv, to_json, to_xlsx, without_formula

NOON = dt.datetime(2026, 8, 3, 12, tzinfo=dt.UTC)
ABOUT = {
    "run": "899477c468015177", "school": "=cmd|' /C calc'!A0", "filters": "grade 03; lane prevent",
    "as of": "before the first instructional day of 2026-27", "made for": "Dana Okafor",
    "notice": "This file contains education records.",
}  # fmt: skip
COLUMNS = ("student_id", "name", "rank", "risk", "days")
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "＝1", '=HYPERLINK("http://evil.example")')
NAMES = (
    "Ñandú Quispe Mamani",
    "O’Brien-Smith, Zoë",
    'He said "hi"',
    "خالد",
    "王小明",
    "👩🏽‍🏫",
    "two\nlines",
    "\u202eevil",
)
ROWS = [
    ("007", "Ana", 1, 0.5, 3),
    ("1E5", "NA", 2, None, None),
    ("12345678901234567890", "-5", 3, 0.25, 0),
    *((f"{number:04d}", name, number, 0.1, -1) for number, name in enumerate((*NAMES, *FORMULAS), 4)),
]
SHEET = Sheet("Risk list, 2026-27", ABOUT, COLUMNS, ROWS, NOON)
STARTS = re.compile(r"[=+\-@\t\r\n\0＝＋－＠]")


def csv_rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def table_of(rows: list[list]) -> list[list]:
    """The rows below the one that names the columns."""
    first = next(number for number, row in enumerate(rows) if tuple(row) == COLUMNS)
    return rows[first + 1 :]


def workbook_rows(content: bytes) -> list[list]:
    page = openpyxl.load_workbook(io.BytesIO(content)).active
    return [list(row) for row in page.iter_rows(values_only=True)]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe_E01(text: str):
    assert without_formula(text) == "'" + text


def test_no_cell_of_a_csv_begins_like_a_formula_but_a_number_E01_E03():
    for row in csv_rows(to_csv(SHEET)):
        for cell in row:
            assert not STARTS.match(cell) or re.fullmatch(r"-?\d+(\.\d+)?", cell), cell
    assert [row[4] for row in table_of(csv_rows(to_csv(SHEET)))][:4] == ["3", "", "0", "-1"]


def test_no_cell_of_a_workbook_is_a_formula_or_a_link_E01():
    page = openpyxl.load_workbook(io.BytesIO(to_xlsx(SHEET))).active
    assert {cell.data_type for row in page.iter_rows() for cell in row} <= {"s", "n"}
    assert not any(cell.hyperlink for row in page.iter_rows() for cell in row)
    texts = [cell.value for row in page.iter_rows() for cell in row if isinstance(cell.value, str)]
    assert len(texts) > len(ROWS)
    assert not [text for text in texts if STARTS.match(text)]


def test_ids_keep_their_zeros_and_are_text_cells_E04():
    page = openpyxl.load_workbook(io.BytesIO(to_xlsx(SHEET))).active
    cells = {cell.value: cell for row in page.iter_rows(max_col=1) for cell in row}
    for student_id in ("007", "1E5", "12345678901234567890"):
        assert cells[student_id].data_type == "s"
        assert cells[student_id].number_format == "@"
    assert [row[0] for row in table_of(csv_rows(to_csv(SHEET)))][:3] == ["007", "1E5", "12345678901234567890"]


def test_accents_right_to_left_names_emoji_quotes_and_newlines_come_back_E02():
    expected = list(NAMES)
    assert [row[1] for row in table_of(csv_rows(to_csv(SHEET)))][3 : 3 + len(NAMES)] == expected
    assert [row[1] for row in table_of(workbook_rows(to_xlsx(SHEET)))][3 : 3 + len(NAMES)] == expected
    assert [row["name"] for row in json.loads(to_json(SHEET))["rows"]][3 : 3 + len(NAMES)] == expected


def test_numbers_are_numbers_and_unknown_is_an_empty_cell_E03():
    assert [row[2:] for row in table_of(workbook_rows(to_xlsx(SHEET)))][:2] == [[1, 0.5, 3], [2, None, None]]
    assert json.loads(to_json(SHEET))["rows"][1] == {
        "student_id": "1E5", "name": "NA", "rank": 2, "risk": None, "days": None,
    }  # fmt: skip
    nan = Sheet("t", {}, ("risk",), [(float("nan"),)], NOON)
    assert csv_rows(to_csv(nan))[-1] == [""]
    assert len(to_xlsx(nan)) > 0


def test_every_file_says_on_top_what_it_is_E05():
    for rows in (csv_rows(to_csv(SHEET)), workbook_rows(to_xlsx(SHEET))):
        top = {row[0]: row[1] for row in rows[1 : len(ABOUT) + 1]}
        assert rows[0][1] == SHEET.title
        assert top == {**ABOUT, "school": "'" + ABOUT["school"]}
    assert json.loads(to_json(SHEET))["about"] == {"title": SHEET.title, **ABOUT}


def test_a_csv_tells_excel_its_encoding_E02():
    assert to_csv(SHEET).startswith(b"\xef\xbb\xbf")


def test_the_same_list_is_the_same_file():
    assert (to_csv(SHEET), to_xlsx(SHEET), to_json(SHEET)) == (to_csv(SHEET), to_xlsx(SHEET), to_json(SHEET))


def test_a_text_longer_than_a_cell_is_cut_and_says_so():
    long = Sheet("t", {}, ("name",), [("x" * 40_000,)], NOON)
    cell = workbook_rows(to_xlsx(long))[-1][0]
    assert (len(cell), cell[-1]) == (MOST_CHARACTERS + 1, "…")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"])), max_size=5))
def test_any_text_comes_back_from_every_file_E02(texts: list[str]):
    sheet = Sheet("t", {}, COLUMNS, [(text, None, None, None, None) for text in texts], NOON)
    expected = [without_formula(text) for text in texts]
    assert [row[0] for row in table_of(csv_rows(to_csv(sheet)))] == expected
    assert [row["student_id"] for row in json.loads(to_json(sheet))["rows"]] == texts


@given(st.text())
def test_a_file_name_cannot_end_the_header_nor_leave_its_folder_W18_W19(name: str):
    header = attachment(name)
    assert header.isascii()
    assert header.isprintable()
    message = Message()
    message["Content-Disposition"] = header
    read = message.get_filename()
    assert read
    assert not {"/", "\\", "\r", "\n", "\0", '"'} & set(read)
    assert ".." not in read


def test_a_file_name_keeps_its_accents_W19():
    assert attachment("Liste Zoë.csv").endswith("filename*=UTF-8''Liste%20Zo%C3%AB.csv")


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed here; CI installs it")
def test_a_clerk_opens_the_workbook_in_a_spreadsheet_and_saves_it_E01_E02_E04(tmp_path: Path):
    (tmp_path / "list.xlsx").write_bytes(to_xlsx(SHEET))
    words = (
        "soffice", "--headless", "--norestore", f"-env:UserInstallation=file://{tmp_path}/profile",
        "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false", "--outdir", tmp_path,
        tmp_path / "list.xlsx",
    )  # fmt: skip
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    rows = csv_rows((tmp_path / "list.csv").read_bytes())
    table = table_of(rows)
    assert [row[0] for row in table] == [row[0] for row in ROWS]
    assert [row[1] for row in table[3 : 3 + len(NAMES)]] == list(NAMES)
    assert [row[1] for row in table if row[1].startswith("'")] == [
        without_formula(text).replace("\0", "\ufffd").replace("\r", "\ufffd") for text in ("-5", *FORMULAS)
    ]
