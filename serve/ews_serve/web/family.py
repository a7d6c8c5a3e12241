"""A page for one student's family, in their language: school days, what is offered, what they can ask (UX-9, FAIR-10).

It holds attendance and no estimate. Every sentence goes through the message catalogue (`ews_serve.languages`).
"""

import gettext
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from babel.dates import format_date, get_month_names
from fastapi import APIRouter, Query, Request, Response

from ews.access import View
from ews.document import Table
from ews.store.reading import History, history
from ews_serve.languages import LANGUAGES, words_in
from ews_serve.routes.students import StudentKey
from ews_serve.web.frame import Link, PageAsking, page
from ews_serve.web.years import Year, attendance_in

router = APIRouter(include_in_schema=False)

CARD_FILE = "card.toml"
"""Where a home says whom families write to; the model card's fields."""

FEWEST_IN_A_MONTH = 3
"""Days missed in a month from which the month is named."""

Language = Annotated[Literal["en", "es"], Query(description="Of the page.")]
_: Callable[[str], str] = str
"""Marks text for the catalogue; it is translated where it is put in."""

WHY = (
    _(
        "Most students miss a day now and then. But 2 days missed each month add up to about 18 in a year. "
        "Then it gets hard to keep up."
    ),
)
OFFER = (
    _(
        "A mentor: a friendly adult at school who checks in with your child each week. It costs nothing. "
        "You and your child may say yes or no. A no changes nothing else."
    ),
    _("Tell us what would make it easier to get to school. We may be able to help."),
)
CHOSEN = (
    _(
        "A computer looks at days missed, late days, grade and moves between schools. It does not use race, gender, "
        "home language, disability, income or housing."
    ),
    _("It can be wrong. So a person who knows the students decides whom to ask."),
)
CAN_ASK = (
    _("To see what was used for your child."),
    _("To have a record put right."),
    _("To leave your child out. You need not say why, and nothing else changes."),
    _("To have a mentor, on a list or not."),
)


@dataclass(frozen=True)
class Part:
    """A heading with paragraphs and points."""

    heading: str
    texts: tuple[str, ...]
    points: tuple[str, ...] = ()


@dataclass(frozen=True)
class FamilyPage:
    """The page in one language.

    Attributes:
        language: its code.
        languages: the page in each language, with its own name.
        title: its heading.
        lead: what stands first.
        record_heading: of what is on record.
        record: sentences about school days.
        years: school days of each year; None: none are known.
        parts: what follows.
        contact_label: before the line to write a contact on.
        through: until when records tell; may be empty.
    """

    language: str
    languages: tuple[tuple[str, Link], ...]
    title: str
    lead: str
    record_heading: str
    record: tuple[str, ...]
    years: Table | None
    parts: tuple[Part, ...]
    contact_label: str
    through: str


@router.get("/students/{student_key}/family")
async def family(request: Request, asked: PageAsking, student_key: StudentKey, language: Language = "en") -> Response:
    """The family's page of one student."""
    seen = await asked.student(student_key, View.ATTENDANCE, history)
    it = family_page(seen.found, language, families_write_to(asked.service.settings.home), request.url.path)
    await asked.shown(View.ATTENDANCE, seen, "", fields="family page")
    return page(request, "family.html", it, crumbs=(Link("Student", f"/students/{student_key}"),))


def families_write_to(home: Path) -> str:
    """Whom a family asks, as the home's `card.toml` says; empty where it does not."""
    path = home / CARD_FILE
    told = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return str(told.get("families_write_to") or told.get("contact") or "").strip()


def family_page(student: History, language: str, write_to: str, path: str) -> FamilyPage:
    """What stands on the page.

    Args:
        student: name and attendance.
        language: of the page.
        write_to: whom a family asks; empty: the school office.
        path: of the page, for the other languages.
    """
    words = words_in(language)
    told = attendance_in(student.attendance)
    name = student.name or words.gettext("your child")
    years = [year for year in told.years if year.days_enrolled]
    return FamilyPage(
        language=language,
        languages=_languages(path, language),
        title=words.gettext("School days of {name}").format(name=name),
        lead=words.gettext(
            "Good attendance can be built, and you know your child best. Here is what our records say. "
            "Tell us if something is not right."
        ),
        record_heading=words.gettext("What we have on record"),
        record=_record(words, name, years, language),
        years=_years(words, years) if years else None,
        parts=_parts(words, write_to),
        contact_label=words.gettext("Your contact at school"),
        through=_through(words, told.data_through, language),
    )


def _languages(path: str, shown: str) -> tuple[tuple[str, Link], ...]:
    return tuple((code, Link(name, f"{path}?language={code}", code == shown)) for code, name in LANGUAGES.items())


def _through(words: gettext.NullTranslations, day: date | None, language: str) -> str:
    if day is None:
        return ""
    return words.gettext("Records through {date}.").format(date=format_date(day, "long", locale=language))


def _record(words: gettext.NullTranslations, name: str, years: Sequence[Year], language: str) -> tuple[str, ...]:
    known = [year for year in years if year.days_absent is not None]
    if not known:
        nothing = words.gettext(
            "We have no school days on record for {name} yet. That is common for a student who is new here."
        )
        return (nothing.format(name=name),)
    last = known[-1]
    missed, enrolled = last.days_absent or 0, last.days_enrolled or 0
    was_there = words.gettext("{name} was at school on {present} of {enrolled} school days in {year}.").format(
        name=name, present=enrolled - missed, enrolled=enrolled, year=last.year.label
    )
    return (was_there, *_missed(words, missed), *_month(words, last, language))


def _missed(words: gettext.NullTranslations, missed: int) -> tuple[str, ...]:
    if not missed:
        return (words.gettext("No day was missed. Thank you for your part in this."),)
    return (words.ngettext("{count} day was missed.", "{count} days were missed.", missed).format(count=missed),)


def _month(words: gettext.NullTranslations, year: Year, language: str) -> tuple[str, ...]:
    most = max(year.months, key=lambda month: year.months[month][0], default="")
    if not most or year.months[most][0] < FEWEST_IN_A_MONTH:
        return ()
    name = get_month_names("wide", "stand-alone", locale=language)[int(most)]
    return (words.gettext("The month with the most days missed was {month}.").format(month=name),)


def _years(words: gettext.NullTranslations, years: Sequence[Year]) -> Table:
    rows = (_row(year, words.gettext("not known")) for year in reversed(years))
    heads = (words.gettext("School year"), words.gettext("Days at school"), words.gettext("Days missed"))
    return Table(words.gettext("School days in each year we know of"), heads, tuple(rows))


def _row(year: Year, unknown: str) -> tuple[str, str, str]:
    if year.days_absent is None or year.days_enrolled is None:
        return year.year.label, unknown, unknown
    return year.year.label, str(year.days_enrolled - year.days_absent), str(year.days_absent)


def _parts(words: gettext.NullTranslations, write_to: str) -> tuple[Part, ...]:
    def told(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(words.gettext(text) for text in texts)

    office = words.gettext("Where to ask: the school office.")
    where = words.gettext("Where to ask: {contact}.").format(contact=write_to.rstrip(".")) if write_to else office
    return (
        Part(words.gettext("Why we write"), told(WHY)),
        Part(words.gettext("What we can offer"), told(OFFER)),
        Part(words.gettext("How students are chosen"), told(CHOSEN)),
        Part(words.gettext("What you can ask for"), (where,), told(CAN_ASK)),
    )
