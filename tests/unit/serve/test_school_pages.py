"""The first page and a school's list: whom to reach first, in words, for whom, and what is said of nothing."""

import datetime as dt
import re
from collections.abc import Iterator
from html import unescape

import pytest
from sqlalchemy import delete, update

from ews.access import View
from ews.store.schema import HISTORIES, IN_FORCE, RUNS
from ews_serve.live import NO_MODEL
from tests import cast
from tests.browsers import browser_of
from tests.cast import CORA, DANA, ED, ELI, HUGO, LENA, NIA, PIA, RUBY, SANA, SOL, TOM, TOMAS, VAL, WEI, YUKI
from tests.services import Running, run_service

LIST = "/schools/033"


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that no test here changes."""
    made = run_service(tmp_path_factory.mktemp("school"))
    yield made
    made.service.close()


def text_of(running: Running, who: cast.CastStaff, path: str = LIST) -> str:
    answer = browser_of(running, who).get(path)
    assert answer.status_code == 200, answer.text[:200]
    return answer.text


def names_in(html: str) -> list[str]:
    return [unescape(name) for name in re.findall(r'<h3><a href="/students/[^"]+">(.*?)</a></h3>', html)]


def words_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def row_of(html: str, name: str) -> str:
    rows = re.findall(r'<li class="to-do-row">.*?</li>\s*(?=<li class="to-do-row">|</ol>)', html, re.DOTALL)
    return words_of(next(row for row in rows if name in row))


def test_whoever_has_one_school_is_at_its_list_at_once_and_others_choose(reading: Running):
    assert browser_of(reading, CORA).get("/").headers["Location"] == LIST
    html = text_of(reading, DANA, "/")
    assert re.findall(r'href="(/schools/[^"]+)"', html) == ["/schools/014", "/schools/022", "/schools/033"]
    assert SOL.caseload == tuple(re.findall(r'<a href="/students/[^"]+">([^<]+)</a>', text_of(reading, SOL, "/")))
    assert "No list for you yet" in text_of(reading, VAL, "/")


def test_the_list_is_a_to_do_in_the_order_of_priority_and_shows_nobody_twice_UX_1_UX_5(reading: Running):
    html = text_of(reading, CORA)
    assert names_in(html) == [one.name for one in cast.AT_ORCHARD if one.risk and one.risk >= 0.15]
    everyone = names_in(text_of(reading, CORA, f"{LIST}?show=all"))
    assert everyone == [one.name for one in cast.AT_ORCHARD if one.risk]
    assert cast.ADA.name not in html
    assert [words_of(one) for one in re.findall(r'<h2 id="group-\d">(.*?)</h2>', html)] == [
        "1 Reach out first 4 students", "2 Reach out soon 3 students", "3 Keep in touch 3 students",
    ]  # fmt: skip


def test_no_list_shows_a_probability_UX_2(reading: Running):
    for path in (LIST, f"{LIST}?show=all", f"{LIST}/calls"):
        html = text_of(reading, DANA, path)
        for one in cast.AT_ORCHARD:
            assert one.risk is None or f"{one.risk}" not in html
        assert "probab" not in html
        assert not re.search(r"risk", words_of(html))


def test_a_row_says_days_trend_contact_mentor_and_what_is_special_UX_1(reading: Running):
    html = text_of(reading, CORA, f"{LIST}?show=all")
    lena = row_of(html, LENA.name)
    assert "48 of 187 days (25.6 %), missed a tenth last year" in lena
    assert "46 of 190 days (24.2 %); → about the same as the year before" in lena
    assert "none yet this year" in lena
    assert "Log a contact" in lena
    assert "has a mentor: Sol Reyes" in row_of(html, RUBY.name)
    assert "Kindergarten, new here, no history" in row_of(html, HUGO.name)
    assert "Last year not known" in row_of(html, SANA.name)
    assert "near the line: your call" in row_of(html, TOM.name)
    assert "↓ less than the year before" in row_of(html, TOM.name)
    assert "0 of 187 days (0.0 %)" in row_of(html, YUKI.name)


def test_names_are_shown_as_they_are_and_never_as_markup_W15_UX_9(reading: Running):
    html = text_of(reading, CORA)
    assert "<script" not in html
    assert {PIA.name, NIA.name, "Mateo García Márquez"} <= set(names_in(html))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?grade=04", [RUBY]),
        ("?lane=recover", [LENA, RUBY]),
        ("?state=contacted", []),
        ("?sort=name&lane=recover", [LENA, RUBY]),
        ("?grade=05&sort=grade&show=all", [cast.MATEO, TOM]),
    ],
)
def test_filters_leave_out_and_never_add_UX_1(reading: Running, query: str, expected: list):
    assert names_in(text_of(reading, CORA, f"{LIST}{query}")) == [one.name for one in expected]


def test_a_counselor_sees_the_own_caseload_first_and_nobody_elses_UX_6(reading: Running):
    expected = [one.name for one in (LENA, RUBY, ELI, HUGO)]
    assert names_in(text_of(reading, ED)) == expected
    assert names_in(text_of(reading, ED, f"{LIST}?whose=mine")) == expected
    assert names_in(text_of(reading, CORA, f"{LIST}?whose=mine")) == []


def test_who_sees_no_names_sees_none_on_the_list_and_no_follow_up_SEC_10(reading: Running):
    html = text_of(reading, WEI)
    assert not [one.name for one in cast.STUDENTS if one.name in html or f"· {one.student_id}<" in html]
    assert "Log a contact" not in html
    assert "Where it stands" not in html
    assert re.search(r'href="/students/[^"]+/numbers"', html)


def test_a_foreign_school_is_not_there_and_a_strange_filter_is_refused(reading: Running):
    browser = browser_of(reading, CORA)
    assert {browser.get(f"/schools/{school}").status_code for school in ("014", "901", "999")} == {404}
    for query in ("?grade=3", "?lane=up", "?state=lost", "?number=0", "?sort=risk"):
        assert browser.get(LIST + query).status_code == 422


def test_every_student_on_a_shown_list_is_in_the_log_PRV_4(reading: Running):
    before = len(list(reading.service.audit.of_student(LENA.key)))
    text_of(reading, CORA)
    (entry,) = [one.entry for one in list(reading.service.audit.of_student(LENA.key))[before:]]
    assert (entry.login, entry.view, entry.result) == (CORA.login, View.RISK_LIST, "shown")
    assert entry.fields == "follow-up names"


def test_a_list_to_call_names_everybody_still_to_reach_and_has_room_to_write_UX_7(reading: Running):
    html = text_of(reading, CORA, f"{LIST}/calls")
    assert html.count('<th scope="row">') == 10
    assert html.count("to-write") == 20
    assert html.count("new here, no history") == 1


def test_files_are_offered_to_whom_they_open_and_otherwise_what_would_open_them(reading: Running):
    assert "/v1/schools/033/export?format=xlsx" in text_of(reading, CORA)
    without = browser_of(reading, CORA, second_factor=False).get(LIST).text
    assert "export" not in without
    assert "Give the second factor to take a file" in without


def test_an_old_list_a_lost_model_and_nothing_published_have_words_of_their_own_UX_8(running: Running):
    assert "days old" not in text_of(running, CORA)
    running.service.live.trouble = NO_MODEL
    assert "The list stands as it was published" in text_of(running, CORA)
    with running.service.store.writing() as connection:
        connection.execute(update(RUNS).values(published_at=cast.NOON - dt.timedelta(days=31)))
    assert "This list is 31 days old" in text_of(running, CORA)
    with running.service.store.writing() as connection:
        connection.execute(delete(IN_FORCE))
    assert "No list was published yet" in text_of(running, CORA)


def test_yearly_totals_and_no_matches_have_words_of_their_own_UX_8(running: Running):
    assert "Nobody fits these filters" in text_of(running, CORA, f"{LIST}?grade=12")
    assert "Nobody stands there now" in text_of(running, CORA, f"{LIST}?state=closed")
    assert "The list ends before this page" in text_of(running, CORA, f"{LIST}?number=9")
    yearly = '{"years": [{"school_year": 2026, "days_enrolled": 180, "days_absent": 9}], "days": []}'
    with running.service.store.writing() as connection:
        connection.execute(update(HISTORIES).values(attendance=yearly))
    assert "totals of whole years only" in text_of(running, CORA)


def test_a_long_list_is_read_page_after_page(reading: Running, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ews_serve.web.school.EACH_PAGE", 3)
    path, seen = LIST, []
    while path:
        html = text_of(reading, CORA, path)
        seen += names_in(html)
        following = re.search(r'href="([^"]+)">More students', html)
        path = unescape(following[1]) if following else ""
    assert seen == names_in(text_of(reading, CORA, f"{LIST}?show=to-do")) or len(seen) == 10
    assert len(seen) == len(set(seen)) == 10


def test_another_schools_counselor_finds_no_word_of_these_students(reading: Running):
    html = text_of(reading, TOMAS, "/schools/014")
    assert not [one.name for one in cast.AT_ORCHARD if one.name in html]
