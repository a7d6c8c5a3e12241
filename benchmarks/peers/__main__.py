"""Other people's models beside ours, same students, same years, same list lengths: `make compare`.

Needs `make peers`. Everything on the way is kept in the work folder under a fingerprint of the code that decides it,
so that a run that was stopped goes on where it was.
"""

import argparse
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks.ablation import district
from benchmarks.peers import recipes
from benchmarks.peers.page import Compared, page
from benchmarks.results import HERE, LARGE, fingerprint
from ews.backtest import backtest, splits
from ews.cli.common import code_version
from ews.dataset import Dataset, dataset_for, target_years_with_outcomes
from ews.evaluation import MODEL, differences, evaluate
from ews.features import features_for
from ews.model import Parameters
from ews.policy import Policy

BESIDE = ("last year's rate",)
"""Our baselines that the page shows."""

ABOUT = ("student_id", "school_id", "school_year", "was_chronic", "outcome", "tie_key")


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit what is not fitted yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=HERE / ".results", help="folder that keeps what was made")
    parser.add_argument("--out", type=Path, default=HERE / "docs" / "peers.md")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5], help="a district a seed")
    parser.add_argument("--students", type=int, default=LARGE)
    told = parser.parse_args(arguments)
    kept = told.work / "measured" / f"peers-{_fingerprint()}"
    found = pd.concat([of_seed(told.work, kept, seed, told.students) for seed in told.seeds], ignore_index=True)
    told.out.write_text(page(compared(found, told.seeds, told.students)), encoding="utf-8")
    print(f"{told.out} is written.")


def of_seed(work: Path, kept: Path, seed: int, students: int) -> pd.DataFrame:
    """Predictions of the last target year of one district, as `ews.evaluation` takes them; schools named by seed."""
    folder = kept / f"{students}-seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in (MODEL, *recipes.PEERS) if not (folder / f"{name}.parquet").exists()]
    if missing:
        dataset = _dataset(work, folder / "dataset.parquet", seed, students)
        for name in missing:
            _keep(folder, name, dataset)
    parts = [pd.read_parquet(folder / f"{name}.parquet") for name in (MODEL, *recipes.PEERS)]
    found = pd.concat(parts, axis=1)
    ids = {name: f"{seed}-" + found[name] for name in ("student_id", "school_id")}
    return found.assign(**ids)


def ours(dataset: Dataset) -> pd.DataFrame:
    """Who is predicted, what came of it, and the probabilities by our model and baselines."""
    rows = backtest(dataset, Parameters(), Policy(), split="school-years", only_last=True)
    return rows[[*ABOUT, MODEL, *BESIDE]]


def by_peer(name: str, dataset: Dataset) -> pd.DataFrame:
    """One peer's probabilities of the same students in the same order."""
    _, learn, test = next(splits(dataset, "school-years", only_last=True))
    return pd.DataFrame({name: recipes.PEERS[name].fit(dataset.where(learn), dataset.where(test))})


def compared(found: pd.DataFrame, seeds: Sequence[int], students: int, replicates: int = 400) -> Compared:
    """Everything the page shows; students without a known last year are left out."""
    known = found[found["was_chronic"].notna()].reset_index(drop=True)
    return Compared(
        values=evaluate(known, Policy(), replicates=1),
        paired=differences(known, Policy(), replicates=replicates),
        at_half=at_half(known),
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


def _decided(flagged: pd.Series, chronic: pd.Series) -> dict[str, float]:
    hits = (flagged & chronic).sum()
    return {"flagged": flagged.mean(), "recall": hits / chronic.sum(), "precision": hits / max(1, flagged.sum())}


def _dataset(work: Path, kept: Path, seed: int, students: int) -> Dataset:
    """All target years with outcomes of one simulated district, built once."""
    if not kept.exists():
        home = district(work / (f"seed-{seed}" if students == LARGE else f"{students}-seed-{seed}"), seed, students)
        with home.locked():
            years = target_years_with_outcomes(home.ingested(), Policy())
            made = dataset_for(home.ingested(), years, Policy()).labelled().frame
        _write(made, kept)
    return Dataset(pd.read_parquet(kept), tuple(entry.name for entry in features_for(0)), after_day=0)


def _write(frame: pd.DataFrame, path: Path) -> None:
    """Whole or not at all."""
    frame.to_parquet(path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def _keep(folder: Path, name: str, dataset: Dataset) -> None:
    """Fit one method and keep its column."""
    start = time.perf_counter()
    made = ours(dataset) if name == MODEL else by_peer(name, dataset)
    print(f"{folder.name}: {name}, {time.perf_counter() - start:.0f} s", flush=True)
    _write(made, folder / f"{name}.parquet")


def _fingerprint() -> str:
    """Of our code that decides, and of the recipes."""
    source = Path(recipes.__file__).read_bytes()
    return f"{fingerprint()}-{hashlib.sha256(source).hexdigest()[:8]}"


if __name__ == "__main__":
    main()
