"""An Ed-Fi feed as a source: documents found, records read, what is in force in our words."""

from collections.abc import Callable
from pathlib import Path

import duckdb

from ews.errors import InputRefused
from ews.sis.edfi.canonical import MADE, make_sources
from ews.sis.edfi.current import Superseded, make_current
from ews.sis.edfi.descriptors import Descriptors, make_meanings, read_descriptors
from ews.sis.edfi.documents import Feed, check_unchanged, find_documents
from ews.sis.edfi.records import read_records
from ews.sis.edfi.resources import RESOURCES
from ews.sis.files import InputFile
from ews.sis.source import Part, Source, Staged

_MOST_TOLD = 20
"""Unknown descriptors told one by one; a damaged feed may have as many as records."""


def open_edfi(path: Path, descriptors: Path | None) -> Source:
    """Look at an Ed-Fi feed: a folder, an archive or a file with bulk XML or records of the API.

    Args:
        path: where it is; a folder is looked through whole.
        descriptors: a district's own table of descriptors, laid over the one that ships.

    Raises:
        InputRefused: nothing to read, or an archive that cannot be trusted.
        InvalidPolicy: the table of descriptors cannot be read.
    """
    feed, table = find_documents(path), read_descriptors(descriptors)
    whole = InputFile(path, "edfi", feed.sha256, feed.size, (0, feed.size, 0))
    return Source((whole,), table.sha256, lambda connection, progress: _stage(connection, feed, table, progress))


def _stage(
    connection: duckdb.DuckDBPyConnection, feed: Feed, table: Descriptors, progress: Callable[[str], None]
) -> Staged:
    unread = read_records(connection, feed, progress) | dict.fromkeys(feed.unread, ["the whole file"])
    check_unchanged(feed)
    _check_complete(connection, feed)
    superseded = make_current(connection)
    unknown = make_meanings(connection, table)
    brought = [made for made in MADE if made.resource.required or _rows(connection, made.resource.table)]
    left_out = make_sources(connection, brought)
    remarks = (*_told_superseded(superseded), *_told_unknown(unknown))
    for remark in remarks:
        progress(remark)
    for made in brought:
        of_resource = superseded[made.resource.name]
        left_out[made.table.name] += of_resource.replaced + of_resource.deleted
    return Staged(
        {made.table.name: _parts(connection, feed, made.table.name) for made in brought},
        unread,
        left_out={name: records for name, records in left_out.items() if records},
        remarks=remarks,
    )


def _check_complete(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Refuse a feed without a resource that every district has.

    A resource with a document and no record is there: before the first day of school there is no attendance.
    """
    sent = {document.resource for document in feed.documents if not document.deletes}
    missing = [
        resource for resource in RESOURCES
        if resource.required and resource not in sent and not _rows(connection, resource.table)
    ]  # fmt: skip
    if missing:
        names = ", ".join(f"{resource.name} ({resource.element} in bulk XML)" for resource in missing)
        raise InputRefused(
            f"The Ed-Fi feed has no {names}. Nothing was changed. Add the missing records to the folder."
        )


def _parts(connection: duckdb.DuckDBPyConnection, feed: Feed, table: str) -> tuple[Part, ...]:
    firsts = connection.execute(f"select document, first_record from edfi_first_{table} order by document").fetchall()
    return tuple(Part(_shown(feed, document), first) for document, first in firsts) or (Part(_shown(feed, 0)),)


def _shown(feed: Feed, document: int) -> InputFile:
    return InputFile(Path(feed.documents[document].name), "edfi", "", 0, (0, 0, 0))


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])


def _told_superseded(superseded: dict[str, Superseded]) -> list[str]:
    return [
        f"Of {name}, {of.replaced} were replaced by later records and {of.deleted} deleted."
        + (f" {of.kept} listed as deleted are kept, since enrolments in force still name them." if of.kept else "")
        for name, of in superseded.items()
        if of.replaced or of.deleted or of.kept
    ]


def _told_unknown(unknown: dict[str, int]) -> list[str]:
    return [
        f"No table says what {name[:200]} means; it came {times} times. Say it in a table of your own, with --map."
        for name, times in sorted(unknown.items(), key=lambda told: -told[1])[:_MOST_TOLD]
    ]
