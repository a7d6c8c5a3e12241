"""Ed-Fi bulk XML as a stream of records; what declares a document type or entities is refused unread."""

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from ews.errors import EngineNotInstalled, InputRefused
from ews.sis.edfi.documents import Document, Readable
from ews.sis.edfi.resources import BY_ELEMENT, Field

LONGEST_RECORD = 64 << 20
"""Bytes of a record that does not end, after which it is no record."""

REFERENCE = "\x1f"
"""Stands before the id that a bulk file names in place of an identity; no XML can hold this character."""

XmlRecord = tuple[str, tuple[Any, ...]]
"""An element's name, and its number in the file, its `id` and its values."""


def length(record: XmlRecord) -> int:
    """Characters that a record holds."""
    return sum(len(value) for value in record[1][1:] if value is not None)


class XmlRecords:
    """The records of a bulk file one by one: element, and its number, `id` and values.

    Attributes:
        unread: names of elements that nothing here reads.
    """

    def __init__(self, document: Document, stream: Readable) -> None:
        self.unread: set[str] = set()
        self._document = document
        self._stream = stream
        self._since_record = 0

    def read(self, size: int) -> bytes:
        """The next bytes; a record that does not end is no reason to fill the memory."""
        self._since_record += size
        if self._since_record > LONGEST_RECORD:
            raise InputRefused(f"{self._document.name} has a record longer than any can be. Export it again.")
        return self._stream.read(size)

    def __iter__(self) -> Iterator[XmlRecord]:
        defused = _safe_parser()
        try:
            for number, element in enumerate(self._elements(defused)):
                self._since_record = 0
                resource = BY_ELEMENT.get(element.tag)
                if resource is None:
                    self.unread.add(element.tag[:100])
                else:
                    values = (_value(element, field) for field in resource.fields)
                    yield element.tag, (number, element.get("id"), *values)
        except ParseError as error:
            raise self._refused(f"damaged or cut off at line {error.position[0]}") from error
        except defused.common.DefusedXmlException as error:
            raise InputRefused(
                f"{self._document.name} declares a document type or entities, as no Ed-Fi file needs and harmful files "
                "do. It was not read. Remove the declaration."
            ) from error
        except (LookupError, ValueError) as error:
            raise self._refused("it declares an encoding that is none") from error

    def _refused(self, why: str) -> InputRefused:
        return InputRefused(f"{self._document.name} is no whole XML: {why}. Nothing was changed. Export it again.")

    def _elements(self, defused: Any) -> Iterator[Element]:
        depth, root = 0, None
        for event, element in defused.ElementTree.iterparse(self, ("start", "end"), forbid_dtd=True):
            if event == "start":
                root = element if root is None else root
                depth += 1
                continue
            depth -= 1
            element.tag = element.tag.rpartition("}")[2]
            if depth == 1 and root is not None:
                yield element
                root.clear()


def _value(element: Element, field: Field) -> Any:
    if field.many:
        return [(found.text or "").strip() for found in element.findall(field.xml)]
    text = element.findtext(field.xml)
    if text is None and field.refers_to is not None:
        named = element.find(field.xml.partition("/")[0])
        return None if named is None or "ref" not in named.attrib else REFERENCE + named.attrib["ref"]
    return (text or "").strip() or None


def _safe_parser() -> Any:
    try:
        import defusedxml
        import defusedxml.ElementTree
    except ImportError as error:
        raise EngineNotInstalled(
            "Reading Ed-Fi XML needs defusedxml. Install it with: pip install 'ews[edfi]'"
        ) from error
    return defusedxml
