import narwhals as nw
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ews.engine import _connection
from ews.features.totals import _READ
from ews.tallies import (
    LAST_DAYS,
    OF_DAYS,
    TALLIES,
    counts_in,
    day_tallies,
    mark_tallies,
    put_together,
    taken_apart,
    with_tallies_of_days,
)

MONDAY_IN_MAY = {
    "month": 5, "weekday": 1, "day_index": 3, "days_left": 29, "is_before_break": True, "is_absent": True,
    "kind": "unexcused", "spell_day": 1, "is_tardy": True, "is_early_departure": False,
    "missed_ten_thousandths": 10_000,
}  # fmt: skip


def counts_of(tally: str, words: list[int]) -> list[dict[str, int]]:
    names = {count: count for count in TALLIES[tally]}
    frame = nw.from_native(pl.LazyFrame({"word": words}, schema={"word": pl.Int64}))
    return frame.select(counts_in(tally, "word", names)).collect("pyarrow").to_native().to_pylist()


def word_of(tally: str, counts: dict[str, int]) -> int:
    word, shift = 0, 0
    for count, bits in TALLIES[tally].items():
        word += counts[count] << shift
        shift += bits
    return word


@pytest.mark.parametrize("tally", TALLIES)
def test_the_fullest_tally_is_below_what_a_signed_number_holds_and_comes_apart_exactly(tally: str) -> None:
    fullest = {count: 2**bits - 1 for count, bits in TALLIES[tally].items()}
    assert word_of(tally, fullest) < 2**62
    assert counts_of(tally, [word_of(tally, fullest), 0]) == [fullest, dict.fromkeys(fullest, 0)]


@pytest.mark.parametrize("tally", TALLIES)
@given(data=st.data())
def test_tallies_add_and_subtract_count_by_count(tally: str, data: st.DataObject) -> None:
    halves = {count: st.integers(0, 2 ** (bits - 1) - 1) for count, bits in TALLIES[tally].items()}
    some, more = data.draw(st.fixed_dictionaries(halves)), data.draw(st.fixed_dictionaries(halves))
    both = {count: some[count] + more[count] for count in halves}
    summed = word_of(tally, some) + word_of(tally, more)
    assert counts_of(tally, [summed, summed - word_of(tally, some)]) == [both, more]


def test_a_month_a_weekday_and_a_kind_have_room_for_every_day_of_fourteen_months() -> None:
    widths = {count: bits for tally in TALLIES.values() for count, bits in tally.items()}
    assert min(2 ** widths[f"month_{month:02d}"] for month in range(1, 13)) > 2 * 31
    assert min(2 ** widths[f"weekday_{day}"] for day in range(1, 6)) > 61
    assert min(2 ** widths[kind] for kind in ("excused", "unexcused", "suspended", "tardy")) > 427
    assert 2 ** widths["partial_ten_thousandths"] > 427 * 9_999


@pytest.mark.parametrize(("changed", "added"), [
    ({}, {"month_05", "weekday_1", "first_20", "last_30", "last_60", "before_break", "spells", "monday_spells",
          "tardy", "unexcused"}),
    ({"days_left": 30, "day_index": 21, "is_before_break": False},
     {"month_05", "weekday_1", "last_60", "spells", "monday_spells", "tardy", "unexcused"}),
    ({"spell_day": 2, "is_tardy": False, "days_left": 60},
     {"month_05", "weekday_1", "first_20", "before_break", "spells_of_two_or_more", "unexcused"}),
    ({"is_absent": False, "kind": None, "spell_day": None, "is_early_departure": True},
     {"tardy", "early_departure"}),
])  # fmt: skip
def test_a_mark_adds_one_to_each_count_it_belongs_to(changed: dict, added: set[str]) -> None:
    found = counts_of_mark(MONDAY_IN_MAY | changed)
    assert {count for count, number in found.items() if number and count != "partial_ten_thousandths"} == added
    assert set(found.values()) <= {0, 1, 10_000}


