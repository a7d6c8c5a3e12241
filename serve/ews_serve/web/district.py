"""A district at a glance: who was away last year by school, grade and group, what is expected, and what help there is.

Numbers only, and none of a small group or from which a small one could be worked out (`ews.privacy`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from fastapi import APIRouter, Request, Response

from ews.absence import BANDS, band, is_chronically_absent
from ews.access import View, schools_told_of
from ews.errors import NotEnoughData
from ews.home import Home
from ews.policy import Policy
from ews.privacy import HIDDEN, UNKNOWN, cells, is_telling
from ews.quality.trend import chronic_by_year
from ews.school_year import SchoolYear
from ews.store.overview import every_school, listed_counts, mentor_slots
from ews.store.reading import Run
from ews.tables import GRADES
from ews_serve.answers import notices_of
from ews_serve.asked import Asked, of_run
from ews_serve.web.charts import Bars, Share, Years, bars_chart, years_chart
from ews_serve.web.evidence import Evidence, evidence_of
from ews_serve.web.frame import PageAsking, page
from ews_serve.web.model import DIMENSIONS
from ews_serve.web.wording import BANDS as BAND_WORDS
from ews_serve.web.wording import counted, grade_text
from ews_serve.web.words import of_100

router = APIRouter(include_in_schema=False)

SCHOOL, GRADE = ("school_id",), ("grade_level",)


@dataclass(frozen=True)
class DistrictPage:
    """The page.

    Attributes:
        year: the school year that lists are for.
        last_year: the one before.
        figures: a large number and what it is.
        need: who needs a mentor before the line, beside the slots there are, in sentences.
        schools: share who missed a tenth, by school.
        grades: the same by grade.
        bands: students by how much of the year they missed; None where too few are known.
        trend: the share year by year; None where this machine has no records.
        groups: the share by group, a chart a dimension.
    """

    year: str
    last_year: str
    figures: tuple[tuple[str, str], ...]
    need: tuple[str, ...]
    schools: Bars
    grades: Bars
    bands: Bars | None
    trend: Years | None
    groups: tuple[Bars, ...]


@dataclass(frozen=True, eq=False)
class Counted:
    """The lists of some schools, counted.

    Attributes:
        run: of the lists.
        rows: as `listed_counts` makes them, with `chronic` and `band` of the last year (null: not known).
        names: of schools by id.
        slots: students that mentors can have.
        policy: what is chronic, and how few are too few.
    """

    run: Run
    rows: pd.DataFrame
    names: Mapping[str, str]
    slots: int
    policy: Policy

    @property
    def last_year(self) -> SchoolYear:
        """The year before the one that lists are for."""
        return SchoolYear(self.run.target_year - 1)


@router.get("/district")
def district(request: Request, asked: PageAsking) -> Response:
    """The district in numbers, of the run in force."""
    decision = asked.may(View.AGGREGATES)
    home = Home(asked.service.settings.home)
    with asked.service.store.reading() as connection:
        run = asked.run_in_force(connection)
        evidence = evidence_of(home, run.bundle_sha256)
        found, has_all = _counted(asked, connection, run, evidence, _listed(request, connection, run))
    it = district_page(found, evidence if has_all else None, _trend_of(home, found.policy) if has_all else None)
    asked.log(View.AGGREGATES, decision, **of_run(run))
    return page(request, "district.html", it, notices=notices_of(run, asked.at, asked.service.live.trouble))


def _listed(request: Request, connection: Any, run: Run) -> pd.DataFrame:
    """The run's lists, counted once: who leaves them meanwhile cannot be told from a number that changes."""
    state = request.app.state
    if getattr(state, "listed", (None,))[0] != run.run_id:
        state.listed = run.run_id, listed_counts(connection, run.run_id)
    return state.listed[1]


def _counted(
    asked: Asked, connection: Any, run: Run, evidence: Evidence | None, rows: pd.DataFrame
) -> tuple[Counted, bool]:
    """The lists of the schools that the viewer is told of, and whether these are all."""
    policy = evidence.policy if evidence else Policy()
    schools = every_school(connection)
    pairs = list(zip(schools["school_id"], schools["district_id"], strict=True))
    told = schools_told_of(asked.viewer, View.AGGREGATES, asked.on, pairs)
    names = {row.school_id: row.name or row.school_id for row in schools.itertuples()}
    slots = mentor_slots(connection, asked.on) if len(told) == len(schools) else 0
    found = Counted(run, with_status(rows[rows["school_id"].isin(told)], policy), names, slots, policy)
    return found, len(told) == len(schools)


