"""Promotion as an expression: one grade a year, and what becomes of grade 12."""

import narwhals as nw

from ews.tables import GRADES


def grade_number(grade_level: nw.Expr) -> nw.Expr:
    """The place of a grade in order: PK is 0, KG 1, 12 is 13."""
    number = nw.lit(None).cast(nw.Int64)
    for position, name in enumerate(GRADES):
        number = nw.when(grade_level == name).then(nw.lit(position)).otherwise(number)
    return number


def grade_named(number: nw.Expr) -> nw.Expr:
    """The grade at a place; null beyond grade 12."""
    name = nw.lit(None).cast(nw.String)
    for position, grade in enumerate(GRADES):
        name = nw.when(number == position).then(nw.lit(grade)).otherwise(name)
    return name


def promoted(grade_level: nw.Expr, years: nw.Expr) -> nw.Expr:
    """The grade some years later; null for those who are past grade 12 by then."""
    return grade_named(grade_number(grade_level) + years)


def promoted_within(grade_level: nw.Expr, years: nw.Expr) -> nw.Expr:
    """The grade some years into one stay; who is still enrolled after grade 12 is in grade 12."""
    number = grade_number(grade_level) + years
    return grade_named(nw.when(number < len(GRADES)).then(number).otherwise(nw.lit(len(GRADES) - 1)))