def test_what_is_missed_counts_as_partial_only_on_a_day_that_is_not_absent() -> None:
    late = MONDAY_IN_MAY | {"is_absent": False, "kind": None, "spell_day": None, "missed_ten_thousandths": 700}
    assert counts_of_mark(late)["partial_ten_thousandths"] == 700
    assert counts_of_mark(MONDAY_IN_MAY)["partial_ten_thousandths"] == 0


def counts_of_mark(mark: dict) -> dict[str, int]:
    frame = nw.from_native(pl.LazyFrame([mark], schema_overrides={"kind": pl.String, "spell_day": pl.Int16}))
    words = frame.select(**mark_tallies()).collect("pyarrow").to_native().to_pylist()[0]
    return {count: number for tally, word in words.items() for count, number in counts_of(tally, [word])[0].items()}


def test_a_stay_adds_what_its_days_add_and_nothing_before_or_after_them() -> None:
    days = pl.DataFrame(
        {
            "school_id": "oak", "school_year": 2026, "day_index": range(1, 71), "days_left": range(69, -1, -1),
            "month": [9] * 40 + [10] * 30, "weekday": [1, 2, 3, 4, 5] * 14, "is_before_break": [False] * 69 + [True],
        }
    )  # fmt: skip
    stays = pl.DataFrame({"school_id": "oak", "school_year": 2026, "first_index": [1, 11], "last_index": [70, 45]})
    summed = with_tallies_of_days(nw.from_native(stays.lazy()), nw.from_native(days.lazy()))
    rows = summed.collect("pyarrow").to_native().to_pylist()
    for row in rows:
        within = days.filter(pl.col("day_index").is_between(row["first_index"], row["last_index"]))
        one_by_one = nw.from_native(within).select(**day_tallies()).to_native().sum().to_dicts()
        assert [{tally: row[tally] for tally in OF_DAYS}] == one_by_one
    windows = [counts_of("tally_months_07_12", [row["tally_months_07_12"]])[0] for row in rows]
    assert sorted([window[f"last_{length}"] for length in LAST_DAYS] for window in windows) == [[5, 35], [30, 60]]


def test_duckdb_takes_the_same_counts_out_of_a_tally() -> None:
    tally = "tally_kinds"
    counts = {"excused": 427, "unexcused": 1, "suspended": 300, "partial_ten_thousandths": 8_000_000}
    frame = nw.from_native(_connection().sql(f"select {word_of(tally, counts)}::bigint as word"))
    found = frame.select(counts_in(tally, "word", {count: count for count in counts}))
    assert found.collect("pyarrow").to_native().to_pylist() == [counts]


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_counts_put_together_add_up_each_by_itself_and_null_adds_none(engine: str) -> None:
    rows = pl.DataFrame({"days": [366, 1, None], "was": [True, False, True]})
    frame = nw.from_native(rows.lazy() if engine == "polars" else _connection().from_arrow(rows.to_arrow()))
    widths = {"was": 6, "days": 20}
    word = put_together(widths, {count: nw.col(count) for count in widths})
    summed = frame.select(word=word).select(nw.col("word").sum().cast(nw.Int64))
    found = summed.select(taken_apart(widths, "word", {"days": "days", "was": "was"}))
    assert found.collect("pyarrow").to_native().to_pylist() == [{"days": 367, "was": 2}]


def test_what_totals_read_of_a_year_has_room_for_a_year_at_several_schools() -> None:
    """On a yearly sheet a student may have 366 days at each of several schools."""
    assert sum(_READ.values()) <= 62
    days = 100 * 366
    most = {"days_absent": days, "days_enrolled": days, "spells": 214, "is_daily": 1}
    for count, bits in _READ.items():
        assert 2**bits > most.get(count, 2 ** TALLIES["tally_months_07_12"]["first_20"] - 1)