def with_status(rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The same rows with `chronic` and `band` of the last year, by the one definition there is."""
    days = nw.col("days_absent_last_year"), nw.col("days_enrolled_last_year")
    known = nw.from_native(rows.reset_index(drop=True), eager_only=True)
    return known.with_columns(chronic=is_chronically_absent(*days, policy), band=band(*days, policy)).to_native()


def district_page(found: Counted, evidence: Evidence | None, trend: pd.DataFrame | None) -> DistrictPage:
    """What stands on the page.

    Args:
        found: the lists, counted.
        evidence: of the model, for groups of students; None where it is not here or not to be told.
        trend: as `chronic_by_year` makes it; None likewise.
    """
    told = _cells(found)
    return DistrictPage(
        year=SchoolYear(found.run.target_year).label,
        last_year=found.last_year.label,
        figures=tuple(_figures(found)),
        need=tuple(_need(found)),
        schools=_bars(found, told, SCHOOL, "school", found.names),
        grades=_bars(found, told, GRADE, "grade", {}),
        bands=_bands(found),
        trend=_trend(trend) if trend is not None and len(trend) > 1 else None,
        groups=tuple(_groups(evidence)) if evidence else (),
    )


def _known(found: Counted) -> pd.DataFrame:
    return found.rows[found.rows["chronic"].notna()]


def _share(found: Counted) -> float:
    """The share of all students with a known year who missed a tenth; NaN where it would tell of a few."""
    known = _known(found)
    students = int(known["students"].sum())
    missed = int(known.loc[known["chronic"].astype(bool), "students"].sum())
    tells = is_telling(np.array([students]), np.array([missed]), found.policy)[0]
    return float("nan") if tells else missed / students


def _cells(found: Counted) -> pd.DataFrame:
    """Schools and grades with their counts, and which are hidden; both tables are on one page, so they go together."""
    known = _known(found)
    if known.empty:
        return pd.DataFrame(columns=["dimension", "group", "students", "positives", "suppressed"])
    each = known.loc[np.repeat(known.index, known["students"])]
    return cells(each[[*SCHOOL, *GRADE]], each["chronic"].to_numpy(dtype="float64"), found.policy, (SCHOOL, GRADE))


def _figures(found: Counted) -> Iterator[tuple[str, str]]:
    students = int(found.rows["students"].sum())
    yield f"{students:,}", "students on lists"
    yield of_100(_share(found)), f"missed a tenth or more of {found.last_year.label}"
    if students >= found.policy.min_n:
        expected = float(found.rows["expected"].sum()) / students
        yield of_100(expected), f"are expected to in {SchoolYear(found.run.target_year).label}, if nothing changes"


def _need(found: Counted) -> Iterator[str]:
    """Who could be reached before the line, beside the slots there are."""
    before = found.rows[~found.rows["chronic"].fillna(False).astype(bool)]
    students, expected = int(before["students"].sum()), float(before["expected"].sum())
    if students < found.policy.min_n:
        return
    yield (
        f"{counted(students, 'student')} missed less than a tenth last year, or are new. About {round(expected):,} of "
        "them are expected to miss a tenth this year. A mentor can still come first."
    )
    if found.slots:
        yield f"Mentors have room for {counted(found.slots, 'student')}. {_beside(expected, found.slots)}"


def _beside(expected: float, slots: int) -> str:
    if expected <= slots:
        return "That is enough, if each slot goes to the right student."
    return f"So about {round(expected - slots):,} students who may need one would be left without."


def _bars(found: Counted, told: pd.DataFrame, table: tuple[str], what: str, names: Mapping[str, str]) -> Bars:
    of_table = told[told["dimension"] == table[0]]
    district_share = _share(found)
    tick = None if np.isnan(district_share) else district_share
    rows = sorted(of_table.to_dict("records"), key=lambda row: _place(row["group"], names))
    shares = [_bar(row, names, tick) for row in rows]
    return bars_chart(
        f"Share who missed a tenth or more of {found.last_year.label}, by {what}; the line is the share of all",
        _summary(of_table, what, names),
        (what.capitalize(), "", "Missed a tenth", "Students"),
        shares,
    )


def _bar(row: Mapping[Any, Any], names: Mapping[str, str], tick: float | None) -> Share:
    label = _label(row["group"], names)
    if row["suppressed"]:
        return Share(label, None, HIDDEN, HIDDEN)
    share = row["positives"] / row["students"]
    return Share(label, share, of_100(share), f"{row['students']:,}", tick)


def _place(group: str, names: Mapping[str, str]) -> tuple[int, str]:
    """Schools by name, grades from the lowest."""
    return (0, names[group]) if group in names else (GRADES.index(group) if group in GRADES else len(GRADES), group)


def _label(group: str, names: Mapping[str, str]) -> str:
    return names.get(group, group) if names else UNKNOWN if group == UNKNOWN else grade_text(group)


def _summary(of_table: pd.DataFrame, what: str, names: Mapping[str, str]) -> str:
    shown = of_table[~of_table["suppressed"].astype(bool)]
    if len(shown) < 2:
        return f"Too few students to tell of more than one {what}."
    rates = shown["positives"] / shown["students"]
    most, least = shown.loc[rates.idxmax()], shown.loc[rates.idxmin()]
    return (
        f"From {of_100(rates.min())} ({_label(least['group'], names)}) to {of_100(rates.max())} "
        f"({_label(most['group'], names)})."
    )


def _bands(found: Counted) -> Bars | None:
    counts = found.rows.groupby("band")["students"].sum().reindex(list(BANDS), fill_value=0)
    all_of_them = int(counts.sum())
    if all_of_them < found.policy.min_n:
        return None
    hidden = _too_few(counts, found.policy)
    shares = [
        Share(_band(str(name)), None, HIDDEN, HIDDEN)
        if name in hidden
        else Share(_band(str(name)), count / all_of_them, of_100(count / all_of_them), f"{count:,}")
        for name, count in counts.items()
    ]
    return bars_chart(
        f"Students by how much of {found.last_year.label} they missed", "", ("Missed", "", "Share", "Students"), shares
    )


def _band(name: str) -> str:
    return BAND_WORDS[name][0].upper() + BAND_WORDS[name][1:]


def _too_few(counts: pd.Series, policy: Policy) -> set[str]:
    """Bands of few students; a single one takes the next smallest with it, or the total would tell it."""
    ordered = counts.sort_values(kind="stable")
    hidden = list(ordered.index[(ordered > 0) & (ordered < policy.min_n)])
    if len(hidden) == 1:
        hidden.append(next(name for name in ordered.index if name not in hidden and ordered[name] > 0))
    return set(hidden)


def _trend_of(home: Home, policy: Policy) -> pd.DataFrame | None:
    """The trend in the home's records; None where this machine has none."""
    try:
        return _trend_in(home.ingested(), policy)
    except (NotEnoughData, OSError):
        return None


@lru_cache(maxsize=4)
def _trend_in(folder: Path, policy: Policy) -> pd.DataFrame:
    return chronic_by_year(folder, policy)


def _trend(trend: pd.DataFrame) -> Years:
    rates = [(SchoolYear(int(row.school_year)).label, row.chronic / row.students) for row in trend.itertuples()]
    (first, before), (last, now) = rates[0], rates[-1]
    summary = f"{of_100(before)} students missed a tenth or more in {first}, and {of_100(now)} in {last}."
    return years_chart("Share of students who missed a tenth or more", summary, rates, limit=None, label="all students")


def _groups(evidence: Evidence) -> Iterator[Bars]:
    if evidence.audit is None:
        return
    each = evidence.audit.drop_duplicates(["dimension", "group"])
    for dimension in DIMENSIONS:
        rows = each[each["dimension"] == dimension]
        if len(rows) > 1:
            yield _group_bars(DIMENSIONS[dimension], rows.to_dict("records"))


def _group_bars(words: str, rows: list[dict[Any, Any]]) -> Bars:
    shares = [
        Share(str(row["group"]), None, HIDDEN, HIDDEN)
        if row["suppressed"] or pd.isna(row["students"])
        else _bar({**row, "students": int(row["students"])}, {str(row["group"]): str(row["group"])}, None)
        for row in rows
    ]
    return bars_chart(words, "", ("Group", "", "Missed a tenth", "Students"), shares, full=1.0)
