import narwhals as nw
import polars as pl
import pytest

from ews.absence import BANDS, absence_rate, band, is_absent_day, is_chronically_absent, reaches
from ews.policy import Policy


def of(expression: nw.Expr, **columns: int) -> object:
    frame = nw.from_native(pl.LazyFrame({name: [value] for name, value in columns.items()}))
    return frame.select(value=expression).collect("pyarrow").to_native().column(0)[0].as_py()


DAYS = (nw.col("absent"), nw.col("enrolled"))


def test_the_rate_of_no_day_is_unknown() -> None:
    assert of(absence_rate(*DAYS), absent=0, enrolled=0) is None
    assert of(absence_rate(*DAYS), absent=45, enrolled=180) == 0.25


@pytest.mark.parametrize(("missed", "absent"), [(4999, False), (5000, True), (0, False), (10_000, True)])
def test_half_a_day_is_an_absent_day(missed: int, absent: bool) -> None:
    assert of(is_absent_day(nw.col("missed")), missed=missed) is absent


def test_counts_are_compared_and_never_a_rounded_rate() -> None:
    almost = 10**15 - 1
    assert almost / 10**16 == pytest.approx(0.1, abs=1e-15)
    assert of(is_chronically_absent(*DAYS, Policy()), absent=almost, enrolled=10**16) is False
    assert of(is_chronically_absent(*DAYS, Policy()), absent=almost + 1, enrolled=10**16) is True


def test_bands_and_thresholds_agree_at_every_count_of_a_year() -> None:
    policy = Policy()
    frame = pl.LazyFrame({"absent": range(181), "enrolled": 180})
    edges = [reaches(percent, *DAYS, policy).cast(nw.Int64) for percent in (5, 10, 20)]
    table = nw.from_native(frame).select(band=band(*DAYS, policy), place=edges[0] + edges[1] + edges[2])
    for row in table.collect("pyarrow").to_native().to_pylist():
        assert row["band"] == BANDS[row["place"]]
