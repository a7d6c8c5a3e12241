"""Counts always add up, whatever rows come in."""

import tempfile
from pathlib import Path

import duckdb
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ews.errors import InputRefused
from ews.sis import IngestReport
from tests.unit.sis.feeds import good_lines, listed, school_days, take, write_feed

IDS = ["001", "002", "041", "999", "", "a/b", "7 ", "NA"]
SCHOOL_IDS = ["ALDER", "BIRCH", "ZELKOVA", ""]
DATES = [*map(str, school_days(2026)[:4]), "2025-09-06", "2025-02-30", "1900-01-01", "9/1/2025", ""]
ENDINGS = ["", "", "", ",extra", ',"q"r']

ROWS = {
    "students": st.tuples(st.sampled_from(IDS), st.sampled_from(["Ada", "Bo", ""]), st.sampled_from(DATES)),
    "enrollments": st.tuples(
        st.sampled_from(IDS),
        st.sampled_from(SCHOOL_IDS),
        st.sampled_from(DATES),
        st.sampled_from(DATES),
        st.sampled_from(["04", "4"]),
    ),
    "attendance": st.tuples(
        st.sampled_from(IDS),
        st.sampled_from(SCHOOL_IDS),
        st.sampled_from(DATES),
        st.sampled_from(["excused", "tardy", "late"]),
        st.sampled_from(["", "1", "0.5", "2"]),
    ),
}

FEEDS = st.fixed_dictionaries(
    {
        name: st.lists(st.tuples(row, st.sampled_from(ENDINGS)).map(lambda it: ",".join(it[0]) + it[1]), max_size=12)
        for name, row in ROWS.items()
    }
)


@given(FEEDS)
@settings(max_examples=12, deadline=None, phases=[Phase.generate])
def test_read_is_accepted_plus_rejected_plus_duplicates_and_the_lines_of_the_file(added: dict[str, list[str]]) -> None:
    lines = {name: [*rows, *added.get(name, [])] for name, rows in good_lines().items()}
    with tempfile.TemporaryDirectory() as work:
        try:
            report = take(write_feed(Path(work) / "feed", lines), Path(work) / "home")
        except InputRefused:
            assert not list((Path(work) / "home" / "tables").iterdir())
            return
        _check(report, lines)


def _check(report: IngestReport, lines: dict[str, list[str]]) -> None:
    told = listed(report.rejects_path)
    for name, rows in lines.items():
        counts = report.counts[name]
        assert counts.read == len(rows) - 1
        assert counts.read == counts.accepted + counts.rejected + counts.duplicates
        of_file = [row["outcome"] for row in told if row["file"] == f"{name}.csv"]
        assert (of_file.count("rejected"), of_file.count("duplicate")) == (counts.rejected, counts.duplicates)
    for row in told:
        given_line = lines[row["file"].removesuffix(".csv")][int(row["line"]) - 1]
        assert row["row"].startswith(given_line.split(",")[0]), "the line named is the line meant"
    students = duckdb.sql(f"select count(*) from '{report.folder}/students.parquet'").fetchall()
    assert students == [(report.counts["students"].accepted,)]
