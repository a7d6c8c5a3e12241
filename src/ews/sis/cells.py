"""How one cell of text becomes a typed value, and what is wrong with it when it does not.

Everything is driven by the column's entry in :mod:`ews.tables`; the results are pieces of SQL.
"""

from ews.absence import TEN_THOUSANDTHS
from ews.sis.staging import quoted
from ews.tables import Column

Check = tuple[str, str]
"""A rule's id and the SQL condition under which the cell breaks it."""

_OUTER_SPACES = r"^[\s\p{Z}\x{200b}\x{feff}]|[\s\p{Z}\x{200b}\x{feff}]$"
_UNREADABLE = r"[\x00-\x08\x0a-\x1f\x7f]"
"""A line end within a value, too: it is how an unclosed quote swallows the next row."""
_YES = ("yes", "true", "1")
_NO = ("no", "false", "0")


def typed(column: Column) -> str:
    """SQL for the cell's value, null where unreadable; a share becomes whole ten-thousandths."""
    cell = f'"{column.name}"'
    match column.kind:
        case "date":
            # The way back must give the same text: 2024-2-9, 2024-02-09 BC and infinity are no plain ISO dates.
            return f"case when length({cell}) = 10 and try_cast({cell} as date)::varchar = {cell} then {cell}::date end"
        case "integer":
            return f"case when regexp_full_match({cell}, '0|[1-9]\\d{{0,8}}') then {cell}::integer end"
        case "share":
            share = f"try_cast({cell} as double)"
            number = f"regexp_full_match({cell}, '\\d{{1,3}}(\\.\\d{{1,20}})?|\\.\\d{{1,20}}') and {share} <= 1"
            return f"case when {number} then round({share} * {TEN_THOUSANDTHS})::integer end"
        case "boolean":
            yes, no = (", ".join(map(quoted, words)) for words in (_YES, _NO))
            return f"case when lower({cell}) in ({yes}) then true when lower({cell}) in ({no}) then false end"
        case _:
            return cell


def checks(column: Column) -> list[Check]:
    """What can be wrong with a cell of this column, in the order in which it is told.

    Conditions are on `"name"`, the text, and `"typed_name"`, the value.
    """
    cell = f'"{column.name}"'
    required = [("empty_cell", f"{cell} is null")] if column.null is None else []
    return required + (_text_checks(column) if column.kind == "text" else [_kind_check(column)]) + _year_check(column)


def _text_checks(column: Column) -> list[Check]:
    cell = f'"{column.name}"'
    if column.allowed:
        return [("unknown_value", f"{cell} not in ({', '.join(map(quoted, column.allowed))})")]
    if column.pattern:
        return [
            ("outer_spaces", f"regexp_matches({cell}, '{_OUTER_SPACES}')"),
            ("malformed_id", f"not regexp_full_match({cell}, {quoted(column.pattern)})"),
        ]
    return [("unreadable_text", f"length({cell}) > 200 or regexp_matches({cell}, '{_UNREADABLE}')")]


def _kind_check(column: Column) -> Check:
    rule = {
        "date": "malformed_date",
        "integer": "not_a_whole_number",
        "share": "not_a_share",
        "boolean": "not_yes_or_no",
    }[column.kind]
    return rule, f'"{column.name}" is not null and "typed_{column.name}" is null'


def _year_check(column: Column) -> list[Check]:
    if column.name != "school_year":
        return []
    return [("not_a_school_year", "typed_school_year not between 1900 and 2200")]
