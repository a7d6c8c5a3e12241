"""Household: the other students of the same household, over all years known of them.

For a student without history, as in kindergarten, the record of an older sister or brother tells most.
"""

import narwhals as nw

from ews.features.catalogue import ALL_YEARS, feature
from ews.features.columns import others, ratio, share

GROUP = "school and grade"

UNTOLD = "On one student's page it would tell of another student's record."

MOST_OTHERS = 12
"""Others above which a household id is a shelter's or a placeholder, and tells nothing of siblings."""


def of_siblings(value: nw.Expr) -> nw.Expr:
    """A value, null where the others are too many to be a household."""
    return nw.when(others("household", "students") <= MOST_OTHERS).then(value)


@feature(unit="count", window=ALL_YEARS, group=GROUP, learned=False, looks_at_list=True, untold=UNTOLD)
def household_students() -> nw.Expr:
    """Other students of the household of whom any year is known; null where no year of anyone in it is.

    It grows with the years on file, and so tells the year: it is never learned.
    """
    return of_siblings(others("household", "students"))


@feature(unit="share", window=ALL_YEARS, group=GROUP, direction=1, looks_at_list=True, untold=UNTOLD)
def household_rate() -> nw.Expr:
    """Share of days missed by the other students of the household, each year counting half of the one after it."""
    return of_siblings(
        share(others("household", "weighted_days_absent"), others("household", "weighted_days_enrolled"))
    )


@feature(unit="number", window=ALL_YEARS, group=GROUP, direction=1, looks_at_list=True, untold=UNTOLD)
def household_ratio() -> nw.Expr:
    """Days missed by the other students of the household, over those expected at the district's rate of each year."""
    return of_siblings(ratio(others("household", "days_absent"), others("household", "expected_days_absent")))


@feature(unit="number", window=ALL_YEARS, group=GROUP, direction=1, looks_at_list=True, untold=UNTOLD)
def household_spell_ratio() -> nw.Expr:
    """Spells of the other students of the household, over those expected at the district's rate of each year."""
    return of_siblings(ratio(others("household", "spells"), others("household", "expected_spells")))
