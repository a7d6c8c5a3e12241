"""Two ceilings that only a simulated district can show: what attendance records can tell, and the truth.

The *observer limit* is the project's own features and model, learned on so many other districts of the same world
that more of them no longer help; of students with a mentor it learns as little as the model does. The *truth* is each
student's probability given the complete latent state. What lies between the two is information no record holds, and
never headroom of a model.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd

from ews.bundle import load_bundle, write_bundle
from ews.dataset import Dataset, dataset_for, target_years_with_outcomes
from ews.errors import NotEnoughData, NotFound
from ews.evaluation import MODEL, evaluate
from ews.home import Home, new_folder, read_json, to_json
from ews.model import Model, Parameters, fit
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.simulator import simulate
from ews.simulator.headroom import read_truth
from ews.sis import ingest

OBSERVER, TRUTH = "observer limit", "truth"
RATE = "last year's rate"

LIMIT_PARAMETERS = Parameters(
    rounds=500, learning_rate=0.05, leaves=31, min_rows_in_leaf=200, l2=20.0, feature_share=0.5
)
"""Finer trees than one district can feed; a hundred thousand student years and more can."""

FLAT = 0.001
"""A doubling of the districts that brings less AUC than this, in every group, ends the learning curve."""

OTHER_DISTRICTS = 1_000
"""The first seed of other districts, so that none learned from is one that a user simulates with a small seed."""


@dataclass(frozen=True)
class World:
    """Which simulated districts are meant: those that differ by their seed only."""

    preset: str
    students: int | None
    years: int | None
    last_year: SchoolYear
    after_day: int = 0

    @property
    def name(self) -> str:
        """A folder name, one per world."""
        size = f"{self.students or 'preset'}x{self.years or 'preset'}"
        return f"{self.preset}-{size}-{self.last_year}-day{self.after_day}"


@dataclass(frozen=True)
class ObserverLimit:
    """The model that stands for the observer limit, and how it was reached.

    Attributes:
        model: learned on other districts only.
        curve: one row per number of districts: districts, student_years, and AUC and average precision of `all`
            and `not yet chronic` students of one further district's last target year.
    """

    model: Model
    curve: pd.DataFrame

    @property
    def is_flat(self) -> bool:
        """Whether the last doubling brought less than `FLAT` AUC in every group."""
        return len(self.curve) > 1 and bool((self.curve.filter(like="auc").diff().iloc[-1] < FLAT).all())


def observer_limit(
    home: Home,
    world: World,
    policy: Policy,
    *,
    first_districts: int = 1,
    most_districts: int = 16,
    parameters: Parameters = LIMIT_PARAMETERS,
    districts: Iterator[Dataset] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> ObserverLimit:
    """Learn on other districts of a world, doubling them until more no longer help, and keep what was learned.

    Args:
        home: keeps the result in `observer_limits/`; a second call reads it.
        world: the districts.
        policy: the thresholds, and what is learned from students with a mentor.
        first_districts: how many to begin with.
        most_districts: where to stop even when the curve still rises; the curve tells.
        parameters: how the booster learns.
        districts: gives their rows with known outcomes, the first to judge by and the others to learn from; by
            default each is simulated anew and forgotten.
        progress: told of each district and each point of the curve.
    """
    kept = home.path / "observer_limits" / world.name
    if not kept.exists():
        others = districts or _districts(world, policy, progress)
        made = _learn(others, policy, (first_districts, most_districts), parameters, progress)
        with new_folder(kept) as folder:
            sha256 = write_bundle(folder / "bundle", made.model, {}, policy, {}, {"world": world.name})
            about = {"sha256": sha256, "curve": made.curve.to_dict(orient="records")}
            (folder / "curve.json").write_text(to_json(about), encoding="utf-8")
    return kept_observer_limit(home, world)


def kept_observer_limit(home: Home, world: World) -> ObserverLimit:
    """What an earlier `observer_limit` of the same world kept.

    Raises:
        NotFound: it was never computed here.
    """
    kept = home.path / "observer_limits" / world.name
    if not kept.exists():
        raise NotFound(f"No observer limit of {world.name} is kept here. Compute it with: ews observer-limit")
    about = read_json(kept / "curve.json")
    model = load_bundle(kept / "bundle", str(about["sha256"])).model
    return ObserverLimit(model, pd.DataFrame(about["curve"]))


def world_of(simulated: Path, after_day: int = 0) -> World:
    """The world a simulated folder belongs to.

    Raises:
        NotFound: the folder has no `truth/`, so nothing is known beyond its records.
    """
    about = simulated / "truth" / "world.json"
    if not about.exists():
        raise NotFound(f"{simulated} has no truth/: only a simulated district knows its ceilings.")
    values = read_json(about)
    size = dict(dict(values["parameters"])["size"])  # type: ignore[call-overload]  # written by the simulator
    return World(
        preset=str(values["preset"]),
        students=int(size["students"]),
        years=int(size["years"]),
        last_year=SchoolYear.parse(str(values["last_year"])),
        after_day=after_day,
    )


def district_of(world: World, policy: Policy, seed: int) -> Dataset:
    """The rows with known outcomes of one district of a world, simulated anew and forgotten.

    Raises:
        NotEnoughData: the world has one school year only.
    """
    with tempfile.TemporaryDirectory(prefix="ews-") as temporary:
        folder, home = Path(temporary) / "records", Home(Path(temporary) / "home")
        simulate(
            folder, preset=world.preset, students=world.students, years=world.years, last_year=world.last_year,
            seed=seed, file_format="parquet",
        )  # fmt: skip
        ingest(folder, home)
        years = target_years_with_outcomes(home.ingested(), policy)
        if not years:
            raise NotEnoughData("A world needs at least two school years for anything to be predicted in it.")
        return dataset_for(home.ingested(), years, policy, after_day=world.after_day).labelled()


def pooled(districts: Sequence[Dataset]) -> Dataset:
    """Rows of several districts; ids are made distinct, since districts number their students and schools alike."""
    ids = ["student_id", "school_id"]
    frames = [
        one.frame.assign(**{name: f"{number}-" + one.frame[name].astype("str") for name in ids})
        for number, one in enumerate(districts)
    ]
    return replace(districts[0], frame=pd.concat(frames, ignore_index=True))


def with_truth(predictions: pd.DataFrame, simulated: Path) -> pd.DataFrame:
    """Predictions with the true probability beside them; rows without one (late entrants) are left out.

    Args:
        predictions: as `ews.backtest.backtest` gives them.
        simulated: the folder of the simulator, with `truth/`.

    Raises:
        NotFound: the folder tells no student's truth.
    """
    truth = read_truth(simulated)
    if truth is None:
        raise NotFound(f"{simulated} has no truth/students: `state` is simulated without, for speed.")
    kinds = {"student_id": "str", "school_year": "int64"}
    known = truth[["student_id", "school_year", "probability"]].rename(columns={"probability": TRUTH}).astype(kinds)
    return predictions.astype(kinds).merge(known, on=["student_id", "school_year"], how="inner", validate="1:1")


def with_observer_limit(predictions: pd.DataFrame, dataset: Dataset, limit: ObserverLimit) -> pd.DataFrame:
    """Predictions with those of the observer limit beside them, matched by student and target year."""
    rows = dataset.labelled()
    keys = ["student_id", "school_year"]
    limits = rows.frame[keys].assign(**{OBSERVER: limit.model.risk(rows.x)})
    return predictions.merge(limits, on=keys, how="left", validate="1:1")


def share_of_the_way(evaluation: pd.DataFrame, method: str = MODEL) -> pd.DataFrame:
    """How far a method comes from last year's rate (0) towards the observer limit (1).

    Args:
        evaluation: as `ews.evaluation.evaluate` gives it, with the observer limit among the methods.
        method: whose way; the model's by default.

    Returns:
        One row per group and metric (AUC, average precision, recall at k): group, metric, rate, model, limit,
        share; NaN where the limit is not above the rate.
    """
    metrics = ["auc", "average_precision", "recall_at_k"]
    chosen = evaluation[evaluation["metric"].isin(metrics)]
    wide = chosen.pivot_table("value", ["group", "metric"], "method", sort=False)
    rows = wide[[RATE, method, OBSERVER]].set_axis(["rate", "model", "limit"], axis=1).reset_index()
    headroom = rows["limit"] - rows["rate"]
    share = (rows["model"] - rows["rate"]) / headroom.where(headroom > 0)
    return rows.assign(share=share)


def _learn(
    districts: Iterator[Dataset],
    policy: Policy,
    first_and_most: tuple[int, int],
    parameters: Parameters,
    progress: Callable[[str], None],
) -> ObserverLimit:
    first, most = first_and_most
    judge = next(districts)
    test = judge.where(judge.frame["school_year"].to_numpy() == judge.frame["school_year"].max())
    learned: list[Dataset] = []
    points: list[dict[str, float]] = []
    while True:
        learned += [next(districts) for _ in range(len(learned) or first)]
        rows = pooled(learned).to_learn_from(policy)
        limit = ObserverLimit(fit(rows, parameters, policy), pd.DataFrame(points))
        points.append({"districts": len(learned), "student_years": len(rows.frame), **_judged(limit, test, policy)})
        limit = replace(limit, curve=pd.DataFrame(points))
        progress(f"learned on {len(learned)} districts: " + _told(points[-1]))
        if limit.is_flat or 2 * len(learned) > most:
            return limit


def _districts(world: World, policy: Policy, progress: Callable[[str], None]) -> Iterator[Dataset]:
    """Other districts of the world, one after the other: the rows whose outcome is known."""
    for seed in count(OTHER_DISTRICTS):
        progress(f"district {seed - OTHER_DISTRICTS}")
        yield district_of(world, policy, seed)


def _judged(limit: ObserverLimit, test: Dataset, policy: Policy) -> dict[str, float]:
    frame = test.frame[["student_id", "school_id", "school_year", "was_chronic"]].assign(
        outcome=test.y.astype(int), tie_key=np.arange(len(test.frame)), **{OBSERVER: limit.model.risk(test.x)}
    )
    found = evaluate(frame, policy, replicates=1).set_index(["group", "metric"])["value"]
    return {
        f"{metric} {group}": float(found[group, metric])
        for group in ("all", "not yet chronic")
        for metric in ("auc", "average_precision")
    }


def _told(point: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in point.items() if name.startswith("a"))
