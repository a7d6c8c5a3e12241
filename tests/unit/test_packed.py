import narwhals as nw
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ews.student_years.packed import each_of, one_of, unpacked

NAMES = ("a", "b", "c", "d", "e")
COUNTS = st.lists(st.integers(0, 366), min_size=5, max_size=5)


def counts_of(words: list[int]) -> list[dict]:
    frame = nw.from_native(pl.LazyFrame({"word": words}, schema={"word": pl.Int64}))
    return frame.select(unpacked({"word": NAMES})).collect("pyarrow").to_native().to_pylist()


def packed(counts: list[int]) -> int:
    return sum(count * 1024**place for place, count in enumerate(counts))


@given(COUNTS, COUNTS)
def test_packed_counts_add_and_subtract_place_by_place(some: list[int], more: list[int]) -> None:
    both = [one + other for one, other in zip(some, more, strict=True)]
    assert counts_of([packed(some) + packed(more), packed(both) - packed(some)]) == [
        dict(zip(NAMES, both, strict=True)),
        dict(zip(NAMES, more, strict=True)),
    ]


def test_the_largest_packed_number_is_exact_in_floating_point_too() -> None:
    assert packed([1023] * 5) < 2**53


def test_one_of_counts_a_day_where_the_value_is_and_each_of_every_condition() -> None:
    frame = nw.from_native(pl.LazyFrame({"kind": ["x", "y", "z", None]}))
    kind = nw.col("kind")
    words = frame.select(one=one_of(kind, ("x", "y")), each=each_of([kind == "x", kind != "y"], first_place=1))
    rows = words.collect("pyarrow").to_native().to_pylist()
    assert [row["one"] for row in rows] == [1, 1024, 0, 0]
    assert [row["each"] for row in rows] == [1024 + 1024**2, 0, 1024**2, 0]


def test_a_sixth_place_is_refused() -> None:
    with pytest.raises(AssertionError, match="five places"):
        unpacked({"word": (*NAMES, "f")})
