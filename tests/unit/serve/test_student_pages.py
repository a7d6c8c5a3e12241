"""A student's page: each hard case in words, each section only for whom it is, and its forms without JavaScript."""

import datetime as dt
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, update

from ews.access import View
from ews.follow_up import Kind
from ews.store.follow_up import contacts_of, judgements_of, notes_of, plan_of
from ews.store.schema import IN_FORCE, RUNS, STAYS, STUDENTS
from tests import cast
from tests.browsers import Browser, browser_of, form_in
from tests.cast import (
    ADA,
    ANA,
    BEA,
    BO,
    CORA,
    DANA,
    ED,
    HUGO,
    JUN,
    LENA,
    MATEO,
    MIA,
    NIA,
    PIA,
    RUBY,
    SANA,
    SOL,
    TOM,
    TOMAS,
    WEI,
    YUKI,
    CastStaff,
    CastStudent,
)
from tests.services import Running, run_service
from tests.unit.serve.test_school_pages import LIST, names_in, row_of, words_of
from tests.unit.store.test_follow_up import YEAR


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that no test here changes."""
    made = run_service(tmp_path_factory.mktemp("student"))
    yield made
    made.service.close()


def path_of(student: CastStudent) -> str:
    return f"/students/{student.key}"


def html_of(running: Running, who: CastStaff, student: CastStudent, more: str = "") -> str:
    answer = browser_of(running, who).get(path_of(student) + more)
    assert answer.status_code == 200, answer.text[:200]
    return answer.text


def told(running: Running, student: CastStudent, who: CastStaff = CORA) -> str:
    return words_of(html_of(running, who, student))


def headings(html: str) -> list[str]:
    return [words_of(one) for one in re.findall(r"<h2[^>]*>(.*?)</h2>", html)]


def send(browser: Browser, student: CastStudent, form: str, **typed: str):
    action = f"{path_of(student)}/{form}"
    return browser.post(action, form_in(browser.get(path_of(student)).text, action) | typed)


# --- what it says ---


def test_sections_stand_in_the_order_of_the_talk_UX_3(reading: Running):
    assert headings(html_of(reading, CORA, RUBY)) == [
        "What went well", "What was done, and what helps", "Attendance", "What the records point to",
        "What the model does not know", "Contacts", "Plan", "I know more", "Notes", "Where this comes from",
        "Who can see this student, and why",
    ]  # fmt: skip


def test_the_estimate_is_told_of_similar_students_with_a_range_and_what_lowers_it_UX_2_EX_1(reading: Running):
    words = told(reading, MATEO)
    assert "Among similar students, about 6 in 10 missed a tenth or more of the next year" in words
    assert "between 5 and 7 in 10" in words
    assert "For about 4 in 10 it turned out otherwise" in words
    assert "Missed 11 of 36 Mondays" in words
    assert "Lowers the estimate" in words
    assert "0.63" not in words
    assert "63 %" not in words


def test_an_estimate_at_the_ends_is_never_certain_UX_2(reading: Running):
    words = told(reading, YUKI)
    assert "fewer than 1 in 10" in words
    assert "at most 2 in 10" in words
    assert "No day missed in" in words
    assert "Was at school on 187 of 187 days in 2025-26." in words


def test_how_many_days_can_still_be_missed_is_told_while_the_year_is_open(reading: Running):
    assert "14 more days can be missed this year before it is a tenth of 187. Missed 4 days of 30 by 2 October" in told(
        reading, RUBY
    )
    assert "No more day can be missed" not in told(reading, LENA)
    assert "cannot be told for a student who came during the year" in told(reading, BO)
    assert "can be missed this year" not in told(reading, SANA)


def test_nothing_known_yearly_totals_and_unknown_years_have_words_of_their_own_UX_8_M11(reading: Running):
    hugo, sana = told(reading, HUGO), told(reading, SANA)
    assert "There is no attendance of earlier years" in hugo
    assert "It has no year of this student to go by" in hugo
    assert "No single pattern stands out" in hugo
    assert "totals of whole years only" in sana
    assert "Not known is not zero." in sana
    assert "2025-26 not known" in sana


def test_who_is_not_scored_has_a_page_without_an_estimate_and_without_a_guess_P07(reading: Running):
    words = told(reading, ADA)
    assert "this student is not to be scored" in words
    assert "in 10" not in words
    assert "Missed" in words or "Was at school" in words


def test_near_a_line_it_is_a_judgement_call_EX_5(reading: Running):
    assert "treat it as a judgement call" in told(reading, TOM)
    assert "treat it as a judgement call" not in told(reading, MATEO)


def test_names_are_text_whatever_they_hold_W15_UX_9(reading: Running):
    html = html_of(reading, CORA, PIA)
    assert "<script" not in html
    assert f"<h1>{PIA.name}".replace("<script>", "&lt;script&gt;").replace("</script>", "&lt;/script&gt;") in html
    assert NIA.name in told(reading, NIA)


def test_the_mentor_stands_in_the_chart_from_the_first_day_UX_3(reading: Running):
    assert "Mentor: Sol Reyes, since 8 September 2026." in told(reading, RUBY)
    assert re.search(r'class="service"', html_of(reading, CORA, RUBY))
    assert not re.search(r'class="service"', html_of(reading, CORA, MATEO))


def test_it_says_who_can_see_the_student_and_why_PRV_9(reading: Running):
    words = told(reading, RUBY)
    for name, why in ((CORA.name, "works for the whole school"), (SOL.name, "in this person's care")):
        assert re.search(rf"{name} [a-z ]+ attendance[a-z, ]*: [a-z ]*{why}", words)
    assert "Val Nobody" not in words


# --- for whom ---


def test_a_mentor_sees_attendance_and_the_own_contacts_and_no_estimate_PRV_2(running: Running):
    assert send(browser_of(running, CORA), RUBY, "contacts", next_step="Told me of nights").status_code == 303
    html = html_of(running, SOL, RUBY)
    assert headings(html) == [
        "What went well", "What was done, and what helps", "Attendance", "Contacts", "Where this comes from",
        "Who can see this student, and why",
    ]  # fmt: skip
    words = words_of(html)
    for word in ("estimate", "in 10", "Reach out", "model", "Told me of nights"):
        assert word not in words
    sheet = words_of(html_of(running, SOL, RUBY, "/sheet"))
    assert "Reach out" not in sheet
    assert send(browser_of(running, SOL), RUBY, "contacts", next_step="Chess on Friday").status_code == 303
    assert "Chess on Friday" in words_of(html_of(running, SOL, RUBY))


@pytest.mark.parametrize(
    ("who", "student", "status"),
    [(CORA, ANA, 404), (SOL, LENA, 404), (WEI, RUBY, 404), (ED, MATEO, 403), (DANA, RUBY, 200), (TOMAS, RUBY, 404)],
)
def test_the_page_opens_as_the_table_of_roles_says_SEC_12(reading: Running, who, student, status):
    browser = browser_of(reading, who)
    for more in ("", "/sheet"):
        assert browser.get(path_of(student) + more).status_code == status


def test_whoever_may_not_see_may_not_write_and_nothing_is_kept_W14(running: Running):
    form = {"request_key": LENA.key, "on_date": "2026-10-05", "kind": "call", "with_whom": "family", "version": "0",
            "state": "closed", "adds": "no", "category": "health", "reason": "x", "text": "x"}  # fmt: skip
    for who, student in ((SOL, LENA), (CORA, ANA), (WEI, RUBY), (ED, MATEO), (cast.VAL, RUBY)):
        browser = browser_of(running, who)
        csrf = {"csrf": session_word(running, browser)}
        for action in ("contacts", "plan", "judgement", "judgement/taken-back", "notes"):
            answer = browser.post(f"{path_of(student)}/{action}", form | csrf)
            assert answer.status_code in (403, 404), (who.login, action)
    mentor = browser_of(running, SOL)
    csrf = {"csrf": session_word(running, mentor)}
    for action in ("plan", "judgement", "judgement/taken-back", "notes"):
        assert mentor.post(f"{path_of(RUBY)}/{action}", form | csrf).status_code == 404
    with running.service.store.reading() as connection:
        for student in (LENA, ANA, RUBY, MATEO):
            assert not contacts_of(connection, student.key)
            assert not notes_of(connection, student.key)
            assert not judgements_of(connection, student.key, YEAR)
            assert plan_of(connection, student.key, YEAR).version == 0


def session_word(running: Running, browser: Browser) -> str:
    """The word that the session's own forms carry."""
    from ews.store.keys import viewer_of_session

    with running.service.store.reading() as connection:
        found = viewer_of_session(connection, browser.cookies["__Host-ews_session"], cast.NOON)
    assert found is not None
    return found.csrf or ""


