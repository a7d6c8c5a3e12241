"""The twin of how stays are shared out: every date of a student looked at, one by one."""

import datetime as dt

from tests.districts import Stay

OPEN = dt.date(2100, 1, 1)
"""After every date of a test."""


def without_overlaps(stays: list[Stay]) -> list[Stay]:
    """Each date given to the stay that begins last of those that cover it, and dates in a row to one stay again."""
    return [piece for student in sorted({s.student_id for s in stays}) for piece in _of_student(student, stays)]


def _of_student(student: str, stays: list[Stay]) -> list[Stay]:
    later_and_later = sorted(
        (stay for stay in stays if stay.student_id == student),
        key=lambda stay: (stay.entry_date, stay.exit_date or OPEN, stay.school_id),
    )
    bounded = [
        (stay, stay.exit_date or _day_before(following))
        for stay, following in zip(later_and_later, [*later_and_later[1:], None], strict=True)
    ]
    return _pieces(bounded)


def _pieces(bounded: list[tuple[Stay, dt.date]]) -> list[Stay]:
    """Walk from the first entry past the last date of any stay that ends; what is open then stays open."""
    pieces: list[Stay] = []
    owner_before = None
    date = bounded[0][0].entry_date
    last = max([until for _, until in bounded if until < OPEN] + [stay.entry_date for stay, _ in bounded])
    while date <= last:
        owner = next((stay for stay, until in reversed(bounded) if stay.entry_date <= date <= until), None)
        if owner is not None and owner is owner_before:
            pieces[-1] = pieces[-1]._replace(exit_date=date)
        elif owner is not None:
            pieces.append(owner._replace(entry_date=date, exit_date=date))
        owner_before, date = owner, date + dt.timedelta(days=1)
    if owner_before is not None and owner_before.exit_date is None:
        pieces[-1] = pieces[-1]._replace(exit_date=None)
    return pieces


def _day_before(following: Stay | None) -> dt.date:
    return OPEN if following is None else following.entry_date - dt.timedelta(days=1)
