"""The documents of an Ed-Fi feed: XML and JSON files in a folder or in ZIP archives, found and put in order.

What a document is called says what it holds and when it was sent; its name is shown in messages and never used as a
path. Archives are read as streams and never unpacked.
"""

import contextlib
import hashlib
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal, Protocol

from ews.errors import InputRefused
from ews.home import sha256
from ews.sis.edfi.resources import BY_NAME, Resource

_MOST_DOCUMENTS = 100_000
_BOMB_BYTES = 1 << 30
_BOMB_RATIO = 200
"""An archive that grows beyond both is taken for a bomb; event XML, the most repetitive, packs about 60 to 1."""

_KINDS: dict[str, Literal["xml", "json"]] = {".xml": "xml", ".json": "json", ".jsonl": "json", ".ndjson": "json"}
_ORDERED = ("year=", "rundate=", "version=")
"""How folders begin whose names order what is in them."""

_DELETES = "deletes"
_KEY_CHANGES = "keychanges"


@dataclass(frozen=True)
class Document:
    """One XML or JSON document.

    Attributes:
        name: its path below the feed, for messages only.
        file: the file on disk: itself, or the archive that holds it.
        member: its entry in the archive; None for a file of its own.
        kind: xml or json.
        resource: what its JSON records are; None for XML, which says so in its elements.
        deletes: whether it lists records that were deleted.
        sent: what orders it among the others; a later document's records replace an earlier one's.
    """

    name: str
    file: Path
    member: zipfile.ZipInfo | None
    kind: Literal["xml", "json"]
    resource: Resource | None
    deletes: bool
    sent: tuple[str, bool, str]


@dataclass(frozen=True)
class Feed:
    """All documents of a feed, the earliest first.

    Attributes:
        documents: what is read.
        unread: names of files that hold nothing that is read here.
        sha256: hash of every file's name and bytes.
        size: bytes of all files.
        stamps: what tells whether a file was written to meanwhile.
    """

    documents: tuple[Document, ...]
    unread: tuple[str, ...]
    sha256: str
    size: int
    stamps: tuple[tuple[Path, int, int], ...]


def find_documents(path: Path) -> Feed:
    """Look through a folder, an archive or a single file.

    Raises:
        InputRefused: nothing to read, a link or device, or an archive that is damaged, locked or a bomb.
    """
    files = _files(path)
    named = [(_shown(file.relative_to(path) if file != path else Path(file.name)), file) for file in files]
    found: list[Document] = []
    unread: list[str] = []
    for name, file in named:
        documents = list(_documents_of(name, file))
        found += [document for document in documents if document is not None]
        unread += [name] if None in documents else []
    if not found:
        raise InputRefused(f"No Ed-Fi XML or JSON in {path.name}. Name the folder or ZIP that holds the records.")
    if len(found) > _MOST_DOCUMENTS:
        raise InputRefused(f"{path.name} holds more than {_MOST_DOCUMENTS} documents. Put several records in a file.")
    marks = "\n".join(f"{name} {sha256(file)}" for name, file in named)
    return Feed(
        tuple(sorted(found, key=lambda document: document.sent)),
        tuple(unread),
        hashlib.sha256(marks.encode()).hexdigest(),
        sum(file.stat().st_size for file in files),
        tuple(_stamp(file) for file in files),
    )


def check_unchanged(feed: Feed) -> None:
    """Refuse a feed that was written to while it was read.

    Raises:
        InputRefused: naming the file.
    """
    for file, *before in feed.stamps:
        if not file.exists() or [*_stamp(file)[1:]] != before:
            raise InputRefused(f"{file.name} changed while it was read. Wait until the export ends, then try again.")


class Readable(Protocol):
    """What a document is read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


@contextlib.contextmanager
def opened(document: Document) -> Iterator[Readable]:
    """The document as a stream of bytes.

    Raises:
        InputRefused: the archive is damaged; also while it is read.
    """
    if document.member is None:
        with document.file.open("rb") as stream:
            yield stream
        return
    with contextlib.ExitStack() as open_files:
        with _damage_told(document.file):
            archive = open_files.enter_context(zipfile.ZipFile(document.file))
            member = open_files.enter_context(archive.open(document.member))
        yield _Member(document.file, member)


@dataclass(frozen=True)
class _Member:
    """A stream within an archive, whose damage is told in words."""

    file: Path
    stream: IO[bytes]

    def read(self, size: int, /) -> bytes:
        with _damage_told(self.file):
            return self.stream.read(size)


@contextlib.contextmanager
def _damage_told(file: Path) -> Iterator[None]:
    # A damaged archive can lead its reader anywhere: to places before the file, to lengths that are none.
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError) as error:
        raise InputRefused(f"{file.name} is a damaged ZIP archive. Pack or download it again.") from error


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise InputRefused(f"There is no file or folder {path}. Name the folder or ZIP that holds the Ed-Fi records.")
    files = sorted(path.rglob("*")) if path.is_dir() and not path.is_symlink() else [path]
    for file in files:
        mode = file.lstat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise InputRefused(f"{file.name} is not a plain file but a link or device. Put the file itself there.")
    return [file for file in files if file.is_file()]


def _documents_of(name: str, file: Path) -> Iterator[Document | None]:
    if not name.lower().endswith(".zip"):
        yield _document(name, file, None)
        return
    for member in _members(file):
        yield _document(_shown(Path(name, member.filename)), file, member)


def _members(file: Path) -> list[zipfile.ZipInfo]:
    with _damage_told(file), zipfile.ZipFile(file) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
    if sum(member.file_size for member in members) > max(_BOMB_BYTES, _BOMB_RATIO * file.stat().st_size):
        raise InputRefused(f"{file.name} unpacks to far more than records do. Give the files themselves, unpacked.")
    if any(member.flag_bits & 1 for member in members):
        raise InputRefused(f"{file.name} is locked with a password. Unpack it into a folder and name that.")
    return members


def _document(name: str, file: Path, member: zipfile.ZipInfo | None) -> Document | None:
    parts = [part.lower() for part in PurePosixPath(name).parts]
    kind = _KINDS.get(PurePosixPath(parts[-1]).suffix)
    resource = _resource_of(parts) if kind == "json" else None
    if kind is None or (kind == "json" and resource is None) or _KEY_CHANGES in parts:
        # A changed key comes again as a record with the same id, so the list of key changes tells nothing more.
        return None
    deletes = _DELETES in parts or PurePosixPath(parts[-1]).stem.endswith(f"_{_DELETES}")
    run = "/".join(part for part in parts if part.startswith(_ORDERED))
    return Document(name, file, member, kind, resource, deletes, (run, deletes, name))


def _resource_of(parts: list[str]) -> Resource | None:
    words = (part.partition(".")[0].removesuffix(f"_{_DELETES}") for part in reversed(parts))
    return next((BY_NAME[word] for word in words if word in BY_NAME), None)


def _shown(path: Path) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in path.as_posix())[:300]


def _stamp(file: Path) -> tuple[Path, int, int]:
    now = file.stat()
    return file, now.st_size, now.st_mtime_ns
