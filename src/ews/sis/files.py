"""What a file is before anything in it is believed: its kind, header, lines and hash.

Nothing here reads records; the file is only looked at as bytes, once, in bounded memory.
"""

import codecs
import csv
import gzip
import stat
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ews.errors import InputRefused
from ews.home import is_read_as_pattern, sha256

_CHUNK = 1 << 20
_MAX_COLUMNS = 1_000
_BOM = b"\xef\xbb\xbf"
_FORMATS: dict[str, Literal["csv", "parquet"]] = {
    ".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet", ".txt": "csv", ".tsv": "csv",
}  # fmt: skip
_FOREIGN = {b"PK\x03\x04": "an Excel or ZIP file", b"\xd0\xcf\x11\xe0": "an old Excel file", b"%PDF": "a PDF",
            b"\xff\xfe": "UTF-16 text", b"\xfe\xff": "UTF-16 text"}  # fmt: skip

_BOMB_BYTES = 256 << 20
_BOMB_RATIO = 200
BOMB_ROWS_PER_BYTE = 50
"""What honest records never reach: a gzip that grows so much, a Parquet file of so many rows a byte."""

SUFFIXES = (".csv", ".csv.gz", ".parquet")
"""How a table's own file ends; a map may name text files, too."""

ENCODINGS = ("utf-8", "windows-1252", "latin-1", "iso-8859-15", "utf-16", "mac-roman")
"""Encodings a map may declare; nothing is ever guessed."""


@dataclass(frozen=True)
class Dialect:
    """How a CSV is written.

    Attributes:
        encoding: one of `ENCODINGS`.
        delimiter: the character between two fields.
        quote: the character around a field that holds a delimiter.
        escape: the character before a quote within a quoted field.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    escape: str = '"'


PLAIN = Dialect()


@dataclass(frozen=True)
class InputFile:
    """One input file, looked at but not read.

    Attributes:
        path: where it is; a plain file, no link.
        format: csv (plain or gzipped), parquet, or edfi (XML and JSON).
        sha256: of its bytes.
        size: its bytes.
        stamp: inode, size and time of its last change, to see whether it is written to meanwhile.
        header: a CSV's column names in order, without spaces and single quotes around them; empty for Parquet,
            whose reader knows them.
        lines: line ends a CSV has, a last line without one included; 0 for Parquet.
        ends_whole: whether a CSV's last line is ended.
        dialect: how a CSV is written.
    """

    path: Path
    format: Literal["csv", "parquet", "edfi"]
    sha256: str
    size: int
    stamp: tuple[int, int, int]
    header: tuple[str, ...] = ()
    lines: int = 0
    ends_whole: bool = True
    dialect: Dialect = PLAIN

    @property
    def name(self) -> str:
        """The file's name, as shown in messages and in `rejects.csv`."""
        return self.path.name


def inspect(path: Path, dialect: Dialect = PLAIN) -> InputFile:
    """Look at a file without believing it.

    Args:
        path: the file.
        dialect: how it is written, if it is a CSV.

    Raises:
        InputRefused: not a plain file, not CSV or Parquet, empty, a bomb, in another encoding than declared, or with
            a header that cannot be used.
    """
    _check_plain_file(path)
    kind = _format_of(path)
    if path.stat().st_size == 0:
        raise InputRefused(f"{path.name} is empty (0 bytes). Export it again; nothing was changed.")
    try:
        return _inspect_csv(path, dialect) if kind == "csv" else _inspect_parquet(path)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputRefused(f"{path.name} is a damaged gzip file. Compress or export it again.") from error


def _check_plain_file(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        raise InputRefused(f"There is no file {path}. Name an existing file.") from error
    if not stat.S_ISREG(mode):
        raise InputRefused(f"{path.name} is not a plain file but a link, folder or device. Put the file itself there.")
    if is_read_as_pattern(path):
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


def _inspect_csv(path: Path, dialect: Dialect) -> InputFile:
    stamp = _stamp(path)
    header = _header(path, dialect)
    with ThreadPoolExecutor(1) as beside:
        hashed = beside.submit(sha256, path)
        lines, last = _count_lines(path, dialect.encoding)
    blank = len(last) - len(last.rstrip(b"\r\n"))
    ends_whole = last.endswith(b"\n")
    trailing = last[len(last) - blank :].count(b"\n") - 1 if ends_whole else -1
    return InputFile(path, "csv", hashed.result(), stamp[1], stamp, header, lines - trailing, ends_whole, dialect)


def _count_lines(path: Path, encoding: str) -> tuple[int, bytes]:
    """How many line ends a CSV has, and its last bytes."""
    lines, last = 0, b""
    for chunk in text_chunks(path, encoding):
        lines += chunk.count(b"\n")
        last = (last + chunk[-4096:])[-4096:]
    return lines, last


def text_chunks(path: Path, encoding: str) -> Iterator[bytes]:
    """The text of a CSV, gzipped or not, as UTF-8 in pieces of bounded size.

    Raises:
        InputRefused: bytes that the declared encoding does not have, or a gzip that grows beyond reason.
    """
    if encoding == "utf-8":  # as it is: the reader tells a line that is not UTF-8 from the others
        yield from _bytes(path)
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in _bytes(path):
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()
    except UnicodeError as error:
        raise InputRefused(
            f"{path.name} is not written in {encoding}, as its map says. Correct the encoding."
        ) from error


def _bytes(path: Path) -> Iterator[bytes]:
    packed = path.name.lower().endswith(".gz")
    most = max(_BOMB_BYTES, _BOMB_RATIO * path.stat().st_size) if packed else None
    read = 0
    with gzip.open(path) if packed else path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            read += len(chunk)
            if most is not None and read > most:
                raise InputRefused(f"{path.name} unpacks to more than {most >> 20} MiB. Give the CSV itself, unpacked.")
            yield chunk


def _header(path: Path, dialect: Dialect) -> tuple[str, ...]:
    first = next(text_chunks(path, dialect.encoding), b"")
    for magic, kind in _FOREIGN.items():
        if first.startswith(magic):
            raise InputRefused(f"{path.name} is {kind}, not CSV. Save it as CSV in UTF-8.")
    line, end, _ = first.removeprefix(_BOM).partition(b"\n")
    if not end and (b"\r" in line or len(first) >= _CHUNK):
        raise InputRefused(f"{path.name} has no ordinary line ends. Save it as CSV with Windows or Unix line ends.")
    try:
        names = next(csv.reader([line.decode("utf-8").rstrip("\r\n")], strict=True, **_as_python(dialect)), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(f"The header of {path.name} cannot be read. Save the file as CSV in UTF-8.") from error
    names = [name.strip(" '\t") for name in names]
    _check_header(path.name, names, dialect.delimiter)
    return tuple(names)


def _as_python(dialect: Dialect) -> dict[str, Any]:
    escape = {} if dialect.escape == dialect.quote else {"doublequote": False, "escapechar": dialect.escape}
    return {"delimiter": dialect.delimiter, "quotechar": dialect.quote, **escape}


def _check_header(name: str, columns: list[str], delimiter: str) -> None:
    if len(columns) > _MAX_COLUMNS:
        raise InputRefused(f"{name} has {len(columns)} columns; at most {_MAX_COLUMNS} are read. Leave some out.")
    if len(columns) == 1 and any(mark in columns[0] for mark in ",;\t|"):
        separator = "commas" if delimiter == "," else repr(delimiter)
        raise InputRefused(
            f"{name} is not separated by {separator}. Save it as comma-separated CSV, or say delimiter in a column map."
        )
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
