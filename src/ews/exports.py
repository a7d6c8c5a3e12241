"""Lists that leave the house as files: what they are stands on top, ids stay text, and nothing in them runs.

A spreadsheet takes text that begins with `=`, `+`, `-` or `@` for a formula (E01), and `007` for seven (E04). So such
text gets a leading apostrophe, in workbooks as well, since a workbook saved as CSV would bring the formula back; and
in a workbook every text is a text cell. In a CSV nothing can say that `007` is text: people are given the workbook,
programs the CSV or the JSON.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

Cell = str | int | float | None

FORMULA = r"^(?=[=+\-@\t\r\n\0＝＋－＠])"
"""How a spreadsheet would know a formula; for `re` and for pandas."""

MOST_CHARACTERS = 32_000
"""Of one cell; a workbook holds 32,767, and drops what is longer without a word."""

BYTE_ORDER_MARK = "\ufeff"
"""Tells Excel that a CSV is UTF-8 (E02)."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]|[\ud800-\udfff]")


@dataclass(frozen=True)
class Sheet:
    """One list.

    Attributes:
        title: what it is, in one line.
        about: name and value of every line of the block on top: run, as-of day, filters, who asked, the notice (E05).
        columns: names, in order.
        rows: one sequence of cells a row, in the order of `columns`; None is unknown, and an empty cell.
        made_at: when, with time zone; the same sheet always gives the same bytes.
    """

    title: str
    about: Mapping[str, str]
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    made_at: datetime


def to_csv(sheet: Sheet) -> bytes:
    """The sheet as CSV in UTF-8: the block on top, an empty line, the table. Numbers stay numbers (E03)."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    for name, value in {"": sheet.title, **sheet.about}.items():
        writer.writerow((name, _safe(value)))
    writer.writerow(())
    writer.writerow(sheet.columns)
    writer.writerows([_safe(cell) for cell in row] for row in sheet.rows)
    return (BYTE_ORDER_MARK + buffer.getvalue()).encode()


def to_json(sheet: Sheet) -> bytes:
    """The sheet as JSON, text as it is: `about`, and `rows` by column name."""
    rows = [dict(zip(sheet.columns, row, strict=True)) for row in sheet.rows]
    about = {"title": sheet.title, **sheet.about}
    return json.dumps({"about": about, "rows": rows}, ensure_ascii=False, allow_nan=False, indent=1).encode()


def to_xlsx(sheet: Sheet) -> bytes:
    """The sheet as a workbook for people: text cells stay text, the table can be filtered, a print has its headings."""
    # Part of the service's extra: who only scores needs no workbooks.
    import xlsxwriter

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"title": sheet.title, "created": sheet.made_at.replace(tzinfo=None)})
        page = book.add_worksheet("List")
        text, bold = book.add_format({"num_format": "@"}), book.add_format({"bold": True, "num_format": "@"})
        for row, (name, value) in enumerate({"": sheet.title, **sheet.about}.items()):
            page.write_string(row, 0, name, bold)
            page.write_string(row, 1, str(_safe(value)), text)
        _write_table(page, sheet, first=len(sheet.about) + 2, text=text, bold=bold)
    return buffer.getvalue()


def attachment(name: str) -> str:
    r"""A ``Content-Disposition`` for a file name: nothing of it can end the header or leave the folder (W18, W19).

    >>> attachment("list 007.csv").partition("; ")[2]
    'filename="list 007.csv"; filename*=UTF-8\'\'list%20007.csv'
    """
    safe = re.sub(r"[\x00-\x1f\x7f/\\:*?\"<>|;%]|\.{2,}", "_", unicodedata.normalize("NFC", name)).strip(". ") or "list"
    plain = safe.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe.encode('utf-8', 'replace'), safe='')}"


def without_formula(text: str) -> str:
    """Text that no spreadsheet takes for a formula.

    >>> without_formula("=1+1"), without_formula("Ana-María")
    ("'=1+1", 'Ana-María')
    """
    return re.sub(FORMULA, "'", text)


def _safe(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return None if isinstance(cell, float) and cell != cell else cell
    safe = _CONTROL.sub("\ufffd", without_formula(cell))
    return safe if len(safe) <= MOST_CHARACTERS else safe[:MOST_CHARACTERS] + "…"


def _write_table(page: Any, sheet: Sheet, *, first: int, text: Any, bold: Any) -> None:
    page.write_row(first, 0, sheet.columns, bold)
    for number, row in enumerate(sheet.rows, first + 1):
        for place, cell in enumerate(map(_safe, row)):
            if isinstance(cell, str):
                page.write_string(number, place, cell, text)
            elif cell is not None:
                page.write_number(number, place, cell)
    page.autofilter(first, 0, first + len(sheet.rows), len(sheet.columns) - 1)
    page.freeze_panes(first + 1, 0)
    page.repeat_rows(first)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.set_footer("&L" + sheet.title.replace("&", "&&") + "&RPage &P of &N")
    page.autofit()
