"""The whole look at a model in use, and the forms it is handed out in; it changes nothing and never retrains."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from ews.bundle import Bundle
from ews.dataset import dataset_for
from ews.engine import Engine
from ews.home import Home, read_json, to_json, write_atomically
from ews.monitoring.checks import AREAS, Check, as_frame
from ews.monitoring.inputs import input_checks
from ews.monitoring.levels import base_rate_checks, calibration_checks, labelled_since
from ews.monitoring.recorded import Seen, calendar_checks, code_checks, freshness_checks, seen_of
from ews.recalibration import as_recalibrated, in_force
from ews.registry import champion_bundle
from ews.school_year import SchoolYear

FILES = ("monitoring.html", "monitoring.csv", "monitoring.json")


@dataclass(frozen=True)
class Report:
    """What was looked at and found.

    Attributes:
        about: target_year, after_day, model_version, bundle_sha256, data_through, made_at, recalibrated.
        checks: in the order of areas.
    """

    about: dict[str, object]
    checks: tuple[Check, ...]

    @property
    def alarms(self) -> tuple[Check, ...]:
        """The checks that a person should look at before the next list."""
        return tuple(check for check in self.checks if check.level == "alarm")

    def counts(self) -> dict[str, int]:
        """How many checks there are of each level."""
        levels = [check.level for check in self.checks]
        return {level: levels.count(level) for level in ("alarm", "watch", "fine", "not known")}

    def to_frame(self) -> pd.DataFrame:
        """One row a check."""
        return as_frame(self.checks)


def monitor(
    home: Home,
    *,
    today: dt.date,
    made_at: str,
    target_year: SchoolYear | None = None,
    after_day: int = 0,
    engine: Engine = "duckdb",
    progress: Callable[[str], None] = lambda _: None,
) -> Report:
    """Look at the champion of an as-of day: inputs, scores, records, base rate, calibration and freshness.

    Args:
        home: holds the records and the champion.
        today: the day of the question, for the age of the records.
        made_at: the time, as ISO 8601 with time zone.
        target_year: the year predicted; by default the one the champion was trained for.
        after_day: the as-of day of the champion.
        engine: where features are computed.
        progress: told each step.

    Raises:
        NothingPromoted: no champion for that day.
        NotEnoughData: no records, or nobody in the cohort.
        Busy: another command holds the home (student years are computed once and kept).
    """
    with home.locked():
        champion, bundle = champion_bundle(home, after_day)
        trained_for = SchoolYear.parse(bundle.manifest["provenance"]["target_year"])
        year = target_year or trained_for
        folder = home.ingested()
        known_through = read_json(folder / "manifest.json")["data_through"]
        through = None if known_through is None else str(known_through)
        shift = in_force(home, bundle, year)
        about = {
            "target_year": year.ending, "after_day": after_day, "model_version": champion.version,
            "bundle_sha256": bundle.sha256, "data_through": through, "made_at": made_at,
            "recalibrated": shift.basis if shift else None,
        }  # fmt: skip
        seen = seen_of(folder, year, bundle.policy, engine)
        progress("comparing inputs with training")
        checks = [
            *_of_cohort(home, folder, bundle, year, seen, engine),
            *_of_outcomes(home, folder, bundle, engine, progress),
            *code_checks(seen),
            *calendar_checks(seen),
            *freshness_checks(seen, through, today, year.ending - trained_for.ending),
        ]
    return Report(about, tuple(sorted(checks, key=lambda check: AREAS.index(check.area))))


def hand_out(report: Report, out: Path) -> list[Path]:
    """Write the report as a page, a table and JSON into `out`, each file whole or not at all.

    No file holds a student: counts, shares and names of features and schools' codes only.
    """
    texts = (page(report), report.to_frame().to_csv(index=False, lineterminator="\n"), to_json(_plain(report)))
    for name, text in zip(FILES, texts, strict=True):
        write_atomically(out / name, text)
    return [out / name for name in FILES]


def page(report: Report) -> str:
    """The report as one HTML page that asks nothing of any other place, for screen and print."""
    environment = Environment(
        loader=PackageLoader("ews.monitoring"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    by_area = {area: [check for check in report.checks if check.area == area] for area in AREAS}
    year = SchoolYear.parse(str(report.about["target_year"])).label
    return environment.get_template("monitoring.html").render(
        about=report.about, year=year, counts=report.counts(), alarms=report.alarms, areas=by_area
    )


def _of_cohort(
    home: Home, folder: Path, bundle: Bundle, year: SchoolYear, seen: Seen | None, engine: Engine
) -> list[Check]:
    """Inputs, scores and the open year's level: all of them need the cohort of today."""
    after_day = int(bundle.manifest["provenance"]["after_day"])
    cohort = dataset_for(folder, [year], bundle.policy, after_day=after_day, engine=engine, with_outcomes=False)
    profile = bundle.metrics.get("profile")
    day = seen.day or 0 if seen and seen.year == year else 0
    shifted = as_recalibrated(bundle, in_force(home, bundle, year))
    return [
        *input_checks(profile, cohort, bundle.model.risk(cohort.x)),  # type: ignore[arg-type]  # written by `train`
        *base_rate_checks(folder, bundle, year, day, shifted.model.risk(cohort.x), engine),
    ]


def _of_outcomes(
    home: Home, folder: Path, bundle: Bundle, engine: Engine, progress: Callable[[str], None]
) -> list[Check]:
    years = labelled_since(folder, bundle, engine)
    if years:
        progress("comparing what was said with what came of it")
    as_used = {year.ending: as_recalibrated(bundle, in_force(home, bundle, year)) for year in years}
    return calibration_checks(folder, as_used, years, engine)


def _plain(report: Report) -> dict[str, object]:
    """Plain values for JSON, null where a number is not known."""
    rows = report.to_frame().astype(object)
    return {
        "about": report.about,
        "counts": report.counts(),
        "checks": rows.where(rows.notna(), None).to_dict(orient="records"),
    }
