"""One school's year of mentoring, played through the pages by the people whose work it is.

Term start: a round is proposed, edited and confirmed. Each family is told, all agree, mentor and student meet. Contacts
are logged, two absences in a row are seen at once, one student is handed over, one says stop. The year ends, and the
next one tells what can be said of the effect.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select, update

from ews.effect import Registration, in_words, study
from ews.effect.page import as_json
from ews.errors import NotEnoughData
from ews.home import to_json, write_atomically
from ews.policy import Policy
from ews.slots import Mentor
from ews.store.mentors import import_mentors
from ews.store.round_log import mentoring_table, round_log
from ews.store.rounds import rounds_in
from ews.store.schema import HISTORIES, STUDENTS
from tests.cast import CORA, NOON, ORCHARD, RUBY, SOL, TODAY, CastStaff
from tests.functional.browser.conftest import LAPTOP, PHONE, Site, listening, set_up
from tests.functional.browser.test_every_page import STANDARD, Watched
from tests.services import run_service

SOL_MENTORS = Mentor("M1", SOL.name, "staff", 4, (ORCHARD.school_id,), dt.date(2026, 8, 24), login=SOL.login,
                     languages=("en",), screened_on=dt.date(2026, 6, 1))  # fmt: skip
INA = replace(SOL_MENTORS, mentor_id="M2", name="Ina Bloch", cap=2, login="")
OLA = replace(INA, mentor_id="M3", name="Ola Berg")
"""Comes later in the year."""


@dataclass
class Clock:
    """The service's clock, which the test moves."""

    at: dt.datetime = field(default=NOON)

    def __call__(self) -> dt.datetime:
        return self.at

    def go_on(self, days: int) -> dt.date:
        """So many days later."""
        self.at += dt.timedelta(days=days)
        return self.at.date()


@pytest.fixture
def school(tmp_path: Path) -> Iterator[tuple[Site, Clock]]:
    """Orchard Lane with its list, two mentors, and a clock that can go on."""
    clock = Clock()
    running = run_service(tmp_path, now=clock)
    with running.service.store.writing() as connection:
        import_mentors(connection, [SOL_MENTORS, INA], TODAY)
    with listening(running) as url:
        yield Site(url, running), clock


@pytest.fixture
def enter(school: tuple[Site, Clock], browser: Browser) -> Iterator[Callable[[CastStaff], Page]]:
    """A page of somebody who signed in; each day anew, since sessions end."""
    opened = []

    def sign_in(who: CastStaff) -> Page:
        site, clock = school
        context = browser.new_context(
            viewport=LAPTOP, base_url=site.url, reduced_motion="reduce", java_script_enabled=False
        )
        context.set_default_timeout(8_000)
        opened.append(context)
        page = context.new_page()
        set_up(site, page, who, clock.at)
        return page

    yield sign_in
    for context in opened:
        context.close()


def test_a_year_of_one_school_from_the_term_start_list_to_the_effect_report_MEN_3_MEN_9(school, enter):
    site, clock = school
    cora = enter(CORA)
    names = _round(cora)
    first, second, *_ = names
    clock.go_on(1)
    cora = enter(CORA)
    _agree(cora, first)
    _agree(cora, second)

    clock.go_on(2)
    sol = enter(SOL)
    expect(sol.get_by_role("link", name=first)).to_be_visible()
    _log_contact(sol, first)

    _absent(site, first, clock.go_on(5))
    cora = enter(CORA)
    cora.goto("/team")
    card = cora.get_by_role("listitem").filter(has_text=first)
    expect(card).to_contain_text("Absent 2 school days in a row")
    expect(card).to_contain_text("1 contact in seven days")
    expect(card).to_contain_text("Goal: Walk to school with Sol")

    with site.running.service.store.writing() as connection:
        import_mentors(connection, [SOL_MENTORS, INA, OLA], clock.at.date())
    _hand_over(cora, first)
    _stop(cora, second)
    later = enter(SOL)
    expect(later.get_by_role("link", name=first)).to_have_count(0)

    clock.go_on(200)
    cora = enter(CORA)
    _close(cora, first)
    _effect_is_told(site, cora)


