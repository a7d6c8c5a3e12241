"""Pages as data: one description, written as Markdown and as HTML that asks nothing of any other place.

The HTML holds its pictures, needs no JavaScript, prints in black and white, and gives every picture in words and
numbers, too. Whatever text comes from records or people is escaped in both.
"""

import base64
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from ews.errors import NotEnoughData
from ews.home import write_atomically


@dataclass(frozen=True)
class Table:
    """A table of text; the first cell of a row names it.

    Attributes:
        caption: what it shows, a sentence.
        heads: one a column.
        rows: cells as text, never empty: `n/a` where a value has no meaning, `hidden` where it may not be told.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chart:
    """A picture with what it shows in words and in numbers.

    Attributes:
        name: of its file, without suffix.
        png: the picture.
        alt: one sentence that says what can be seen.
        table: its numbers.
    """

    name: str
    png: bytes
    alt: str
    table: Table

    @property
    def source(self) -> str:
        """The picture as an address that holds it."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    texts: tuple[str, ...]


Block = str | Points | Table | Chart


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it: paragraphs, lists, tables and charts, in order."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """A page.

    Attributes:
        title: its heading.
        lead: line one, what a hurried reader must not miss.
        sections: in order.
    """

    title: str
    lead: str
    sections: tuple[Section, ...]

    def charts(self) -> Iterator[Chart]:
        """Its pictures, in order."""
        for section in self.sections:
            yield from (block for block in section.blocks if isinstance(block, Chart))

    def sentences(self) -> list[str]:
        """Its running text: the lead, paragraphs and points, without headings and tables."""
        texts = [self.lead]
        for block in (block for section in self.sections for block in section.blocks):
            texts += [block] if isinstance(block, str) else block.texts if isinstance(block, Points) else ()
        return texts


def refuse_empty(document: Document) -> None:
    """Refuse a page with a section, text or cell that says nothing.

    Raises:
        NotEnoughData: there is one; the message names its section.
    """
    sections = [*document.sections, Section("title and line one", (document.title, document.lead))]
    for section in sections:
        said = [text for block in section.blocks for text in _texts(block)]
        if not section.title.strip() or not said or not all(text.strip() for text in said):
            raise NotEnoughData(
                f"'{document.title}' would have nothing to say in '{section.title}'. Every field must be filled: "
                "train again with records that tell it, or say in HOME/card.toml what only people know (docs/cards.md)."
            )


def to_markdown(document: Document) -> str:
    """The page as Markdown; its pictures are files beside it, named as `write` names them.

    Raises:
        NotEnoughData: a field is empty.
    """
    refuse_empty(document)
    text = _environment(autoescape=False).get_template("document.md").render(document=document)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def to_html(document: Document) -> str:
    """The page as HTML, whole in one file.

    Raises:
        NotEnoughData: a field is empty.
    """
    refuse_empty(document)
    return _environment(autoescape=True).get_template("document.html").render(document=document)


def write(document: Document, folder: Path, name: str) -> list[Path]:
    """Write `name.md`, `name.html` and the pictures into `folder`, each file whole or not at all.

    Raises:
        NotEnoughData: a field is empty; nothing was written.
    """
    texts = {f"{name}.md": to_markdown(document), f"{name}.html": to_html(document)}
    for file, text in texts.items():
        write_atomically(folder / file, text)
    return [*(folder / file for file in texts), *write_pictures(document.charts(), folder)]


def write_pictures(charts: Iterable[Chart], folder: Path) -> list[Path]:
    """Write each chart as `<name>.png`."""
    paths = []
    for chart in charts:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".tmp-") as temporary:
            (Path(temporary) / "picture").write_bytes(chart.png)
            paths.append((Path(temporary) / "picture").replace(folder / f"{chart.name}.png"))
    return paths


def _texts(block: Block) -> list[str]:
    if isinstance(block, str):
        return [block]
    if isinstance(block, Points):
        return list(block.texts)
    if isinstance(block, Chart):
        return [block.name, block.alt, *_texts(block.table)]
    cells = [cell for row in block.rows for cell in row]
    return [block.caption, *block.heads, *(cells or [""])]


def _kind(block: Block) -> str:
    return {str: "text", Points: "points", Table: "table", Chart: "chart"}[type(block)]


def _for_markdown(text: str) -> str:
    """Text that Markdown shows as it is: nothing in it becomes a heading, a link, a cell or HTML."""
    one_line = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", one_line)


def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("ews.document"),
        autoescape=select_autoescape(default=True, default_for_string=True) if autoescape else False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["md"] = _for_markdown
    environment.tests.update({name: _is(name) for name in ("text", "points", "table", "chart")})
    return environment


def _is(name: str) -> Callable[[Block], bool]:
    return lambda block: _kind(block) == name
