"""The page for a family: plain, in two languages, with days and no estimate (UX-9, FAIR-10, EX-7)."""

import io
import json
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from ews.store.reading import History, history
from ews_serve.languages import LANGUAGES, words_in
from ews_serve.web import family
from ews_serve.web.family import families_write_to, family_page
from tests.cast import ANA, BEA, MIA, MO, ROSA, WEI
from tests.services import Running

PAGE = {"Accept": "text/html"}
OF_ANA = f"/students/{ANA.key}/family"
KEYWORDS = {"gettext": None, "ngettext": (1, 2), "_": None}
NEVER = ("estimate", "risk", "score", "probab", "priority", "rank", "list of", "estimaci", "riesgo", "puntaje")


def messages() -> list[str | tuple[str, ...]]:
    return [message for _, message, *_ in extract_from_file("python", family.__file__, keywords=KEYWORDS)]


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{\w*\}", text))


def told(*absent: int | None) -> str:
    """Attendance of one year a number, as the store keeps it."""
    years = [
        {"school_year": 2026, "days_enrolled": 180, "days_absent": days, "months": {"01": [days or 0, 20]}}
        for days in absent
    ]
    return json.dumps({"years": years, "days": [], "days_enrolled_so_far": 0, "data_through": None})


@pytest.fixture
def of_ana(running: Running) -> History:
    with running.service.store.reading() as connection:
        found = history(connection, ANA.key)
    assert found is not None
    return found


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_every_message_is_translated_with_its_placeholders_UX_9(language: str):
    source = files("ews_serve").joinpath("locale", language, "LC_MESSAGES", "ews.po")
    catalogue = read_po(io.BytesIO(source.read_bytes()), locale=language)
    found = messages()
    assert len(found) > 25
    for message in found:
        kept = catalogue.get(message if isinstance(message, str) else message[0])
        assert kept is not None, message
        assert not kept.fuzzy
        wanted = {name for text in ((message,) if isinstance(message, str) else message) for name in placeholders(text)}
        for text in (kept.string,) if isinstance(kept.string, str) else kept.string:
            assert text
            assert placeholders(text) == wanted, message
    assert {entry.id for entry in catalogue if entry.id} <= {
        message if isinstance(message, str) else tuple(message) for message in found
    }


def test_a_family_reads_days_at_school_first_and_no_estimate(running: Running):
    text = running.client(ROSA)("GET", OF_ANA, headers=PAGE).text
    letter = re.search(r"<article.*</article>", text, re.DOTALL)
    assert letter
    assert "Ana Peña was at school on" in letter[0]
    assert not [word for word in NEVER if word in letter[0].lower()]


def test_the_page_is_in_spanish_where_asked_and_says_so_to_a_screen_reader(running: Running):
    text = running.client(ROSA)("GET", f"{OF_ANA}?language=es", headers=PAGE).text
    assert '<article class="card letter" lang="es">' in text
    assert "Días de escuela de Ana Peña" in text
    assert "Records" not in re.sub(r"<header.*?</header>", "", text, flags=re.DOTALL)


def test_a_language_that_is_not_there_is_refused(running: Running):
    assert running.client(ROSA)("GET", f"{OF_ANA}?language=xx", headers=PAGE).status_code == 422


@pytest.mark.parametrize(("who", "status"), [(ROSA, 200), (MO, 200), (BEA, 403), (WEI, 404)])
def test_it_opens_for_whoever_sees_the_student_by_name(running: Running, who, status):
    assert running.client(who)("GET", OF_ANA, headers=PAGE).status_code == status


def test_another_school_does_not_open_it(running: Running):
    assert running.client(ROSA)("GET", f"/students/{MIA.key}/family", headers=PAGE).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_record_makes_whole_sentences(of_ana: History, language: str):
    texts = {"none": told(), "perfect": told(0), "one": told(1), "many": told(12), "unknown": told(None)}
    made = {name: family_page(replace(of_ana, attendance=text), language, "", "/x") for name, text in texts.items()}
    assert {name: len(it.record) for name, it in made.items()} == {
        "none": 1, "perfect": 2, "one": 2, "many": 3, "unknown": 1,
    }  # fmt: skip
    assert made["none"].years is None
    assert made["unknown"].years.rows[0][1] == words_in(language).gettext("not known")
    assert all(sentence.endswith(".") and "{" not in sentence for it in made.values() for sentence in it.record)


def test_who_has_no_name_is_your_child(of_ana: History):
    assert "your child" in family_page(replace(of_ana, name=None), "en", "", "/x").title


def test_a_family_is_told_whom_to_ask(tmp_path: Path, of_ana: History):
    assert families_write_to(tmp_path) == ""
    (tmp_path / "card.toml").write_text('contact = "Office of Attendance, 555 0100"\n', encoding="utf-8")
    shown = family_page(of_ana, "en", families_write_to(tmp_path), "/x")
    assert shown.parts[-1].texts == ("Where to ask: Office of Attendance, 555 0100.",)
    assert family_page(of_ana, "es", "", "/x").parts[-1].texts == ("Dónde preguntar: en la oficina de la escuela.",)
