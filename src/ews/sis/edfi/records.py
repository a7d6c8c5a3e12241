"""Records of an Ed-Fi feed as working tables: a document is read as a stream, in batches of columns.

Every value is text as it stands, or a list of texts. XML that declares a DTD or entities is refused unread.
"""

import codecs
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pyarrow as pa

from ews.errors import InputRefused
from ews.sis.edfi.bulk_xml import LONGEST_RECORD, REFERENCE, XmlRecords, length
from ews.sis.edfi.documents import Document, Feed, Readable, opened
from ews.sis.edfi.resources import BY_ELEMENT, RESOURCES, Resource
from ews.sis.staging import quoted

_BATCH = 50_000
_BATCH_LENGTH = 64 << 20
"""Characters held before they are kept: many records at their longest would fill the memory."""

_CHUNK = 1 << 22
_LONGEST_ARRAY = 256 << 20


def read_records(
    connection: duckdb.DuckDBPyConnection, feed: Feed, progress: Callable[[str], None]
) -> dict[str, list[str]]:
    """Read all documents.

    Makes for each resource its table (`document`, `number` of the record in it from 0, the API's `id` and the fields),
    and `edfi_deleted` (`document`, `id`).

    Returns:
        By document, kinds of XML record that nothing here reads.

    Raises:
        InputRefused: a document is damaged, cut off or not what its name says; nothing of a feed is then taken.
        EngineNotInstalled: there is XML, and no safe parser of XML on this machine.
    """
    _make_tables(connection)
    unread: dict[str, list[str]] = {}
    told: set[str] = set()
    for place, document in enumerate(feed.documents):
        _tell(document, told, progress)
        with opened(document) as stream:
            if document.kind == "json":
                _read_json(connection, place, document, stream)
            elif other := _read_xml(connection, place, document, stream):
                unread[document.name] = other
    _resolve_references(connection)
    return unread


def _tell(document: Document, told: set[str], progress: Callable[[str], None]) -> None:
    # JSON comes in many small documents, XML in few large ones.
    what = document.name if document.resource is None else document.resource.name
    if what not in told:
        progress(f"Reading {what}")
        told.add(what)


def _make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    for resource in RESOURCES:
        columns = ", ".join(f"{field.name} varchar{'[]' if field.many else ''}" for field in resource.fields)
        connection.execute(
            f"create table {resource.table} (document integer, number bigint, id varchar, xml_id varchar, {columns})"
        )
    connection.execute("create table edfi_deleted (document integer, id varchar)")


def _read_json(connection: duckdb.DuckDBPyConnection, place: int, document: Document, stream: Readable) -> None:
    number = 0
    for lines in _batches(_json_records(document, stream), len):
        # Registered under a name and dropped again, so that no batch outlives its turn.
        connection.register("edfi_lines", pa.table({"number": range(number, number + len(lines)), "line": lines}))
        _check_json(connection, document)
        _keep_json(connection, place, document)
        connection.unregister("edfi_lines")
        number += len(lines)


def _check_json(connection: duckdb.DuckDBPyConnection, document: Document) -> None:
    broken = connection.execute(
        "select min(number) from edfi_lines where not json_valid(line) or left(line, 1) <> '{'"
    ).fetchall()[0][0]
    if broken is not None:
        raise InputRefused(
            f"Record {broken + 1} of {document.name} is no whole JSON object: the file is damaged or cut off. "
            "Nothing was changed. Export it again."
        )


def _keep_json(connection: duckdb.DuckDBPyConnection, place: int, document: Document) -> None:
    if document.deletes:
        api_id = "coalesce(json_extract_string(line, '$.id'), json_extract_string(line, '$.Id'))"
        connection.execute(f"insert into edfi_deleted select {place}, {api_id} from edfi_lines")
    elif document.resource is not None:
        once = [field for field in document.resource.fields if not field.many]
        # All single values by one reading of the line: it is parsed anew for every call.
        paths = ", ".join(quoted(path) for path in ("$.id", "$.Id", *(field.json for field in once)))
        places = {field.name: f"nullif(found[{number}], '')" for number, field in enumerate(once, start=3)}
        values = ", ".join(
            places.get(field.name, f"json_extract_string(line, {quoted(field.json)})")
            for field in document.resource.fields
        )
        connection.execute(
            f"""
            insert into {document.resource.table}
            select {place}, number, coalesce(found[1], found[2]), null, {values}
            from (select *, json_extract_string(line, [{paths}]) as found from edfi_lines)
            """
        )


