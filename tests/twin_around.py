"""The slow, obvious twin of features about those around a student: the district's year, the school, the household."""

from fractions import Fraction

from tests.twin_known import Known, NotKnown, Row, World, is_chronic, rate, share

MONTHS = [f"{month:02d}" for month in range(1, 13)]
ENOUGH_OTHERS = 10
MOST_OF_A_HOUSEHOLD = 12


def expected_days_absent(row: Row, world: World) -> Fraction:
    """Days this student would have missed at the district's rate of that year, to a ten-thousandth of a day."""
    of_year = world.past[row["school_year"]].values()
    absent, enrolled = sum(r["days_absent"] for r in of_year), sum(r["days_enrolled"] for r in of_year)
    return rounded(row["days_enrolled"] * Fraction(absent, enrolled))


def expected_spells(row: Row, world: World) -> Fraction:
    """Spells this student would have had at the district's rate of that year, among those with daily records."""
    of_year = [r for r in world.past[row["school_year"]].values() if r.is_daily]
    spells, enrolled = sum(r["spells"] for r in of_year), sum(r["days_enrolled"] for r in of_year)
    return rounded(row["days_enrolled"] * Fraction(spells, enrolled))


def rounded(value: Fraction) -> Fraction:
    """To the nearest ten-thousandth."""
    return Fraction(round(value * 10_000), 10_000)


def is_between(value: Fraction) -> bool:
    """Whether a value lies exactly in the middle of two ten-thousandths, where to round is a matter of taste."""
    return (value * 20_000).denominator == 1 and (value * 20_000).numerator % 2 == 1


def in_latest_year(one: Known, school_id: str) -> list[tuple[str, Row]]:
    """The students of a school in its last known year, the student left out."""
    rows = [row for row in one.world.rows() if row["school_id"] == school_id]
    latest = max((row["school_year"] for row in rows), default=None)
    of_year = one.world.past.get(latest, {}) if latest is not None else {}
    return [
        (student, row)
        for student, row in of_year.items()
        if row["school_id"] == school_id and student != one.member.student_id
    ]


def rate_of(others: list[Row]) -> Fraction:
    """Share of their enrolled days that the others missed; fewer than ten tell too little."""
    if len(others) < ENOUGH_OTHERS:
        raise NotKnown("too few others")
    return share(sum(row["days_absent"] for row in others), sum(row["days_enrolled"] for row in others))


def others_in_new_grade(one: Known) -> list[Row]:
    rows = in_latest_year(one, one.member.school_id)
    return [row for _, row in rows if row["grade_level"] == one.member.grade_level]


def school_grade_rate(one: Known) -> Fraction:
    return rate_of(others_in_new_grade(one))


def school_grade_chronic_share(one: Known) -> Fraction:
    statuses = [is_chronic(row, one.world.policy) for row in others_in_new_grade(one)]
    known = [status for status in statuses if status is not None]
    if len(known) < ENOUGH_OTHERS:
        raise NotKnown("too few others")
    return share(sum(known), len(known))


def school_rate(one: Known) -> Fraction:
    return rate_of([row for _, row in in_latest_year(one, one.member.school_id)])


def classmates_rate(one: Known) -> Fraction:
    def place(row: Row) -> tuple[object, ...]:
        return row["school_id"], row["grade_level"]

    last = one.last
    of_year = one.world.past[last["school_year"]]
    return rate_of(
        [row for student, row in of_year.items() if place(row) == place(last) and student != one.member.student_id]
    )


def shrunk_rate_last_year(one: Known) -> Fraction:
    """As if 25 more days had been enrolled, missed like the classmates', else the school's, else the own days."""
    last = one.last
    for prior in (classmates_rate, school_rate, lambda known: rate(known.last)):
        try:
            return (last["days_absent"] + 25 * prior(one)) / (last["days_enrolled"] + 25)
        except NotKnown:
            continue
    raise NotKnown("no rate")


def siblings(one: Known) -> list[list[Row]]:
    """The known years of each other student of the household; too many are no household."""
    home = one.world.households.get(one.member.student_id)
    members = {student for student, of in one.world.households.items() if of == home}
    known = {student: one.world.years_of(student) for student in members if one.world.years_of(student)}
    if home is None or not known:
        raise NotKnown("no household")
    others = [years for student, years in known.items() if student != one.member.student_id]
    if len(others) > MOST_OF_A_HOUSEHOLD:
        raise NotKnown("not a household")
    return others


def sibling_years(one: Known) -> list[Row]:
    return [row for years in siblings(one) for row in years]


def household_students(one: Known) -> int:
    return len(siblings(one))


def household_rate(one: Known) -> Fraction:
    weighted = [(weight_of(row, one.world), row) for row in sibling_years(one)]
    absent = sum(weight * row["days_absent"] for weight, row in weighted)
    return share(absent, sum(weight * row["days_enrolled"] for weight, row in weighted))


def weight_of(row: Row, world: World) -> Fraction:
    """The year before the target year counts whole, each earlier one half of the one after it."""
    return Fraction(1, 2 ** (world.target_year - 1 - row["school_year"]))


def household_ratio(one: Known) -> Fraction:
    rows = sibling_years(one)
    return share(sum(row["days_absent"] for row in rows), sum(expected_days_absent(row, one.world) for row in rows))


def household_spell_ratio(one: Known) -> Fraction:
    rows = [row for row in sibling_years(one) if row.is_daily]
    return share(sum(row["spells"] for row in rows), sum(expected_spells(row, one.world) for row in rows))


def month_distance_last_year(one: Known) -> Fraction:
    """How much of the own absences lies elsewhere than the school's months would put them; of 5 more, none does."""
    last, others = one.last, schoolmates(one)
    absent = last["days_absent"]
    if absent == 0 or len(others) < ENOUGH_OTHERS:
        raise NotKnown("nothing to compare")
    as_at_school = {month: rate_in_month(others, month) * last[f"days_enrolled_month_{month}"] for month in MONTHS}
    total = sum(as_at_school.values())
    elsewhere = [
        abs(share(last[f"days_absent_month_{month}"], absent) - share(as_at_school[month], total)) for month in MONTHS
    ]
    return sum(elsewhere, Fraction(0)) / 2 * Fraction(absent, absent + 5)


def schoolmates(one: Known) -> list[Row]:
    """The others whose last stay was at the same school, in the student's last known year."""
    of_year = one.world.past[one.last["school_year"]]
    return [
        row
        for student, row in of_year.items()
        if row["school_id"] == one.last["school_id"] and student != one.member.student_id
    ]


def rate_in_month(others: list[Row], month: str) -> Fraction:
    daily = [row for row in others if row.is_daily]
    enrolled = sum(row[f"days_enrolled_month_{month}"] for row in daily)
    return Fraction(sum(row[f"days_absent_month_{month}"] for row in daily), enrolled) if enrolled else Fraction(0)


AROUND = {
    function.__name__: function
    for function in (
        shrunk_rate_last_year, month_distance_last_year,
        school_grade_rate, school_grade_chronic_share, school_rate, classmates_rate,
        household_students, household_rate, household_ratio, household_spell_ratio,
    )
}  # fmt: skip
