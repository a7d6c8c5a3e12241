"""Several counts of days carried in one whole number, since dozens of sums and running totals are dear.

Each count has its own place in base 1024, which no count of days in a school year reaches, so such numbers
add place by place, and subtract where the lesser is taken from the greater. Five places stay below 2**53:
an engine that divides in floating point still gets them exactly.
"""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

import narwhals as nw

_BASE = 1024
_PLACES = 5


def one_of(column: nw.Expr, values: Sequence[int | str]) -> nw.Expr:
    """One day in the place of the value that the column has; none where it has another."""
    packed = nw.lit(0).cast(nw.Int64)
    for place, value in enumerate(values):
        packed = nw.when(column == value).then(nw.lit(_BASE**place)).otherwise(packed)
    return packed


def each_of(conditions: Sequence[nw.Expr], *, first_place: int = 0) -> nw.Expr:
    """One day in the place of every condition that holds."""
    days = (nw.when(one).then(nw.lit(_BASE**place)).otherwise(0) for place, one in enumerate(conditions, first_place))
    return reduce(add, days)


def unpacked(words: Mapping[str, Sequence[str]]) -> list[nw.Expr]:
    """The counts as columns: for each word's column the names of its places, in order."""
    assert all(len(names) <= _PLACES for names in words.values()), "a word has five places"
    return [
        (nw.col(word) // _BASE**place % _BASE).cast(nw.Int64).alias(name)
        for word, names in words.items()
        for place, name in enumerate(names)
    ]
