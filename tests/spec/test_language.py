"""The words of every page, message and phrase: none that shames, promises, blames or needs a dictionary (B3, B5, EX-7).

Texts are taken from the templates, from the strings of the pages' code and from the catalogues, so that a page that is
added later is held to the same by itself.
"""

import ast
import io
import re
from collections.abc import Iterator
from html import unescape
from importlib.resources import files
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import pytest
import textstat
from babel.messages.pofile import read_po

import ews_serve
from ews.features import FEATURES
from ews_serve.languages import LANGUAGES

SERVE = Path(str(files(ews_serve)))
TEMPLATES = sorted((SERVE / "templates").rglob("*.html"))
CODE = sorted([*(SERVE / "web").rglob("*.py"), *(SERVE / name for name in ("answers.py", "routes/sign_in.py"))])

NEVER = (
    # people as a label, and moral words
    r"high[- ]risk", r"at[- ]risk (student|child|kid)\w*", r"risk\w*", r"truan\w+", r"offend\w+", r"drop-?outs?",
    r"absentees?", r"problem\w*", r"fail\w*", r"bad", r"poor (attendance|student)\w*", r"non-?complian\w+",
    r"deficit\w*", r"delinquen\w+", r"red students?", r"green students?", r"worst", r"laz\w+", r"excuses",
    # causes, certainty and doom
    r"because of", r"caused by", r"due to", r"leads? to", r"led to", r"guarantee\w*", r"doomed", r"inevitabl\w+",
    r"\d+ ?(%|percent) (likely|chance|risk|certain)",
    # what is nobody's business here
    r"illness\w*", r"diagnos\w+", r"sick\w*", r"citizen\w*", r"undocumented", r"crimin\w+", r"disciplin\w+",
    r"suspen\w+", r"punish\w*",
    # alarm
    r"!",
)  # fmt: skip
"""What no text for people may hold."""

JARGON = (
    r"log-odds", r"shap", r"auc", r"brier", r"calibrat\w+", r"booster", r"lightgbm", r"percentile\w*", r"quantile\w*",
    r"probabilit\w+", r"threshold\w*", r"recall", r"precision", r"logit\w*", r"dataset\w*", r"\w+_\w+", r"nan", r"null",
)  # fmt: skip
"""What only the data scientist's page may hold."""

FOR_DATA_SCIENTISTS = frozenset({"numbers.html", "numbers.py"})

SAID_TO_FORBID = ("To punish a student.", "never for discipline")
"""Where a word is named in order to forbid it (FAIR-1)."""

LIST_PAGES = frozenset({"school.html", "start.html", "calls.html", "to_do.html", "to_do.py", "school.py", "start.py"})
"""Pages of many students, which never hold a bare probability (UX-2)."""

NEVER_IN_SPANISH = (r"riesgo\w*", r"problema\w*", r"culpa\w*", r"fracas\w+", r"mal[oa]s?", r"castig\w+", r"[!¡]")

MOST_GRADE = 8.0
FEWEST_WORDS = 40
"""The reading level of less text says little."""


class Text(NamedTuple):
    """Some words and where they stand."""

    place: str
    words: str


def texts_of_template(path: Path) -> Iterator[Text]:
    """What a template says by itself: its text, and attributes that are read out."""
    source = path.read_text(encoding="utf-8")
    without_code = re.sub(r"\{#.*?#\}|\{%.*?%\}", " ", source, flags=re.DOTALL)
    placed = re.findall(r"\{\{.*?\}\}", without_code, flags=re.DOTALL)
    said_in_code = [words for one in placed for words in re.findall(r'"([^"]*)"', one) if " " in words]
    plain = re.sub(r"\{\{.*?\}\}", " X ", without_code, flags=re.DOTALL)
    attributes = re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]+)"', plain)
    blocks = re.split(
        r"</?(?:p|li|h\d|td|th|dt|dd|caption|summary|button|label|legend|option|div|section|figcaption)\b[^>]*>", plain
    )
    for words in (*blocks, *attributes, *said_in_code):
        text = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", words))).strip()
        if re.search(r"[A-Za-z]{2}", text):
            yield Text(path.name, text)


