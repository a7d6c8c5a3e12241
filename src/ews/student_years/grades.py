"""Promotion: one grade a year, and what becomes of grade 12."""

import narwhals as nw

from ews.tables import GRADES


def grade_number(grade_level: nw.Expr) -> nw.Expr:
    """The place of a grade in order: PK is 0, KG 1, 12 is 13."""
    number = nw.lit(None).cast(nw.Int64)
    for position, name in enumerate(GRADES):
        number = nw.when(grade_level == name).then(nw.lit(position)).otherwise(number)
    return number


def promoted(frame: nw.LazyFrame, years: nw.Expr) -> nw.LazyFrame:
    """The rows with `grade_level` some years later; who is past grade 12 by then is left out."""
    later = frame.with_columns(place=grade_number(nw.col("grade_level")) + years)
    return _named(later.filter(nw.col("place") < len(GRADES)))


def _named(frame: nw.LazyFrame) -> nw.LazyFrame:
    name = nw.lit(None).cast(nw.String)
    for position, grade in enumerate(GRADES):
        name = nw.when(nw.col("place") == position).then(nw.lit(grade)).otherwise(name)
    return frame.with_columns(grade_level=name).drop("place")
