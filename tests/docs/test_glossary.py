"""Pages and code use the glossary's words, and none of those that name a student by what was missed."""

import re

import pytest

from ews.absence import BANDS
from ews.features import GROUPS
from tests.docs.pages import PAGES, ROOT, read

GLOSSARY = read("docs/glossary.md")
WORDS = re.findall(r"^\*\*([^*]+)\*\*", GLOSSARY, re.MULTILINE)
CODE = [path for folder in ("src", "serve", "pipelines") for path in sorted((ROOT / folder).rglob("*.py"))]
FORBIDDEN = re.compile(r"\b(absentees?|truants?|dropouts?|(high|at)[- ]risk (student|child)\w*)\b", re.IGNORECASE)


def test_words_are_explained_once_and_within_their_sections_no_word_is_empty():
    assert len(WORDS) > 40
    assert len(WORDS) == len(set(WORDS))
    assert not re.search(r"^\*\*[^*]+\*\*[^:]*:\s*$", GLOSSARY, re.MULTILINE)


@pytest.mark.parametrize(
    "word",
    [
        "school year", "instructional day", "day index", "target year", "as-of point", "enrolled day", "absent",
        "absence rate", "chronically absent", "band", "cohort", "caseload", "lane", "spell", "bundle", "champion",
        "risk", "reason", "unknown", "history", "outcome",
    ],
)  # fmt: skip
def test_every_load_bearing_word_is_explained(word: str):
    assert word in WORDS


def test_bands_and_groups_of_reasons_are_the_codes():
    assert [band for band in BANDS if f"*{band}*" not in GLOSSARY] == []
    assert [group for group in ("recent level", "trend", "last weeks", "spells") if group not in GROUPS] == []


@pytest.mark.parametrize("path", [*PAGES, *CODE], ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_is_named_by_what_they_missed(path):
    assert FORBIDDEN.search(path.read_text(encoding="utf-8")) is None
