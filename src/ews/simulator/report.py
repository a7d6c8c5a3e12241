"""The report: moments of a folder of records beside published figures, as a table and plots.

It runs on any canonical flat folder and on the folder of one ingest, so that a district can see how far its own
records are from the simulation, and the simulation from the published figures.
"""

import json
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from ews.home import write_atomically
from ews.simulator.headroom import GROUPS, calibration, headroom, read_truth, with_truth
from ews.simulator.moments import moments
from ews.simulator.observe import Observed, observe
from ews.simulator.plots import draw_plots


def report(folder: Path, out: Path) -> Path:
    """Write `report.md` and its plots into `out`.

    Args:
        folder: a canonical flat folder (CSV or Parquet), simulated or real, or the folder of one ingest.
        out: where the report goes; files of an earlier report are replaced.

    Returns:
        The path of `report.md`.

    Raises:
        InputRefused: the folder holds no calendar, enrollments and attendance.
    """
    seen = observe(folder)
    found = moments(seen, ordinary_years(folder, seen))
    plots = draw_plots(seen, found, out)
    parts = [
        "# Moments of these records beside published figures\n",
        _about(seen),
        "## Moments\n",
        table(compare(found, profile_of(folder))),
        *_truth_parts(folder, seen),
        "## Plots\n",
        "\n".join(f"![{name.removesuffix('.png').replace('_', ' ')}]({name})\n" for name in plots),
    ]
    write_atomically(out / "report.md", "\n".join(parts))
    return out / "report.md"


@cache
def targets() -> pd.DataFrame:
    """Every target: moment, label, profile, figure as published, low, high, source, and why a miss was left."""
    text = (files("ews.simulator") / "targets.toml").read_text(encoding="utf-8")
    found = pd.DataFrame(tomllib.loads(text)["target"])
    return found.assign(missed=found["missed"].fillna("just beyond; more calibration would fit the seeds"))


def compare(found: pd.Series, profile: str) -> pd.DataFrame:
    """The targets of a profile with the achieved value (`here`, NaN where unknown) and whether it is `inside`."""
    wanted = targets()[targets()["profile"].isin((profile, "both"))].copy()
    wanted["here"] = found.reindex(wanted["moment"]).to_numpy()
    wanted["inside"] = wanted["here"].between(wanted["low"], wanted["high"])
    return wanted.reset_index(drop=True)


def table(compared: pd.DataFrame) -> str:
    """The comparison as Markdown."""
    lines = ["| moment | here | published | range | inside | source |", "|---|---|---|---|---|---|"]
    for row in compared.itertuples():
        here, inside = ("unknown", "") if pd.isna(row.here) else (f"{row.here:.3f}", "yes" if row.inside else "**no**")
        lines.append(f"| {row.label} | {here} | {row.figure} | {row.low:g} to {row.high:g} | {inside} | {row.source} |")
    return "\n".join(lines) + "\n"


def headroom_table(found: pd.DataFrame) -> str:
    """AUC, average precision and recall at a tenth, mean over target years, as Markdown."""
    wide = found.groupby(["predictor", "group"])[["auc", "average_precision", "recall_at_tenth"]].mean()
    order = ["last year's rate", "mean of up to 3 years", "truth"]
    heads = " | ".join(f"{group}: AUC / AP / recall@10%" for group in GROUPS)
    lines = [f"| | {heads} |", "|---|" + "---|" * len(GROUPS)]
    for name in order:
        cells = (" / ".join(f"{value:.3f}" for value in wide.loc[(name, group)]) for group in GROUPS)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def calibration_table(bins: pd.DataFrame) -> str:
    """Truth against what came about, per bin, as Markdown."""
    lines = ["| truth | observed | students |", "|---|---|---|"]
    lines += [f"| {row.truth:.3f} | {row.observed:.3f} | {row.students:,} |" for row in bins.itertuples()]
    return "\n".join(lines) + "\n"


def ordinary_years(folder: Path, seen: Observed) -> Sequence[int] | None:
    """The years before the shock of a simulated folder; None (all) for any other."""
    about = _world(folder)
    if about is None:
        return None
    years = sorted(seen.student_years["school_year"].unique())
    return [int(year) for year in years[: about["parameters"]["years"]["ordinary"]]]


def profile_of(folder: Path) -> str:
    """Which targets fit: those of New York City for a world like it, else the default ones."""
    about = _world(folder)
    return "nyc_like" if about is not None and "nyc_like" in about["preset"] else "default"


def _world(folder: Path) -> dict[str, Any] | None:
    path = folder / "truth" / "world.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _about(seen: Observed) -> str:
    people = seen.student_years
    years = ", ".join(str(year) for year in sorted(people["school_year"].unique()))
    students, schools = people["student_id"].nunique(), seen.school_days["school_id"].nunique()
    return (
        f"{students:,} students in {schools:,} schools, school years {years}. "
        "Shares are shares in [0, 1]; a range is where the simulator must lie on average over five seeds, "
        "so a single district may well be outside.\n"
    )


def _truth_parts(folder: Path, seen: Observed) -> list[str]:
    truth = read_truth(folder)
    if truth is None:
        return []
    rows = with_truth(seen, truth)
    return [
        "## Last year's rate and the truth\n",
        headroom_table(headroom(rows)),
        "## Is the truth calibrated?\n",
        calibration_table(calibration(rows)),
    ]
