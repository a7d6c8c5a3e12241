"""Scoring: from the champion and the records in force to a run of risk lists with reasons.

A run is named by what went into it, so scoring the same again changes nothing, and other inputs never overwrite it.
"""

import hashlib
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import pandas as pd

from ews.bundle import Bundle
from ews.dataset import Dataset, dataset_for
from ews.districts import districts_of
from ews.engine import Engine
from ews.errors import NotEnoughData, NotFound, NothingPromoted
from ews.gains import responses
from ews.home import Home, new_folder, read_json, to_json, write_atomically
from ews.reasons import Explanations, explain
from ews.recalibration import as_recalibrated, in_force
from ews.registry import Champion, champion_bundle
from ews.risk_list import RowGroups, explanation_rows, list_rows, parquet_to_csv, ranked
from ews.school_year import SchoolYear
from ews.student_years import open_records, reaches_day
from ews.withheld import seal, withheld_students

LIST_CSV, LIST, EXPLANATIONS, PROVENANCE = (
    "risk_list.csv", "risk_list.parquet", "explanations.parquet", "provenance.json",
)  # fmt: skip
HANDED_OUT = (LIST_CSV, LIST, PROVENANCE)
"""What `--out` receives; every feature of every student stays in the home."""

RECALIBRATION = "recalibration"
"""Where a run's provenance holds what its probabilities were shifted by, and why; null where they were not."""

MENTOR_RESPONSE = "mentor_response"
"""Where it holds how strongly each grade is expected to answer a mentor (`ews.gains.responses`)."""

ROWS_AT_ONCE = 20_000
"""Students explained at a time."""

PARTS_AT_ONCE = 2
"""Parts under way: one that the model explains, one whose sentences are written."""

NOTICE = (
    "This folder contains education records. Share it only with staff who need it to support these students. "
    "For voluntary mentoring only: never for discipline, truancy referral, grading, placement or staff evaluation."
)


@dataclass(frozen=True)
class ScoringRun:
    """One scoring run: where it is and what it was made from.

    Attributes:
        run_id: made from the inputs; the same inputs give the same id and the same bytes.
        folder: holds the list, the explanations and the provenance.
        provenance: as in `provenance.json`.
    """

    run_id: str
    folder: Path
    provenance: dict[str, object]


