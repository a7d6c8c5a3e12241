"""Other people's models beside ours, same students, same years, same list lengths: `make compare`.

Needs `make peers`. Everything on the way is kept in the work folder of `make results` under a fingerprint of the code
that decides it, so that a run that was stopped goes on where it was; a peer's fits are kept while its recipe and the
rows stay, whatever becomes of our model. Fits run side by side, one thread each.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.peers import recipes
from benchmarks.peers.fits import fit_all, of_seed
from benchmarks.peers.page import Compared, page
from benchmarks.results import HERE, LARGE
from ews.calibration import logistic_curve
from ews.cli.common import code_version
from ews.evaluation import MODEL, differences, evaluate
from ews.policy import Policy


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit what is not fitted yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=HERE / ".results", help="folder that keeps what was made")
    parser.add_argument("--out", type=Path, default=HERE / "docs" / "peers.md")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="a district a seed")
    parser.add_argument("--students", type=int, default=LARGE)
    parser.add_argument("--jobs", type=int, default=2, help="fits at a time")
    told = parser.parse_args(arguments)
    fit_all(told.work, told.seeds, told.students, told.jobs)
    found = pd.concat([of_seed(told.work, seed, told.students) for seed in told.seeds], ignore_index=True)
    told.out.write_text(page(compared(found, told.seeds, told.students)), encoding="utf-8")
    print(f"{told.out} is written.")


def compared(found: pd.DataFrame, seeds: Sequence[int], students: int, replicates: int = 400) -> Compared:
    """Everything the page shows; students without a known last year are left out."""
    known = found[found["was_chronic"].notna()].reset_index(drop=True)
    return Compared(
        values=evaluate(known, Policy(), replicates=1),
        paired=differences(known, Policy(), replicates=replicates),
        at_half=at_half(known),
        hindsight=hindsight(known),
        seeds=tuple(seeds),
        students=students,
        commit=code_version(),
    )


def at_half(known: pd.DataFrame) -> pd.DataFrame:
    """What a decision at .5 would do: one row a method and group, with its share flagged, recall and precision."""
    chronic = known["was_chronic"].astype(bool)
    groups = {"all": known, "not yet chronic": known[~chronic]}
    return pd.DataFrame(
        [
            {"group": group, "method": name, **_decided(rows[name] >= 0.5, rows["outcome"] == 1)}
            for group, rows in groups.items()
            for name in (MODEL, *recipes.PEERS)
        ]
    )


def hindsight(known: pd.DataFrame) -> pd.DataFrame:
    """What calibration could still gain: Brier scores, and those after the logistic curve that fits the outcomes best.

    One row a group and method: group, method, brier, recalibrated (with one curve a district).
    """
    chronic = known["was_chronic"].astype(bool)
    groups = {"all": known, "not yet chronic": known[~chronic], "already chronic": known[chronic]}
    return pd.DataFrame(
        [
            {"group": group, "method": name, "brier": _brier(rows[name], rows), "recalibrated": _brier(mended, rows)}
            for group, rows in groups.items()
            for name in (MODEL, *recipes.PEERS)
            for mended in [_recalibrated(rows, name)]
        ]
    )


def _recalibrated(rows: pd.DataFrame, name: str) -> pd.Series:
    """Probabilities with each district's best level and slope, those of the outcomes that came."""
    found = pd.Series(np.nan, index=rows.index)
    for _, of_district in rows.groupby(rows["school_id"].str.split("-").str[0]):
        odds = recipes.log_odds(of_district[name].to_numpy())
        level, slope = logistic_curve(odds, of_district["outcome"].to_numpy(dtype="float64"))
        found[of_district.index] = 1 / (1 + np.exp(-level - slope * odds))
    return found


def _brier(chances: pd.Series, rows: pd.DataFrame) -> float:
    return float(((chances - rows["outcome"]) ** 2).mean())


def _decided(flagged: pd.Series, chronic: pd.Series) -> dict[str, float]:
    hits = (flagged & chronic).sum()
    return {"flagged": flagged.mean(), "recall": hits / chronic.sum(), "precision": hits / max(1, flagged.sum())}


if __name__ == "__main__":
    main()
