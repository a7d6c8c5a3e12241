"""From rows of presence and absence to marks: one row a student's day and kind, with the exact share of it missed."""

import duckdb

from ews.absence import ABSENCE_CATEGORIES, PRESENT_CATEGORIES, TEN_THOUSANDTHS
from ews.sis.staging import quoted
from ews.tables import ATTENDANCE, Column, Table

ATTENDED = "attended"
"""What a row says of a student who was there."""

ATTENDANCE_ROWS = Table(
    "attendance_rows", "a row of a positive feed: a student's day or period", ("student_id", "school_id", "date"),
    (
        *(column for column in ATTENDANCE.columns if column.name != "absent_share"),
        Column("period", "text", "The period of the day.", null="the row is a whole day"),
    ),
)  # fmt: skip
"""What is judged before it is reduced; nothing of it is kept."""

_ABSENT = ", ".join(map(quoted, ABSENCE_CATEGORIES))
_KNOWN = ", ".join(map(quoted, (*ABSENCE_CATEGORIES, *PRESENT_CATEGORIES, ATTENDED)))
_IS_NO_DATE = "length(date) <> 10 or try_cast(date as date)::varchar is distinct from date"
_FINDINGS = (
    ("empty_cell", "student_id", "student_id is null"),
    ("empty_cell", "school_id", "school_id is null"),
    ("empty_cell", "date", "date is null"),
    ("empty_cell", "period", "{by_period} and period is null"),
    ("malformed_date", "date", _IS_NO_DATE),
    ("unknown_value", "category", f"category is null or category not in ({_KNOWN})"),
)
_DUPLICATE, _CONFLICT = len(_FINDINGS), len(_FINDINGS) + 1


def make_marks(connection: duckdb.DuckDBPyConnection, *, by_period: bool, periods_a_day: int | None) -> None:
    """Make `source_attendance` of `source_attendance_rows`, and judge the rows.

    A period that one row calls absent and another attended is believed in neither way. Of what is left, a day's share
    missed is periods absent over periods known, in whole ten-thousandths rounded down once for the day, so that half
    of the periods is half a day and anything less is less.

    Makes `judged_attendance_rows` and `findings_attendance_rows`, as the validator does of a table, and
    `attendance_periods`, one row a student's period and kind.

    Args:
        connection: the working database.
        by_period: whether a row is a period; else it is a day, and its own share counts.
        periods_a_day: periods every day has at least; None where those that came are all.
    """
    _judge_cells(connection, by_period=by_period)
    _make_periods(connection, by_period=by_period)
    _judge_repeats(connection)
    marks = _marks_of_periods(periods_a_day or 0) if by_period else _MARKS_OF_DAYS
    connection.execute(
        f"""
        create table told_attendance as
        select record, student_id, school_id, date, category, absent_share from ({marks}) order by record, category;
        create view source_attendance as select rowid as row, * from told_attendance;
        """
    )


def _judge_cells(connection: duckdb.DuckDBPyConnection, *, by_period: bool) -> None:
    cases = " ".join(
        f"when {condition.format(by_period=str(by_period).lower())} then {code}"
        for code, (_, _, condition) in enumerate(_FINDINGS)
    )
    connection.execute(
        "create view attendance_rows_by_cells as "
        f"select *, (case {cases} end)::smallint as broken from source_attendance_rows"
    )


def _make_periods(connection: duckdb.DuckDBPyConnection, *, by_period: bool) -> None:
    shares = "1" if by_period else "count(distinct coalesce(absent_share, ''))"
    connection.execute(
        f"""
        create table attendance_periods as
        select *,
            count(*) filter (is_absent) over same > 1 or bool_or(shares > 1) over same
                or (bool_or(is_absent) over same and bool_or(category = {quoted(ATTENDED)}) over same) as is_conflict
        from (
            select student_id, school_id, date, coalesce(period, '') as period, category,
                category in ({_ABSENT}) as is_absent, min(record) as record, count(*) as times, {shares} as shares,
                min(absent_share) as absent_share
            from attendance_rows_by_cells where broken is null group by all
        )
        window same as (partition by student_id, school_id, date, period)
        """
    )


def _judge_repeats(connection: duckdb.DuckDBPyConnection) -> None:
    told = [(rule, column) for rule, column, _ in _FINDINGS] + [("duplicate_row", None), ("conflicting_rows", None)]
    rows = ", ".join(
        f"({code}, {quoted(rule)}, {'null' if column is None else quoted(column)})"
        for code, (rule, column) in enumerate(told)
    )
    connection.execute(
        f"""
        create table findings_attendance_rows as from (values {rows}) as told(code, rule, "column");
        create table judged_attendance_rows as
        select given.row, given.record, coalesce(given.broken, case
            when same.is_conflict then {_CONFLICT} when same.record < given.record then {_DUPLICATE} end) as broken
        from attendance_rows_by_cells given
        left join (from attendance_periods where is_conflict or times > 1) same
            on given.broken is null and given.student_id = same.student_id and given.school_id = same.school_id
            and given.date = same.date and coalesce(given.period, '') = same.period and given.category = same.category
        """
    )


_MARKS_OF_DAYS = f"from attendance_periods where not is_conflict and category <> {quoted(ATTENDED)}"


def _marks_of_periods(periods_a_day: int) -> str:
    counts = ", ".join(
        f"{told} filter (category = {quoted(kind)}) as {letter}_{kind}"
        for letter, told in (("n", "count(*)"), ("r", "min(record)"))
        for kind in (*ABSENCE_CATEGORIES, *PRESENT_CATEGORIES)
    )
    sums = [" + ".join(f"n_{kind}" for kind in ABSENCE_CATEGORIES[:place]) or "0" for place in range(4)]
    upto = [f"(({periods}) * {TEN_THOUSANDTHS} // known)" for periods in sums]
    absences = ", ".join(
        f"{{'record': r_{kind}, 'category': {quoted(kind)}, 'share': {upto[place + 1]} - {upto[place]}}}"
        for place, kind in enumerate(ABSENCE_CATEGORIES)
    )
    others = ", ".join(
        f"{{'record': r_{kind}, 'category': {quoted(kind)}, 'share': null::bigint}}" for kind in PRESENT_CATEGORIES
    )
    return f"""
        select mark.record, student_id, school_id, date, mark.category,
            printf('%.4f', mark.share / {TEN_THOUSANDTHS}) as absent_share
        from (
            select student_id, school_id, date, unnest([{absences}, {others}]) as mark
            from (
                select student_id, school_id, date, greatest(count(distinct period), {periods_a_day}) as known, {counts}
                from attendance_periods where not is_conflict group by all
            )
        ) where mark.record is not null
    """
