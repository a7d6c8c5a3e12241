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

_IS_ABSENT = f"category in ({', '.join(map(quoted, ABSENCE_CATEGORIES))})"
_SHARE = f"case when {_IS_ABSENT} then coalesce(absent_share, '') end"
_KNOWN = ", ".join(map(quoted, (*ABSENCE_CATEGORIES, *PRESENT_CATEGORIES, ATTENDED)))
_IS_NO_DATE = "length(date) <> 10 or try_cast(date as date)::varchar is distinct from date"
_TOLD = (("min(record)", "r"), ("min(absent_share)", "share"))
"""Of each kind the first row that says it, and the share it says."""

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
    `attendance_days`: one row a student's day of which something is known.

    Args:
        connection: the working database.
        by_period: whether a row is a period; else it is a day, and its own share counts.
        periods_a_day: periods every day has at least; None where those that came are all.
    """
    _judge_cells(connection, by_period=by_period)
    _make_periods(connection, by_period=by_period)
    _judge_repeats(connection)
    _make_days(connection, by_period=by_period, periods_a_day=periods_a_day or 0)
    connection.execute(
        f"""
        create table told_attendance as
        select mark.record, student_id, school_id, date, mark.category, mark.share as absent_share
        from (select *, unnest([{_kinds()}]) as mark from attendance_days) where mark.record is not null
        order by mark.record, mark.category;
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
    """Make `attendance_periods`: one row a student's period, with the kind of absence and where each kind is told."""
    shares_differ = "false" if by_period else f"min({_SHARE}) is distinct from max({_SHARE})"
    connection.execute(
        f"""
        create table attendance_periods as
        select student_id, school_id, date, coalesce(period, '') as period, min(record) as record,
            count(*) as times,
            min(category) filter ({_IS_ABSENT}) as absence, min(record) filter ({_IS_ABSENT}) as r_absence,
            {
            ", ".join(
                f"{told} filter (category = {quoted(kind)}) as {name}_{kind}"
                for told, name in _TOLD
                for kind in PRESENT_CATEGORIES
            )
        },
            min(absent_share) filter ({_IS_ABSENT}) as absent_share,
            min(category) filter ({_IS_ABSENT}) <> max(category) filter ({_IS_ABSENT})
                or (bool_or({_IS_ABSENT}) and bool_or(category = {quoted(ATTENDED)})) or {shares_differ} as is_conflict
        from attendance_rows_by_cells where broken is null group by all
        """
    )


def _judge_repeats(connection: duckdb.DuckDBPyConnection) -> None:
    told = [(rule, column) for rule, column, _ in _FINDINGS] + [("duplicate_row", None), ("conflicting_rows", None)]
    rows = ", ".join(
        f"({code}, {quoted(rule)}, {'null' if column is None else quoted(column)})"
        for code, (rule, column) in enumerate(told)
    )
    # Only periods with several rows are looked at again, and they are few.
    connection.execute(
        f"""
        create table findings_attendance_rows as from (values {rows}) as told(code, rule, "column");
        create table repeated_rows as
        select given.row, case when is_conflict then {_CONFLICT} when row_number() over (
                partition by given.student_id, given.school_id, given.date, same.period, category order by given.record
            ) > 1 then {_DUPLICATE} end as repeated
        from attendance_rows_by_cells given join (from attendance_periods where times > 1) same
            on given.student_id = same.student_id and given.school_id = same.school_id and given.date = same.date
            and coalesce(given.period, '') = same.period
        where given.broken is null;
        create table judged_attendance_rows as
        select given.row, given.record, coalesce(given.broken, repeated) as broken
        from attendance_rows_by_cells given left join repeated_rows using (row);
        """
    )


def _make_days(connection: duckdb.DuckDBPyConnection, *, by_period: bool, periods_a_day: int) -> None:
    kept = "from attendance_periods where not coalesce(is_conflict, false)"
    if not by_period:
        absences = ", ".join(
            f"case when absence = {quoted(kind)} then r_absence end as r_{kind}, absent_share as share_{kind}"
            for kind in ABSENCE_CATEGORIES
        )
        others = ", ".join(f"r_{kind}, share_{kind}" for kind in PRESENT_CATEGORIES)
        connection.execute(
            f"create view attendance_days as select student_id, school_id, date, record, {absences}, {others} {kept}"
        )
        return
    counts = ", ".join(
        f"count(*) filter (absence = {quoted(kind)}) as n_{kind}, "
        f"min(r_absence) filter (absence = {quoted(kind)}) as r_{kind}"
        for kind in ABSENCE_CATEGORIES
    )
    others = ", ".join(f"min(r_{kind}) as r_{kind}, null::varchar as share_{kind}" for kind in PRESENT_CATEGORIES)
    connection.execute(
        f"""
        create table attendance_days as
        select *, {_shares()} from (
            select student_id, school_id, date, min(record) as record, greatest(count(*), {periods_a_day}) as known,
                {counts}, {others}
            {kept} group by student_id, school_id, date
        )
        """
    )


def _shares() -> str:
    # Each kind has the difference of two sums rounded down, so that all of them add up to the day's own share.
    sums = [" + ".join(f"n_{kind}" for kind in ABSENCE_CATEGORIES[:place]) or "0" for place in range(4)]
    upto = [f"(({periods}) * {TEN_THOUSANDTHS} // known)" for periods in sums]
    return ", ".join(
        f"printf('%.4f', ({upto[place + 1]} - {upto[place]}) / {TEN_THOUSANDTHS}) as share_{kind}"
        for place, kind in enumerate(ABSENCE_CATEGORIES)
    )


def _kinds() -> str:
    return ", ".join(
        f"{{'record': r_{kind}, 'category': {quoted(kind)}, 'share': share_{kind}}}"
        for kind in (*ABSENCE_CATEGORIES, *PRESENT_CATEGORIES)
    )
