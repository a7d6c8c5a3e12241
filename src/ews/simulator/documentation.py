"""The page on the simulator: simulates several worlds and writes what they show beside what is published."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pandas as pd

from ews.home import write_atomically
from ews.simulator.headroom import calibration, headroom, read_truth, with_truth
from ews.simulator.moments import moments
from ews.simulator.observe import observe
from ews.simulator.parameters import load_parameters
from ews.simulator.plots import draw_plots
from ews.simulator.report import calibration_table, compare, headroom_table, ordinary_years, table
from ews.simulator.world import simulate

_WORLDS = {
    "default": "district",
    "without a shock": "district+no_shock",
    "persistence low": "district+persistence_low",
    "persistence high": "district+persistence_high",
}
_TWO_YEARS_AFTER = 2025  # of six school years to 2026 the third is the shock
_NEW_YORK = "district+nyc_like+no_shock"


@dataclass(frozen=True)
class _Shown:
    """What one preset shows, over its seeds: mean moments, headroom rows, and truth beside outcomes."""

    moments: pd.Series
    headroom: pd.DataFrame
    outcomes: pd.DataFrame


def write_documentation(docs: Path, *, seeds: Sequence[int] = (1, 2, 3, 4, 5), students: int = 20_000) -> Path:
    """Write `simulator.md` and the plots under `simulator/` into the folder `docs`; the same seeds, the same page."""
    worlds = {name: _show(preset, seeds[: 5 if name == "default" else 2], students) for name, preset in _WORLDS.items()}
    default, york = worlds["default"], _show(_NEW_YORK, seeds, students)
    compared = compare(default.moments, "default"), compare(york.moments, "nyc_like")
    bins = calibration(default.outcomes)
    page = (files("ews.simulator") / "page.md").read_text(encoding="utf-8")
    text = page.format(
        seeds=len(seeds),
        students=students,
        standard_error=default.outcomes["standard_error"].mean(),
        default_table=table(compared[0]),
        nyc_table=table(compared[1]),
        inside_default=_inside(compared[0]),
        inside_nyc=_inside(compared[1]),
        misses=_misses(pd.concat(compared)),
        headroom="\n".join(f"{name}:\n\n{headroom_table(found)}" for name, found in _headrooms(worlds)),
        worst=(bins["observed"] - bins["truth"]).abs().max(),
        calibration=calibration_table(bins),
        regression=-_regression(seeds, students),
        plots=_plots(docs, seeds[0], students),
    )
    write_atomically(docs / "simulator.md", text)
    return docs / "simulator.md"


def _headrooms(worlds: dict[str, _Shown]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Headroom of the default world two years after its shock, and of every world over all its years."""
    default = worlds["default"].headroom
    yield "Default, the target year two years after the shock", default[default["school_year"] == _TWO_YEARS_AFTER]
    for name, shown in worlds.items():
        yield f"{name.capitalize()}, all target years", shown.headroom


def _show(preset: str, seeds: Sequence[int], students: int) -> _Shown:
    found = [_one(preset, seed, students) for seed in seeds]
    return _Shown(
        moments=pd.concat([one.moments for one in found], axis=1).mean(axis=1),
        headroom=pd.concat([one.headroom for one in found]),
        outcomes=pd.concat([one.outcomes for one in found]),
    )


def _one(preset: str, seed: int, students: int) -> _Shown:
    with tempfile.TemporaryDirectory(prefix="ews-") as temporary:
        folder = Path(temporary) / "records"
        simulate(folder, preset=preset, students=students, seed=seed, file_format="parquet")
        seen, truth = observe(folder), read_truth(folder)
        rows = with_truth(seen, truth)
        return _Shown(moments(seen, ordinary_years(folder, seen)), headroom(rows), rows)


def _regression(seeds: Sequence[int], students: int) -> float:
    """The change of mentored students who were chronically absent, with no effect and no shock."""
    world = load_parameters("district+no_shock").changed(mentoring={"effect": 0.0}, truth={"students_per_cell": 0})
    changes = []
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="ews-") as temporary:
            folder = Path(temporary) / "records"
            simulate(folder, parameters=world, students=students, seed=seed, file_format="parquet")
            changes.append(moments(observe(folder))["mentored.change"])
    return float(pd.Series(changes).mean())


def _plots(docs: Path, seed: int, students: int) -> str:
    with tempfile.TemporaryDirectory(prefix="ews-") as temporary:
        folder = Path(temporary) / "records"
        simulate(folder, preset=_WORLDS["default"], students=students, seed=seed, file_format="parquet")
        seen = observe(folder)
        names = draw_plots(seen, moments(seen, ordinary_years(folder, seen)), docs / "simulator")
    return "\n".join(f"![{Path(name).stem.replace('_', ' ')}](simulator/{name})\n" for name in names)


def _inside(compared: pd.DataFrame) -> str:
    return f"{compared['inside'].sum()} of {len(compared)} moments are inside their range."


def _misses(compared: pd.DataFrame) -> str:
    outside = compared[~compared["inside"]].drop_duplicates("moment")
    if outside.empty:
        return "No moment is outside."
    lines = [
        f"- {row.label} ({row.here:.3f}, range {row.low:g} to {row.high:g}): {row.missed}"
        for row in outside.itertuples()
    ]
    return "\n".join(["What was left outside, and why:\n", *lines])
