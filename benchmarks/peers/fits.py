"""Every method fitted on every district, one thread each and several at a time; what is fitted once is kept."""

import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.frames import ROWS, Wanted, fingerprint, make_rows, once, rows_of, side_by_side
from benchmarks.peers import recipes
from benchmarks.results import DECIDES
from ews.backtest import backtest, splits
from ews.dataset import Dataset
from ews.evaluation import MODEL
from ews.parameters import Parameters
from ews.policy import Policy

BESIDE = ("last year's rate",)
"""Our baselines that the page shows."""

ABOUT = ("student_id", "school_id", "school_year", "was_chronic", "outcome", "tie_key")


def fit_all(work: Path, seeds: Sequence[int], students: int, jobs: int) -> None:
    """Fit every method on every district where its probabilities are not kept, the slowest first."""
    make_rows(work, [Wanted(seed, students) for seed in seeds], jobs, _tell)
    missing = [
        (work, seed, students, name)
        for name in (*reversed(recipes.PEERS), MODEL)
        for seed in seeds
        if not _kept(work, seed, students, name).exists()
    ]
    with side_by_side(jobs) as processes:
        for told in processes.map(_fit, missing):
            _tell(told)


def of_seed(work: Path, seed: int, students: int) -> pd.DataFrame:
    """Predictions of the last target year of one district, as `ews.evaluation` takes them; schools named by seed."""
    found = pd.concat([pd.read_parquet(_kept(work, seed, students, name)) for name in (MODEL, *recipes.PEERS)], axis=1)
    ids = {name: f"{seed}-" + found[name] for name in ("student_id", "school_id")}
    return found.assign(**ids)


def ours(dataset: Dataset) -> pd.DataFrame:
    """Who is predicted, what came of it, and the probabilities by our model and baselines."""
    rows = backtest(dataset, Parameters(threads=1), Policy(), split="school-years", only_last=True)
    return rows[[*ABOUT, MODEL, *BESIDE]]


def by_peer(name: str, dataset: Dataset) -> pd.DataFrame:
    """One peer's probabilities of the same students in the same order."""
    _, learn, test = next(splits(dataset, "school-years", only_last=True))
    return pd.DataFrame({name: recipes.PEERS[name].fit(dataset.where(learn), dataset.where(test))})


def _fit(task: tuple[Path, int, int, str]) -> str:
    """Fit one method on one district and keep its column; in a process of its own."""
    work, seed, students, name = task
    start = time.perf_counter()
    warnings.filterwarnings("ignore", message="Missing values detected", category=UserWarning)  # of EBM's pictures
    dataset = rows_of(work, seed, students, 0, _tell)
    with threadpool_limits(recipes.THREADS):
        once(_kept(work, seed, students, name), lambda: ours(dataset) if name == MODEL else by_peer(name, dataset))
    return f"seed {seed}: {name}, {time.perf_counter() - start:.0f} s"


def _kept(work: Path, seed: int, students: int, name: str) -> Path:
    """Where one method's probabilities are: ours under all code that decides them, a peer's under rows and recipes."""
    decides = fingerprint(DECIDES) if name == MODEL else fingerprint(ROWS, Path(recipes.__file__))
    return work / f"peers-{decides}" / f"{students}-seed-{seed}" / f"{name}.parquet"


def _tell(message: str) -> None:
    print(message, flush=True)