def score(
    home: Home,
    target_year: SchoolYear,
    *,
    after_day: int = 0,
    engine: Engine = "duckdb",
    accept_old_model: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> ScoringRun:
    """Score the cohort of a target year with the champion, keep the run, and put it in force.

    Args:
        home: holds the records and the champion.
        target_year: the school year predicted.
        after_day: instructional days of the target year already seen; 0 is before its first day.
        engine: where student years and features are computed.
        accept_old_model: why a champion made for two or more school years earlier is used all the same; it stays in
            the run's provenance. Empty: such a champion is refused.
        progress: told each step.

    Raises:
        NothingPromoted: no champion for that day, or one made for another school year.
        NotEnoughData: no records, nobody to score, or the records do not reach day n of the target year.
        UntrustedBundle: the champion's bundle was changed, or learned in another district.
        Busy: another command holds the home.
    """
    with home.locked():
        folder = home.ingested()
        champion, bundle = champion_bundle(home, after_day, districts=districts_of(folder))
        accepted = _refuse_other_question(bundle, target_year, after_day, accept_old_model.strip())
        recalibration = in_force(home, bundle, target_year)
        about = {
            **_inputs(folder, champion, target_year, after_day),
            "slots_percent": bundle.policy.slots_percent,
            RECALIBRATION: recalibration and recalibration.to_values(),
            **({"withheld": seal(home)} if withheld_students(home) else {}),
            **accepted,
        }
        _refuse_unseen_days(folder, target_year, after_day, about["data_through"])
        run_id = hashlib.sha256(to_json(about).encode()).hexdigest()[:16]
        place = home.scoring_runs / run_id
        if not place.exists():
            progress(f"scoring {target_year.label}")
            dataset = dataset_for(
                folder, [target_year], bundle.policy, after_day=after_day, engine=engine, with_outcomes=False
            )
            scored = dataset.where(~dataset.frame["student_id"].isin(withheld_students(home)).to_numpy())
            with new_folder(place) as temporary:
                _write_run(temporary, scored, as_recalibrated(bundle, recalibration), {"run_id": run_id, **about})
        _put_in_force(home, run_id, target_year)
    return ScoringRun(run_id, place, read_json(place / PROVENANCE))


def hand_out(run: ScoringRun, out: Path) -> list[Path]:
    """Copy list and provenance into `out`, each file whole or not at all."""
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    return [_copy(run.folder / name, out / name) for name in HANDED_OUT]


def current_run(home: Home) -> ScoringRun:
    """The scoring run in force.

    Raises:
        NotFound: nothing was scored yet.
    """
    if not home.current_scoring_run.exists():
        raise NotFound("Nothing was scored yet. Make a list with: ews score --target-year YEAR --out FOLDER")
    run_id = str(read_json(home.current_scoring_run)["run_id"])
    folder = home.scoring_runs / run_id
    return ScoringRun(run_id, folder, read_json(folder / PROVENANCE))


def run_before(home: Home, run: ScoringRun) -> ScoringRun | None:
    """The run that was in force for the same target year before this one; None where there was none."""
    of_year = _runs_by_year(home).get(str(run.provenance["target_year"]), {})
    folder = home.scoring_runs / str(of_year.get("before"))
    if of_year.get("run_id") != run.run_id or not folder.exists():
        return None
    return ScoringRun(folder.name, folder, read_json(folder / PROVENANCE))


def read_list(run: ScoringRun) -> pd.DataFrame:
    """The risk list of a run, as `ews.risk_list.risk_list` describes it."""
    return pd.read_parquet(run.folder / LIST)


def explanation_of(run: ScoringRun, student_id: str) -> dict[str, object]:
    """List row and explanation of one student in one run.

    Raises:
        NotFound: the student is not in this run's cohort.
    """
    by_student = [("student_id", "==", student_id)]
    row = pd.read_parquet(run.folder / LIST, filters=by_student)
    if row.empty:
        raise NotFound("No such student in the current list. Ids are text, as given: 007 is not 7.")
    more = pd.read_parquet(run.folder / EXPLANATIONS, filters=by_student)
    return {**more.iloc[0].to_dict(), **row.iloc[0].to_dict()}


def _refuse_other_question(bundle: Bundle, target_year: SchoolYear, after_day: int, accept: str) -> dict[str, object]:
    """A model that learned from a year may not be shown that year as if it were unknown, nor serve for ever.

    Returns:
        What the provenance says of a model used although it is old; nothing otherwise.
    """
    made_for = bundle.manifest["provenance"]
    year, day = SchoolYear.parse(made_for["target_year"]), int(made_for["after_day"])
    if day == after_day and target_year in (year, year.next):
        return {}
    is_old = day == after_day and target_year > year
    if is_old and accept:
        return {"old_model_accepted": {"made_for": year.ending, "why": accept}}
    way_out = " Or use this one all the same, and say why: --accept-old-model REASON" if is_old else ""
    raise NothingPromoted(
        f"The model in force was trained for {year.label} after day {day}, not for {target_year.label} after day "
        f"{after_day}. Train and promote one for it: ews train --target-year {target_year} --after-day {after_day}."
        + way_out
    )


def _refuse_unseen_days(folder: Path, target_year: SchoolYear, after_day: int, data_through: object) -> None:
    if after_day and not reaches_day(open_records(folder), target_year, after_day):
        raise NotEnoughData(
            f"The records, through {data_through}, do not reach day {after_day} of {target_year.label} in nine of ten "
            f"schools: days not seen yet would count as days of presence. Ingest newer records, then score again."
        )


def _runs_by_year(home: Home) -> dict[str, dict[str, str | None]]:
    """Of each target year the latest run, and the one before it; empty where nothing was scored."""
    if not home.current_scoring_run.exists():
        return {}
    return dict(read_json(home.current_scoring_run).get("by_target_year", {}))  # type: ignore[call-overload]  # below


def _put_in_force(home: Home, run_id: str, target_year: SchoolYear) -> None:
    """Point at a run; of each target year the run before it stays known, to tell what changed on the list."""
    by_year = _runs_by_year(home)
    latest = by_year.get(str(target_year), {}).get("run_id")
    if latest != run_id:
        by_year[str(target_year)] = {"run_id": run_id, "before": latest}
    write_atomically(home.current_scoring_run, to_json({"run_id": run_id, "by_target_year": by_year}))


def _inputs(folder: Path, champion: Champion, target_year: SchoolYear, after_day: int) -> dict[str, object]:
    manifest = read_json(folder / "manifest.json")
    return {
        "notice": NOTICE,
        "data_id": manifest["id"],
        "data_through": manifest["data_through"],
        "target_year": target_year.ending,
        "after_day": after_day,
        "model_version": champion.version,
        "bundle_sha256": champion.bundle_sha256,
        "made_with": f"ews {version('ews')}",
    }


def _write_run(folder: Path, dataset: Dataset, bundle: Bundle, about: dict[str, object]) -> None:
    if dataset.frame.empty:
        raise NotEnoughData("Nobody is in the cohort of that school year: no student is known to be enrolled then.")
    listed = []
    with RowGroups(folder / EXPLANATIONS) as kept:
        for part, probabilities, explanations in _explained(dataset, bundle):
            listed.append(list_rows(part, probabilities, explanations, bundle.policy))
            kept.write(explanation_rows(part, explanations))
    rows = ranked(pd.concat(listed, ignore_index=True), bundle.sha256)
    rows.to_parquet(folder / LIST, index=False)
    parquet_to_csv(folder / LIST, folder / LIST_CSV)
    counts = {"students": len(rows), "schools": int(rows["school_id"].nunique())}
    told = {**about, "counts": counts, MENTOR_RESPONSE: responses(dataset.frame)}
    (folder / PROVENANCE).write_text(to_json(told), encoding="utf-8")


def _explained(dataset: Dataset, bundle: Bundle) -> Iterator[tuple[Dataset, pd.DataFrame, Explanations]]:
    """Some students after the other, with their probabilities and explanations: memory holds two parts, not all.

    While the sentences of one part are written, which is Python's work, the model explains the next one, which is not.
    """
    _ = bundle.model.booster  # read once, not by two threads
    starts = iter(range(0, len(dataset.frame), ROWS_AT_ONCE))
    with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
        under_way = deque(pool.submit(_one_part, dataset, bundle, start) for start in islice(starts, PARTS_AT_ONCE))
        while under_way:
            done = under_way.popleft().result()
            under_way.extend(pool.submit(_one_part, dataset, bundle, start) for start in islice(starts, 1))
            yield done


def _one_part(dataset: Dataset, bundle: Bundle, start: int) -> tuple[Dataset, pd.DataFrame, Explanations]:
    part = replace(dataset, frame=dataset.frame.iloc[start : start + ROWS_AT_ONCE].reset_index(drop=True))
    x, frame = part.x, part.frame
    explanations = explain(
        bundle.model,
        x,
        frame["grade_level"],
        bundle.typical,
        bundle.policy,
        last_school_years=frame["last_school_year"],
    )
    return part, bundle.model.probabilities(x), explanations


def _copy(source: Path, target: Path) -> Path:
    temporary = target.with_name(f".tmp-{target.name}")
    shutil.copyfile(source, temporary)
    return temporary.replace(target)