def texts_of_code(path: Path) -> Iterator[Text]:
    """The strings of a module that are sentences or words for people: docstrings, codes and names are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    docs |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    docs |= {id(key) for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            text = node.value.strip()
            if " " in text and re.search(r"[A-Za-z]{2}", text) and not re.match(r"[a-z_]+ (==|and) ", text):
                yield Text(path.name, text)


def messages(language: str) -> list[Text]:
    source = files(ews_serve).joinpath("locale", language, "LC_MESSAGES", "ews.po")
    entries = (entry.string for entry in read_po(io.BytesIO(source.read_bytes()), locale=language) if entry.id)
    return [
        Text(f"{language}.po", word) for entry in entries for word in ([entry] if isinstance(entry, str) else entry)
    ]


def every_text() -> list[Text]:
    return [
        *(text for path in TEMPLATES for text in texts_of_template(path)),
        *(text for path in CODE for text in texts_of_code(path)),
    ]


def hits(texts: list[Text], never: tuple[str, ...]) -> list[str]:
    pattern = re.compile("|".join(word if not word[0].isalpha() else rf"\b{word}\b" for word in never), re.IGNORECASE)
    return [
        f"{text.place}: '{found[0]}' in: {text.words[:120]}"
        for text in texts
        if (found := pattern.search(re.sub("|".join(map(re.escape, SAID_TO_FORBID)), "", text.words)))
    ]


def grade(texts: list[str]) -> float:
    """The mean of two readability indices that count letters, words and sentences, and so need no dictionary."""
    whole = " ".join(text if text.endswith((".", "?", ":")) else f"{text}." for text in texts)
    return fmean((textstat.automated_readability_index(whole), textstat.coleman_liau_index(whole)))


TEXTS = every_text()


def test_no_page_holds_a_word_that_shames_promises_or_blames_B3_B5():
    assert len(TEXTS) > 150
    assert not hits(TEXTS, NEVER), "\n".join(hits(TEXTS, NEVER))


def test_no_page_but_the_data_scientists_needs_a_dictionary_UX_9():
    texts = [text for text in TEXTS if text.place not in FOR_DATA_SCIENTISTS]
    assert not hits(texts, JARGON), "\n".join(hits(texts, JARGON))


def test_no_list_of_students_holds_a_bare_probability_UX_2():
    texts = [text for text in TEXTS if text.place in LIST_PAGES]
    assert texts
    assert not hits(texts, (r"%", r"percent\w*", r"probab\w*", r"likel\w+", r"chances?")), texts


def test_no_phrase_of_a_reason_holds_one_either_EX_7():
    phrases = [Text(name, feature.phrase) for name, feature in FEATURES.items() if feature.phrase]
    assert len(phrases) > 20
    assert not hits(phrases, NEVER)


def test_reasons_read_at_grade_8_or_below_UX_9():
    phrases = [re.sub(r"\{[^}]*\}", "12", feature.phrase) for feature in FEATURES.values() if feature.phrase]
    assert grade([f"{phrase.removesuffix('.')}. Raises the estimate" for phrase in phrases]) <= MOST_GRADE


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_no_translation_holds_a_word_that_shames_B3(language: str):
    assert not hits(messages(language), NEVER_IN_SPANISH), hits(messages(language), NEVER_IN_SPANISH)


@pytest.mark.parametrize(
    "path", [path for path in TEMPLATES if path.name not in FOR_DATA_SCIENTISTS], ids=lambda path: path.name
)
def test_a_page_reads_at_grade_8_or_below_UX_9(path: Path):
    said = [text.words for text in texts_of_template(path) if len(text.words.split()) >= 5]
    if len(" ".join(said).split()) >= FEWEST_WORDS:
        assert grade(said) <= MOST_GRADE, said


@pytest.mark.parametrize(
    "path", [path for path in CODE if path.name not in FOR_DATA_SCIENTISTS], ids=lambda path: path.name
)
def test_what_a_page_says_from_code_reads_at_grade_8_or_below_UX_9(path: Path):
    said = [re.sub(r"\{\w*\}", "X", text.words) for text in texts_of_code(path)]
    sentences = [text for text in said if len(text.split()) >= 5]
    if len(" ".join(sentences).split()) >= FEWEST_WORDS:
        assert grade(sentences) <= MOST_GRADE, sentences


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("A high-risk student", NEVER), ("87 % likely to fail", NEVER), ("Well done!", NEVER),
        ("Missed days due to illness", NEVER), ("The recall at k", JARGON), ("days_absent", JARGON),
    ],
)  # fmt: skip
def test_the_lint_sees_what_it_must(text: str, never: tuple[str, ...]):
    assert hits([Text("x.html", text)], never)


def test_what_forbids_a_use_may_name_it():
    assert not hits([Text("about.py", "To punish a student."), Text("x", "never for discipline, grades")], NEVER)
    assert hits([Text("x", "This student needs discipline.")], (r"needs", *NEVER))


def test_long_words_in_long_sentences_are_seen_as_hard():
    hard = "Longitudinal attendance characteristics necessitate multidisciplinary intervention considerations urgently."
    assert grade([hard] * 3) > MOST_GRADE