def _round(cora: Page) -> list[str]:
    """Propose, look, decide otherwise on one, confirm; the names of who is offered a mentor."""
    cora.get_by_role("link", name="Mentor slots").click()
    expect(cora.get_by_role("heading", name="What would one more mentor bring?")).to_be_visible()
    expect(cora.get_by_text("going by the highest estimate")).to_be_visible()
    cora.get_by_role("button", name="Propose a round").click()
    expect(cora.get_by_role("heading", name=re.compile("To be offered a mentor"))).to_be_visible()
    expect(cora.get_by_text("Not in the pool: said no to mentoring.")).to_be_visible()
    out = _offered(cora)[-1]
    card = cora.get_by_role("listitem").filter(has=cora.get_by_role("heading", name=out, exact=True))
    card.get_by_text("Decide otherwise").click()
    card.get_by_label("Decision").select_option("reserve")
    card.get_by_label("Reason, which is kept").fill("Walks with an aunt who works here")
    card.get_by_role("button", name="Keep the decision").click()
    expect(cora.get_by_text("cora.bloom: Walks with an aunt who works here")).to_be_visible()
    assert out not in _offered(cora)
    names = _offered(cora)
    cora.get_by_role("button", name="Confirm the round").click()
    expect(cora.get_by_text("The round is confirmed.")).to_be_visible()
    return names


def _offered(page: Page) -> list[str]:
    part = page.locator("section").filter(has=page.get_by_role("heading", name=re.compile("To be offered a mentor")))
    return part.get_by_role("heading", level=3).all_inner_texts()


def _steps_of(cora: Page, name: str) -> None:
    """Go to a student's steps from the team's list."""
    cora.goto("/team")
    row = cora.get_by_role("listitem").filter(has=cora.get_by_role("heading", name=name, exact=True))
    row.get_by_role("link", name=re.compile("Steps")).click()


def _agree(cora: Page, name: str) -> None:
    """The family is told, family and student say yes, and the first meeting is today."""
    _steps_of(cora, name)
    for step in ("told", "consented", "assented", "started"):
        cora.get_by_label("What happened").select_option(step)
        if step == "started":
            cora.get_by_label("A small goal").fill("Walk to school with Sol")
        cora.get_by_role("button", name="Keep the step").click()
        expect(cora.get_by_text("The step is kept.")).to_be_visible()
    expect(cora.get_by_text("meets the mentor")).to_be_visible()


def _log_contact(sol: Page, name: str) -> None:
    sol.get_by_role("link", name=name).first.click()
    sol.get_by_label("How").select_option("talk")
    sol.get_by_role("button", name="Keep this contact").click()
    expect(sol.get_by_text("The contact is in the log.")).to_be_visible()


def _absent(site: Site, name: str, on: dt.date) -> None:
    """The records of a week later: absent yesterday and the day before."""
    days = [[(on - dt.timedelta(days=back)).isoformat(), "unexcused"] for back in (2, 1)]
    with site.running.service.store.writing() as connection:
        key = _key(connection, name)
        text = connection.scalar(select(HISTORIES.c.attendance).where(HISTORIES.c.student_key == key))
        known = json.loads(text)
        told = {**known, "days": [*known["days"], *days], "data_through": on.isoformat()}
        mine = update(HISTORIES).where(HISTORIES.c.student_key == key)
        connection.execute(mine.values(attendance=json.dumps(told), fingerprint="1" * 32))


def _key(connection, name: str) -> str:
    return str(connection.scalar(select(STUDENTS.c.student_key).where(STUDENTS.c.name == name)))


def _hand_over(cora: Page, name: str) -> None:
    _steps_of(cora, name)
    cora.get_by_label("The other mentor").select_option(OLA.name)
    cora.get_by_label("What has helped, what was agreed").fill("Likes to be met at the gate")
    cora.get_by_role("button", name="Hand over").click()
    expect(cora.get_by_text("The other mentor goes on.")).to_be_visible()
    expect(cora.get_by_text("For whoever goes on: Likes to be met at the gate")).to_be_visible()
    expect(cora.locator(".lead").first).to_contain_text(f"{OLA.name}: meets the mentor")


