"""Pages as data: what is written in Markdown and in HTML, and what is refused."""

import re
from html.parser import HTMLParser

import pytest

from ews.document import Chart, Document, Points, Section, Table, refuse_empty, to_html, to_markdown, write
from ews.errors import NotEnoughData

NUMBERS = Table("Two schools", ("school", "students"), (("North", "12"), ("South", "hidden")))
CHART = Chart("bars", b"\x89PNG picture", "North has twelve students.", NUMBERS)
WILD = "<script>alert(1)</script> | [a](http://x.example) `code` *b* # \n\n## no heading"
PAGE = Document("A page", "Line one.", (Section("First", ("Text.", Points(("one", "two")), NUMBERS, CHART)),))


def with_text(text: str) -> Document:
    return Document(text, text, (Section(text, (text, Points((text,)), Table(text, (text,), ((text,),)))),))


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def tags_of(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(html)
    return parser.tags


def test_the_html_asks_nothing_of_any_other_place_and_runs_nothing():
    tags = tags_of(to_html(PAGE))
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in tags}
    addresses = [value for _, found in tags for name, value in found.items() if name in ("src", "href", "action")]
    assert len(addresses) == 1
    assert addresses[0].startswith("data:image/png;base64,")
    assert not [name for _, found in tags for name in found if name.startswith("on")]
    policy = next(found["content"] for _, found in tags if found.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert "http" not in to_html(PAGE).replace("http-equiv", "")


def test_a_reader_of_the_screen_finds_language_headings_scopes_captions_and_words_for_pictures():
    tags = tags_of(to_html(PAGE))
    assert ("html", {"lang": "en"}) in tags
    assert [tag for tag, _ in tags if tag in ("h1", "h2")] == ["h1", "h2"]
    assert {found["scope"] for tag, found in tags if tag == "th"} == {"col", "row"}
    assert sum(tag == "caption" for tag, _ in tags) == sum(tag == "table" for tag, _ in tags) == 2
    assert all(found["alt"] for tag, found in tags if tag == "img")
    assert CHART.alt in to_html(PAGE)


def test_text_of_people_and_records_is_shown_as_it_is_and_never_runs():
    html = to_html(with_text(WILD))
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    lines = to_markdown(with_text(WILD)).splitlines()
    assert sum(line.startswith("#") for line in lines) == 2, "the page's own headings and no other"
    assert not re.search(r"(?<!\\)[<`]|(?<!\\)\]\(", "\n".join(lines))
    assert len(next(line for line in lines if line.startswith("| ") and "---" not in line).replace("\\|", "")) > 10


def test_markdown_has_every_word_of_the_page_and_names_its_pictures(tmp_path):
    paths = write(PAGE, tmp_path, "page")
    text = (tmp_path / "page.md").read_text()
    assert text.startswith("# A page\n\n**Line one.**\n\n## First\n\nText.\n\n- one\n- two\n\nTwo schools\n\n| school")
    assert "| South | hidden |" in text
    assert "![North has twelve students.](bars.png)" in text
    assert {path.name for path in paths} == {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "bars.png").read_bytes() == CHART.png


@pytest.mark.parametrize(
    "section",
    [
        Section("Gaps", ()),
        Section("Gaps", ("",)),
        Section("Gaps", ("fine", Points(("one", " ")))),
        Section("Gaps", (Table("Empty", ("a",), ()),)),
        Section("Gaps", (Table("A cell", ("a", "b"), (("x", ""),)),)),
        Section("Gaps", (Chart("bars", b"", " ", NUMBERS),)),
    ],
)
def test_a_page_with_an_empty_field_is_refused_by_the_name_of_its_section_FAIR_9(section, tmp_path):
    with pytest.raises(NotEnoughData, match=r"'Gaps'.*card\.toml"):
        write(Document("Card", "Line one.", (section,)), tmp_path, "card")
    assert not list(tmp_path.iterdir())


def test_a_page_without_line_one_is_refused_FAIR_8():
    with pytest.raises(NotEnoughData, match="line one"):
        refuse_empty(Document("Card", " ", (Section("Gaps", ("some",)),)))


def test_sentences_are_the_running_text_without_tables():
    assert PAGE.sentences() == ["Line one.", "Text.", "one", "two"]
