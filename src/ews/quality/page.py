"""The data-quality report as a page and as numbers; it stays within the district, and holds no student."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ews.charts.picture import png
from ews.document import Block, Chart, Document, Points, Section, Table, to_html
from ews.home import write_atomically
from ews.quality.findings import Remark, remarks, share
from ews.quality.reconciliation import Explanation, Reconciliation
from ews.quality.seen import Seen
from ews.school_year import SchoolYear

PAGE = "check.html"
NUMBERS = "schools.csv"
MOST_REMARKS = 40
MOST_DEFINITIONS = 15
_SUMMED = (
    "students",
    "moved",
    "enrolled_days",
    "absent_days",
    "with_status",
    "chronic",
    "marks",
    "missing",
    "unknown_days",
)


def page(seen: Seen, reconciliation: Reconciliation | None = None) -> Document:
    """The report of what the tables in force hold."""
    found = remarks(seen)
    sections = [
        Section("What to look at", (Points(_texts(found)),)),
        *([_reconciliation(reconciliation)] if reconciliation else []),
        Section("What came in", (_counts(seen),)),
        Section("Year by year", tuple(_years(seen))),
        *(Section(f"Schools in {year.label}", (_schools(seen, year),)) for year in _known_years(seen)),
        Section("Kinds of marks", (_codes(seen),)),
        Section("Rows not taken whole", (_rejected(seen),)),
    ]
    return Document("What the records hold", _lead(seen, found), tuple(sections))


def hand_out(seen: Seen, folder: Path, reconciliation: Reconciliation | None = None) -> list[Path]:
    """Write the page, and the numbers of every school and year, each file whole or not at all."""
    texts = {PAGE: to_html(page(seen, reconciliation)), NUMBERS: seen.schools.to_csv(index=False)}
    for name, text in texts.items():
        write_atomically(folder / name, text)
    return [folder / name for name in texts]


def by_year(seen: Seen) -> pd.DataFrame:
    """One row per school year: the sums over its schools; students of several schools count in each."""
    rows = seen.schools
    sums = rows.groupby("school_year")[list(_SUMMED)].sum(min_count=1)
    return sums.assign(schools=rows.groupby("school_year")["school_id"].nunique())


def _lead(seen: Seen, found: list[Remark]) -> str:
    through = seen.manifest["data_through"]
    known = f"Records through {through}." if through else "Yearly sums, without single days."
    if not found:
        return f"{known} Nothing stands out."
    return f"{known} {len(found)} thing{'s' * (len(found) > 1)} to look at."


def _texts(found: list[Remark]) -> tuple[str, ...]:
    texts = [remark.text for remark in found[:MOST_REMARKS]]
    more = len(found) - len(texts)
    return (*texts, f"And {more} more; every school is in {NUMBERS}.") if more else tuple(texts) or ("Nothing.",)


def _counts(seen: Seen) -> Table:
    counts = seen.manifest["counts"]
    assert isinstance(counts, dict)
    kinds = ("read", "accepted", "rejected", "duplicates")
    rows = tuple((name, *(f"{of_table[kind]:,}" for kind in kinds)) for name, of_table in sorted(counts.items()))
    return Table("Rows of each table; read is always the sum of the other three.", ("table", *kinds), rows)


def _known_years(seen: Seen) -> list[SchoolYear]:
    return [SchoolYear(int(year)) for year in sorted(seen.schools["school_year"].unique(), reverse=True)]


def _years(seen: Seen) -> Iterator[Block]:
    heads = ("school year", "schools", "students", "moved", "absent", "chronic", "no status yet", "unknown days")
    rows = tuple(
        (
            SchoolYear(int(year)).label, _count(row["schools"]), _count(row["students"]), _count(row["moved"]),
            share(row["absent_days"], row["enrolled_days"]), share(row["chronic"], row["with_status"]),
            share(row["students"] - row["with_status"], row["students"]),
            share(row["unknown_days"], row["enrolled_days"]),
        )
        for year, row in by_year(seen).iterrows()
    )  # fmt: skip
    yield Table("Students are counted in each of their schools; absent and unknown are of enrolled days.", heads, rows)
    if len(seen.months):
        yield _months(seen.months)


def _schools(seen: Seen, year: SchoolYear) -> Table:
    rows = seen.schools[seen.schools["school_year"] == year.ending]
    heads = ("school", "days", "students", "moved", "marks", "absent", "chronic", "days without any mark",
             "of them missing", "unknown", "last mark")  # fmt: skip
    return Table(
        "Missing: no mark at all on a day on which five or more were to be expected by the district's rate.",
        heads,
        tuple(
            (
                str(row.school_id), _count(row.days), _count(row.students), _count(row.moved), _count(row.marks),
                share(row.absent_days, row.enrolled_days), share(row.chronic, row.with_status),
                _count(row.without_marks), _count(row.missing), share(row.unknown_days, row.enrolled_days),
                "none" if pd.isna(row.last_mark) else f"{row.last_mark:%Y-%m-%d}",
            )
            for row in rows.itertuples()
        ),
    )  # fmt: skip


def _count(number: float) -> str:
    return "n/a" if pd.isna(number) else f"{int(number):,}"


def _codes(seen: Seen) -> Block:
    if not len(seen.codes):
        return "There are no daily marks."
    table = seen.codes.pivot_table(index="category", columns="school_year", values="marks", fill_value=0)
    heads = ("kind", *(SchoolYear(int(year)).label for year in table.columns))
    rows = tuple(
        (str(kind), *(f"{int(number):,}" for number in row))
        for kind, row in zip(table.index, table.to_numpy(), strict=True)
    )
    return Table("Days by kind of mark, as the map took the codes.", heads, rows)


def _rejected(seen: Seen) -> Block:
    if not len(seen.rejected):
        return "Every row was taken."
    rows = tuple(
        (str(row.file), str(row.rule), str(row.outcome), f"{row.rows:,}", str(row.what_to_do))
        for row in seen.rejected.itertuples()
    )
    return Table("Each row with its line is in rejects.csv.", ("file", "rule", "outcome", "rows", "what to do"), rows)


def _reconciliation(found: Reconciliation) -> Section:
    typed = f"{found.typed:.{found.decimals}f}"
    explaining = [one for one in found.others if found.explains(one)]
    told = (
        f"Typed in: {typed} %. By the district's own definition {found.school_year.label} has "
        f"{found.ours.percent:.{max(found.decimals, 1)}f} %: {found.ours.chronic:,} of {found.ours.students:,} "
        "students."
    )
    return Section("Held against another report", (told, _verdict(found, explaining), _definitions(found)))


def _verdict(found: Reconciliation, explaining: list[Explanation]) -> str:
    if found.explains(found.ours):
        return "They agree: the same definition gives the same share."
    if not explaining:
        return (
            "No definition tried gives that share. The closest are below; if they are far off, the other report was "
            "made from other records: look at missing days and rows not taken first."
        )
    fewest = min(len(one.changed) for one in explaining)
    return (
        f"{len(explaining)} of {len(found.others)} definitions tried would give it, the simplest with {fewest} "
        f"change{'s' * (fewest > 1)}. Ask which of them the other report uses; that one fits does not prove it."
    )


def _definitions(found: Reconciliation) -> Table:
    decimals = max(found.decimals, 1)
    return Table(
        "Definitions by closeness; each line says what would be done otherwise than here.",
        ("otherwise", "share", "off by", "chronic", "students"),
        tuple(
            (
                "; ".join(one.changed), f"{one.percent:.{decimals}f} %", f"{one.percent - found.typed:+.{decimals}f}",
                f"{one.chronic:,}", f"{one.students:,}",
            )
            for one in found.others[:MOST_DEFINITIONS]
        ),
    )  # fmt: skip


def _months(months: pd.DataFrame) -> Chart:
    rate = months["absent_days"] / months["enrolled_days"].where(months["enrolled_days"] > 0)
    unknown = months["unknown_days"] / months["enrolled_days"].where(months["enrolled_days"] > 0)
    labels = [f"{SchoolYear(int(row.school_year)).label}, {row.first_day:%b}" for row in months.itertuples()]
    highest = int(np.nanargmax(rate)) if rate.notna().any() else 0
    return Chart(
        "months",
        png(9, 3.6, lambda figure: _draw_months(figure, labels, rate, unknown)),
        f"Share of enrolled days absent by month, highest in {labels[highest]}; dashed, the share that is unknown "
        "because schools sent no mark.",
        Table(
            "Enrolled days by month.",
            ("month", "absent", "unknown"),
            tuple(
                (label, share(one, 1), share(other, 1)) for label, one, other in zip(labels, rate, unknown, strict=True)
            ),
        ),
    )


def _draw_months(figure: Figure, labels: list[str], rate: pd.Series, unknown: pd.Series) -> None:
    axes = figure.add_subplot()
    axes.plot(rate.to_numpy(), color="black", label="absent")
    axes.plot(unknown.to_numpy(), color="black", linestyle="--", label="unknown")
    places = np.linspace(0, len(labels) - 1, min(len(labels), 9)).astype(int)
    axes.set_xticks(places, [labels[place] for place in places], rotation=30, ha="right")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
