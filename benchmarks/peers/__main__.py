"""Other people's models beside ours, same students, same years, same list lengths: `make compare`.

Needs `make peers`. Everything on the way is kept in the work folder of `make results` under a fingerprint of the code
that decides it, so that a run that was stopped goes on where it was; a peer's fits are kept while its recipe and the
rows stay, whatever becomes of our model. Fits run side by side, one thread each.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.frames import ROWS, Wanted, fingerprint, make_rows, once, rows_of, side_by_side
from benchmarks.peers import recipes
from benchmarks.peers.page import Compared, page
from benchmarks.results import DECIDES, HERE, LARGE
from ews.backtest import backtest, splits
from ews.cli.common import code_version
from ews.dataset import Dataset
from ews.evaluation import MODEL, differences, evaluate
from ews.parameters import Parameters
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
    parser.add_argument("--jobs", type=int, default=2, help="fits at a time")
    told = parser.parse_args(arguments)
    fit_all(told.work, told.seeds, told.students, told.jobs)
    found = pd.concat([of_seed(told.work, seed, told.students) for seed in told.seeds], ignore_index=True)
    told.out.write_text(page(compared(found, told.seeds, told.students)), encoding="utf-8")
    print(f"{told.out} is written.")


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


def _fit(task: tuple[Path, int, int, str]) -> str:
    """Fit one method on one district and keep its column; in a process of its own."""
    work, seed, students, name = task
    start = time.perf_counter()
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


if __name__ == "__main__":
    main()