def test_a_form_of_another_page_is_refused_W14(running: Running):
    browser = browser_of(running, CORA)
    held = form_in(browser.get(path_of(RUBY)).text, f"{path_of(RUBY)}/notes") | {"text": "x"}
    assert browser.post(f"{path_of(RUBY)}/notes", held | {"csrf": "guessed"}).status_code == 403
    assert browser.post(f"{path_of(RUBY)}/notes", held, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_purpose_opens_the_page_and_its_forms_for_a_counselor_SEC_10(running: Running):
    browser = browser_of(running, ED)
    csrf = {"csrf": session_word(running, browser)}
    assert browser.post(f"{path_of(MATEO)}/purpose", csrf | {"purpose": "Stands in for Cora"}).status_code == 303
    assert browser.get(path_of(MATEO)).status_code == 200
    assert send(browser, MATEO, "contacts").status_code == 303
    last = [one.entry for one in running.service.audit.of_student(MATEO.key)][-1]
    assert (last.view, last.result, last.purpose) == (View.CONTACT, "written", "Stands in for Cora")


# --- what it takes ---


def test_a_contact_is_one_form_that_is_nearly_filled_in_and_takes_the_student_off_the_to_do_MEN_6_UX_5(
    running: Running,
):
    browser = browser_of(running, CORA)
    answer = send(browser, LENA, "contacts", minutes="10", barrier="transport", next_step="Ask for a bus pass")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{path_of(LENA)}?kept=contact#kept")
    words = words_of(browser.get(answer.headers["Location"]).text)
    assert "The contact is in the log." in words
    assert (
        "Phone call with family 5 October 2026 (today), Cora Bloom 10 minutes. What came up: getting to school" in words
    )
    assert "Contacted 5 October 2026, Cora Bloom" in words
    assert LENA.name not in names_in(browser.get(LIST).text)
    everyone = browser.get(f"{LIST}?state=contacted").text
    assert names_in(everyone) == [LENA.name]
    assert "Phone call, today, by Cora Bloom" in row_of(everyone, LENA.name)


def test_the_main_job_is_done_on_postgresql_as_well(tmp_path: Path):
    running = run_service(tmp_path, "postgresql")
    browser = browser_of(running, CORA)
    assert names_in(browser.get(LIST).text)[0] == LENA.name
    assert send(browser, LENA, "contacts", next_step="Ask again").status_code == 303
    assert send(browser, LENA, "plan", next_step="Meet on Monday", next_step_on="2026-10-12").status_code == 303
    assert send(browser, LENA, "judgement", adds="no", category="health", reason="Is well").status_code == 303
    assert send(browser, LENA, "notes", text="Likes chess").status_code == 303
    words = words_of(browser.get(path_of(LENA)).text)
    for said in ("Ask again", "Meet on Monday", "Is well", "Likes chess", "1 contact this year"):
        assert said in words
    assert LENA.name not in names_in(browser.get(LIST).text)
    running.service.close()


def test_a_call_that_nobody_answered_leaves_the_student_on_the_to_do_UX_5(running: Running):
    browser = browser_of(running, CORA)
    assert send(browser, LENA, "contacts", kind=Kind.NO_ANSWER.value).status_code == 303
    assert LENA.name in names_in(browser.get(LIST).text)


def test_two_absences_after_a_contact_bring_the_student_back_to_the_top_UX_5_MEN_7(running: Running):
    browser = browser_of(running, CORA)
    assert send(browser, TOM, "contacts", on_date="2026-10-01").status_code == 303
    assert TOM.name not in names_in(browser.get(LIST).text)
    assert send(browser, RUBY, "contacts", on_date="2026-09-01").status_code == 303
    html = browser.get(LIST).text
    assert names_in(html)[0] == RUBY.name
    assert "Absent again since the last contact" in html
    assert "Ask again how things are" in row_of(html, RUBY.name)


def test_the_same_form_sent_twice_counts_once_O12(running: Running):
    browser = browser_of(running, CORA)
    action = f"{path_of(LENA)}/contacts"
    held = form_in(browser.get(path_of(LENA)).text, action)
    assert [browser.post(action, held).status_code for _ in range(2)] == [303, 303]
    with running.service.store.reading() as connection:
        assert len(contacts_of(connection, LENA.key)) == 1


@pytest.mark.parametrize(
    ("form", "typed", "said"),
    [
        ("contacts", {"on_date": "2027-01-01"}, "not in the future"),
        ("contacts", {"on_date": "yesterday"}, "year-month-day"),
        ("contacts", {"minutes": "ten"}, "Minutes are a whole number"),
        ("contacts", {"kind": "<script>"}, "Choose one of the list."),
        ("contacts", {"next_step": "a\x00b"}, "no letter"),
        ("plan", {"state": "won"}, "Choose one of the list."),
        ("plan", {"next_step_on": "soon"}, "year-month-day"),
        ("judgement", {"reason": " "}, "Say in a few words what you know"),
        ("notes", {"text": ""}, "The note is empty."),
    ],
)
def test_what_is_wrong_is_said_next_to_the_field_and_nothing_typed_is_lost(running: Running, form, typed, said):
    kept = {"contacts": "next_step", "plan": "next_step", "judgement": "reason", "notes": "text"}[form]
    answer = send(browser_of(running, CORA), LENA, form, **({kept: "Keep me & mine"} | typed))
    assert answer.status_code == 422
    assert said in unescape(answer.text)
    assert 'role="alert"' in answer.text
    if kept not in typed:
        assert "Keep me &amp; mine" in answer.text
    assert "<script>" not in answer.text
    with running.service.store.reading() as connection:
        assert not contacts_of(connection, LENA.key)


def test_of_two_who_change_a_plan_the_second_is_told_who_was_faster_O13(running: Running):
    first, second = browser_of(running, CORA), browser_of(running, ED)
    action = f"{path_of(LENA)}/plan"
    held = form_in(second.get(path_of(LENA)).text, action)
    assert send(first, LENA, "plan", state="plan", next_step="Meet on Monday").status_code == 303
    answer = second.post(action, held | {"state": "closed"})
    assert answer.status_code == 409
    assert "cora.bloom changed this plan at 2026-10-05 12:00 UTC" in answer.text
    assert "Meet on Monday" in answer.text
    with running.service.store.reading() as connection:
        assert plan_of(connection, LENA.key, YEAR).state == "plan"


def test_who_knows_more_moves_the_list_and_can_take_it_back_UX_4_M09(running: Running):
    browser = browser_of(running, CORA)
    assert send(browser, YUKI, "judgement", adds="yes", category="family", reason="A move is near").status_code == 303
    assert (
        send(browser, LENA, "judgement", adds="no", category="has_support", reason="In care of the clinic").status_code
        == 303
    )
    html = browser.get(LIST).text
    names = names_in(html)
    assert "Your team knew more: 1 added, 1 taken off." in html
    assert names[0] == YUKI.name
    assert LENA.name not in names
    html = browser.get(path_of(LENA)).text
    assert "taken off the list" in html
    assert "Has support already: In care of the clinic" in words_of(html)
    assert send(browser, LENA, "judgement/taken-back").status_code == 303
    assert LENA.name in names_in(browser.get(LIST).text)


def test_notes_are_kept_and_shown_as_text_W15(running: Running):
    browser = browser_of(running, CORA)
    assert send(browser, RUBY, "notes", text="<b>Zoë</b> said \u201cyes\u201d").status_code == 303
    assert "&lt;b&gt;Zoë&lt;/b&gt; said “yes”" in browser.get(path_of(RUBY)).text


def test_every_view_of_a_page_and_every_write_is_in_the_log_PRV_4(running: Running):
    browser = browser_of(running, CORA)
    browser.get(path_of(LENA))
    send(browser, LENA, "plan", state="plan")
    entries = [one.entry for one in running.service.audit.of_student(LENA.key)]
    seen = {entry.view for entry in entries if entry.result == "shown"}
    assert seen == {View.ATTENDANCE, View.EXPLANATION, View.PLAN, View.CONTACT, View.SLOTS, View.WHO_CAN_SEE}
    assert [(entry.view, entry.login) for entry in entries if entry.result == "written"] == [(View.PLAN, CORA.login)]


def test_who_looks_as_another_writes_nothing_A12(running: Running):
    browser = browser_of(running, DANA)
    csrf = {"csrf": session_word(running, browser)}
    assert browser.post("/view-as", csrf | {"login": CORA.login}).status_code == 303
    html = browser.get(path_of(RUBY)).text
    assert f'action="{path_of(RUBY)}/notes"' not in html
    assert browser.post(f"{path_of(RUBY)}/notes", csrf | {"text": "x"}).status_code == 403


def test_the_way_back_is_the_list_of_the_school_where_one_works_and_not_the_one_that_was_left(reading: Running):
    assert f'href="{LIST}"' in html_of(reading, CORA, RUBY)
    zoe = html_of(reading, DANA, cast.ZOE)
    assert 'href="/schools/022"' in zoe
    assert 'href="/schools/014"' not in zoe
    assert 'href="/schools/' not in html_of(reading, SOL, RUBY)


def test_a_student_is_at_a_school_since_the_first_day_there_over_summers_in_between(running: Running):
    assert "Orchard Lane School, since 25 August 2025" in told(running, RUBY)
    stay = {"student_key": RUBY.key, "school_id": "033", "grade_level": "02"}
    with running.service.store.writing() as connection:
        for first, last in ((dt.date(2024, 8, 26), dt.date(2025, 6, 13)), (dt.date(2022, 8, 22), dt.date(2023, 6, 9))):
            connection.execute(insert(STAYS).values(**stay, entry_date=first, exit_date=last))
    assert "Orchard Lane School, since 26 August 2024" in told(running, RUBY)


def test_an_old_list_says_so_on_a_students_page_and_to_no_mentor_UX_8(running: Running):
    with running.service.store.writing() as connection:
        connection.execute(update(RUNS).values(published_at=cast.NOON - dt.timedelta(days=40)))
    assert "This list is 40 days old" in told(running, RUBY)
    assert "days old" not in told(running, RUBY, SOL)


def test_without_a_list_there_is_the_page_and_no_form_UX_8(running: Running):
    with running.service.store.writing() as connection:
        connection.execute(delete(IN_FORCE))
    words = told(running, RUBY)
    assert "No list was published yet, so there is no estimate." in words
    assert "Keep this contact" not in words


def test_a_student_gone_from_the_records_has_no_page(running: Running):
    with running.service.store.writing() as connection:
        connection.execute(
            update(STUDENTS).where(STUDENTS.c.student_key == MIA.key).values(withdrawn_on=dt.date(2026, 9, 1))
        )
    assert browser_of(running, DANA).get(path_of(MIA)).status_code == 404
    assert browser_of(running, BEA).get(path_of(JUN)).status_code == 200
