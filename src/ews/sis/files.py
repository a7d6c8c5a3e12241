"""What a file is before anything in it is believed: its kind, header, lines and hash.

Nothing here reads records; the file is only looked at as bytes, once, in bounded memory.
"""

import csv
import gzip
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ews.errors import InputRefused
from ews.home import sha256

_CHUNK = 1 << 20
_MAX_COLUMNS = 1_000
_BOM = b"\xef\xbb\xbf"
_FORMATS: dict[str, Literal["csv", "parquet"]] = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}
_FOREIGN = {b"PK\x03\x04": "an Excel or ZIP file", b"\xd0\xcf\x11\xe0": "an old Excel file", b"%PDF": "a PDF",
            b"\xff\xfe": "UTF-16 text", b"\xfe\xff": "UTF-16 text"}  # fmt: skip

SUFFIXES = tuple(_FORMATS)


@dataclass(frozen=True)
class InputFile:
    """One input file, looked at but not read.

    Attributes:
        path: where it is; a plain file, no link.
        format: csv (plain or gzipped) or parquet.
        sha256: of its bytes.
        size: its bytes.
        stamp: inode, size and time of its last change, to see whether it is written to meanwhile.
        header: a CSV's column names in order; empty for Parquet, whose reader knows them.
        lines: line ends a CSV has, a last line without one included; 0 for Parquet.
        ends_whole: whether a CSV's last line is ended.
    """

    path: Path
    format: Literal["csv", "parquet"]
    sha256: str
    size: int
    stamp: tuple[int, int, int]
    header: tuple[str, ...] = ()
    lines: int = 0
    ends_whole: bool = True

    @property
    def name(self) -> str:
        """The file's name, as shown in messages and in `rejects.csv`."""
        return self.path.name


def inspect(path: Path) -> InputFile:
    """Look at a file without believing it.

    Raises:
        InputRefused: not a plain file, not CSV or Parquet, empty, not UTF-8, or with a header that cannot be used.
    """
    _check_plain_file(path)
    kind = _format_of(path)
    if path.stat().st_size == 0:
        raise InputRefused(f"{path.name} is empty (0 bytes). Export it again; nothing was changed.")
    try:
        return _inspect_csv(path) if kind == "csv" else _inspect_parquet(path)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputRefused(f"{path.name} is a damaged gzip file. Compress or export it again.") from error


def _check_plain_file(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise InputRefused(f"There is no file {path}. Name an existing file.") from error
    if not stat.S_ISREG(mode):
        raise InputRefused(f"{path.name} is not a plain file but a link, folder or device. Put the file itself there.")
    if set("*?[") & set(str(path.resolve())):
        raise InputRefused(f"The path of {path.name} holds one of * ? [. Rename its folder or the file.")


def _format_of(path: Path) -> Literal["csv", "parquet"]:
    for suffix, kind in _FORMATS.items():
        if path.name.lower().endswith(suffix):
            return kind
    raise InputRefused(f"{path.name} is neither .csv, .csv.gz nor .parquet. Export it as one of these.")


def _inspect_parquet(path: Path) -> InputFile:
    stamp = _stamp(path)
    with path.open("rb") as handle:
        begin = handle.read(4)
        handle.seek(-min(stamp[1], 4), 2)
        end = handle.read(4)
    if begin != b"PAR1" or end != b"PAR1":
        raise InputRefused(f"{path.name} is not a whole Parquet file. Export it again.")
    return InputFile(path, "parquet", sha256(path), stamp[1], stamp)


def _inspect_csv(path: Path) -> InputFile:
    stamp = _stamp(path)
    header = _header(path)
    lines, last = 0, b""
    for chunk in _text_chunks(path):
        lines += chunk.count(b"\n")
        last = (last + chunk)[-4096:]
    blank = len(last) - len(last.rstrip(b"\r\n"))
    ends_whole = last.endswith(b"\n")
    trailing = last[len(last) - blank :].count(b"\n") - 1 if ends_whole else -1
    return InputFile(path, "csv", sha256(path), stamp[1], stamp, header, lines - trailing, ends_whole)


def _text_chunks(path: Path) -> Iterator[bytes]:
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            yield chunk


def _header(path: Path) -> tuple[str, ...]:
    first = next(_text_chunks(path), b"")
    for magic, kind in _FOREIGN.items():
        if first.startswith(magic):
            raise InputRefused(f"{path.name} is {kind}, not CSV. Save it as CSV in UTF-8.")
    line, end, _ = first.removeprefix(_BOM).partition(b"\n")
    if not end and (b"\r" in line or len(first) >= _CHUNK):
        raise InputRefused(f"{path.name} has no ordinary line ends. Save it as CSV with Windows or Unix line ends.")
    try:
        names = next(csv.reader([line.decode("utf-8").rstrip("\r\n")], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(f"The header of {path.name} cannot be read. Save the file as CSV in UTF-8.") from error
    _check_header(path.name, names)
    return tuple(names)


def _check_header(name: str, columns: list[str]) -> None:
    if len(columns) > _MAX_COLUMNS:
        raise InputRefused(f"{name} has {len(columns)} columns; at most {_MAX_COLUMNS} are read. Leave some out.")
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t|"):
        raise InputRefused(f"{name} is not separated by commas. Save it as comma-separated CSV.")
    if any("\x00" in column for column in columns):
        raise InputRefused(f"The header of {name} holds bytes that are not text. Save the file as CSV in UTF-8.")
    folded = [column.lower() for column in columns]
    places = [place for place, column in enumerate(folded, start=1) if folded.count(column) > 1]
    if places:
        # Numbers and not names: in a file without a header the first line is a student's.
        raise InputRefused(
            f"Columns {', '.join(map(str, places))} of {name} share a name. Remove or rename all but one; "
            "if the first line is no header, add one."
        )


def check_unchanged(file: InputFile) -> None:
    """Refuse a file that was written to while it was read.

    Raises:
        InputRefused: it is not as it was when it was looked at.
    """
    if not file.path.exists() or _stamp(file.path) != file.stamp:
        raise InputRefused(f"{file.name} changed while it was read. Wait until the export ends, then try again.")


def _stamp(path: Path) -> tuple[int, int, int]:
    now = path.stat()
    return now.st_ino, now.st_size, now.st_mtime_ns