def _stop(cora: Page, name: str) -> None:
    _steps_of(cora, name)
    cora.get_by_label("Why it ends").select_option("opted_out")
    cora.get_by_role("button", name="End it today").click()
    expect(cora.get_by_text("It is ended. The slot is free.")).to_be_visible()


def _close(cora: Page, name: str) -> None:
    _steps_of(cora, name)
    cora.get_by_label("Why it ends").select_option("year_end")
    cora.get_by_role("button", name="End it today").click()
    expect(cora.get_by_text("The school year ends")).to_be_visible()


def _effect_is_told(site: Site, cora: Page) -> None:
    """Next year: the log of the round goes into the records and into the measurement, which says what it cannot say."""
    with site.running.service.store.reading() as connection:
        (one,) = rounds_in(connection)
        rows = round_log(connection, one.round_key)
        mentored = mentoring_table(connection, dt.date(2027, 7, 1))
    assert set(mentored["student_id"]) == {*rows.loc[rows["accepted"], "student_id"], RUBY.student_id}
    assert rows["accepted"].sum() == 2
    assert rows["opted_out"].sum() == 1
    assert rows["in_band"].sum() >= 2
    registered = Registration.from_json(str(one.registration))
    assert (registered.starts, registered.made_by) == ("2026-10-06", CORA.login)
    with pytest.raises(NotEnoughData, match="nothing is told of so few"):
        study(with_days(rows), registered, Policy())
    district = pd.concat([like_it(rows, number) for number in range(60)], ignore_index=True)
    found = study(with_days(district), registered, Policy())
    assert found.answer.design == "lottery"
    cora.goto(f"/slots/{one.round_key}/effect")
    expect(cora.get_by_text("Nothing is told yet.")).to_be_visible()
    expect(cora.get_by_text(f"Registered on 2026-10-05 by {CORA.login}")).to_be_visible()
    numbers = site.running.service.settings.home / "effect" / one.round_key / "effect.json"
    write_atomically(numbers, to_json(as_json(found)))
    cora.reload()
    expect(cora.get_by_text(in_words(found.answer)).first).to_be_visible()
    expect(cora.get_by_text("The first number is no effect of mentoring")).to_be_visible()


def like_it(rows: pd.DataFrame, number: int) -> pd.DataFrame:
    """The same round at another school of a district."""
    ids = {name: rows[name].astype(str) + f"-{number}" for name in ("student_id", "school_id")}
    drawn = rows["drawn"].astype("boolean").fillna(False).astype(bool)
    return rows.assign(**ids, accepted=rows["accepted"] | drawn, household_id=None)


def with_days(rows: pd.DataFrame) -> pd.DataFrame:
    """The round with days of a year that is over."""
    random = np.random.default_rng(8)
    before, after = random.integers(5, 20, len(rows)), random.integers(4, 25, len(rows))
    return rows.assign(days_absent=after, days_enrolled=180, days_absent_before=before, days_enrolled_before=178)


def test_the_pages_of_a_round_are_for_everybody_on_laptop_and_phone_UX_10(school, browser):
    site, _ = school
    context = browser.new_context(viewport=LAPTOP, base_url=site.url, reduced_motion="reduce")
    page = context.new_page()
    set_up(site, page, CORA)
    watched = Watched(page, site)
    page.goto("/slots")
    page.get_by_role("button", name="Propose a round").click()
    proposed = page.url.removeprefix(site.url)
    addresses = [f"/slots/schools/{ORCHARD.school_id}", proposed, f"{proposed}/print", f"{proposed}/effect", "/team"]
    for address in addresses:
        _look_at(watched, address)
    page.goto(proposed)
    page.get_by_role("button", name="Confirm the round").click()
    page.goto("/team")
    steps = page.get_by_role("link", name=re.compile("Steps")).last.get_attribute("href")
    for address in (proposed, "/team", str(steps)):
        _look_at(watched, address)
    context.close()
    assert not watched.wrong, "\n".join(watched.wrong)


def _look_at(watched: Watched, address: str) -> None:
    watched.page.set_viewport_size(LAPTOP)
    assert watched.open(address) == 200
    watched.look(STANDARD, address)
    watched.fits(PHONE, address)