def _json_records(document: Document, stream: Readable) -> Iterator[str]:
    chunks = _text_chunks(document, stream)
    first = next(chunks, "")
    if first.startswith("["):
        return _array(document, "".join(_bounded(document, itertools.chain([first], chunks))))
    return _lines(document, itertools.chain([first], chunks))


def _text_chunks(document: Document, stream: Readable) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    started = False
    try:
        while chunk := stream.read(_CHUNK):
            text = decoder.decode(chunk)
            if not started:
                text = text.lstrip("\ufeff \t\r\n")
                started = bool(text)
            yield text
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise InputRefused(f"{document.name} is not written in UTF-8. Export it again as UTF-8.") from error


def _lines(document: Document, chunks: Iterator[str]) -> Iterator[str]:
    rest = ""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split("\n")
        if len(rest) > LONGEST_RECORD:
            raise _too_long(document)
        yield from filter(None, (line.strip("\ufeff \t\r") for line in whole))
    yield from filter(None, [rest.strip("\ufeff \t\r")])


def _bounded(document: Document, chunks: Iterator[str]) -> Iterator[str]:
    length = 0
    for chunk in chunks:
        length += len(chunk)
        if length > _LONGEST_ARRAY:
            raise _too_long(document)
        yield chunk


def _array(document: Document, text: str) -> Iterator[str]:
    try:
        records = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputRefused(
            f"{document.name} is no whole JSON array: the file is damaged or cut off. Nothing was changed. "
            "Export it again."
        ) from error
    return (json.dumps(record, ensure_ascii=False) for record in records)


def _too_long(document: Document) -> InputRefused:
    return InputRefused(
        f"{document.name} has a record, or an array in one piece, larger than can be. "
        "Write one JSON object a line, or smaller files."
    )


def _read_xml(connection: duckdb.DuckDBPyConnection, place: int, document: Document, stream: Readable) -> list[str]:
    records = XmlRecords(document, stream)
    for batch in _batches(iter(records), length):
        for element in dict.fromkeys(name for name, _ in batch):
            rows = [row for name, row in batch if name == element]
            _insert_xml(connection, place, BY_ELEMENT[element], rows)
    return sorted(records.unread)


def _insert_xml(
    connection: duckdb.DuckDBPyConnection, place: int, resource: Resource, rows: list[tuple[Any, ...]]
) -> None:
    numbers, *texts = zip(*rows, strict=True)
    kinds = [pa.string(), *(pa.list_(pa.string()) if field.many else pa.string() for field in resource.fields)]
    arrays = [pa.array(column, kind) for column, kind in zip(texts, kinds, strict=True)]
    connection.register("edfi_batch", pa.table([pa.array(numbers), *arrays], ["number", *map(str, range(len(arrays)))]))
    values = ", ".join(f'"{place}"' for place in range(len(arrays)))
    connection.execute(f"insert into {resource.table} select {place}, number, null, {values} from edfi_batch")
    connection.unregister("edfi_batch")


def _resolve_references(connection: duckdb.DuckDBPyConnection) -> None:
    for resource in RESOURCES:
        for field in resource.fields:
            if field.refers_to is not None:
                _resolve(connection, resource.table, field.name, BY_ELEMENT[field.refers_to])


def _resolve(connection: duckdb.DuckDBPyConnection, table: str, column: str, named: Resource) -> None:
    # What cannot be resolved becomes empty, which the validator tells where a value is needed.
    connection.execute(
        f"""
        update {table} set {column} = (
            select any_value(named.{named.fields[0].name}) from {named.table} named
            where named.document = {table}.document and {table}.{column} = {quoted(REFERENCE)} || named.xml_id
        ) where starts_with({column}, {quoted(REFERENCE)})
        """
    )


def _batches(records: Iterator[Any], size: Callable[[Any], int]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    held = 0
    for record in records:
        batch.append(record)
        held += size(record)
        if len(batch) == _BATCH or held > _BATCH_LENGTH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
