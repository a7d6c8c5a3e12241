"""Training: from the records in force to a registered model version, or to nothing at all.

The version is made last, in one transaction, when bundle and evidence are whole and on disk. Killed before,
there is none, and the next training closes what was left open.
"""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ews import registry
from ews.backtest import backtest, chosen_split
from ews.bundle import Bundle, load_bundle, write_bundle
from ews.dataset import Dataset, dataset_for, target_years_with_outcomes
from ews.districts import districts_of
from ews.engine import Engine
from ews.errors import InvalidPolicy, NotEnoughData
from ews.evaluation import MODEL, differences, evaluate, verdict
from ews.home import Home, new_folder, read_json, to_json, write_atomically
from ews.model import Model, Parameters, fit
from ews.model_card import Training, hand_out, manifest_of, steward_of
from ews.policy import Policy
from ews.prior import named_prior, prior_for
from ews.profile import profile_of
from ews.reasons import typical_values
from ews.reliability import calibration_table
from ews.report import HOW, Backtested
from ews.report import hand_out as hand_out_report
from ews.risk_list import to_csv
from ews.school_year import SchoolYear
from ews.subgroups import audit, gate, groups_for, published
from ews.treatment import TREATED, UNKNOWN, account, refuse_silent_keeping
from ews.withheld import seal, withheld_students

PREDICTIONS = "predictions.parquet"
"""The out-of-time predictions of a training, in `evidence/<bundle_sha256>/` of the home."""

NOTE = "mlflow.note.content"
"""The tag that MLflow's pages show as a run's description."""


@dataclass(frozen=True)
class Trained:
    """A registered version and what it rests on.

    Attributes:
        version: number of the registered version.
        run_id: its MLflow run.
        bundle_sha256: hash of its bundle; the same records and parameters give the same.
        learned_from: target years whose outcomes it learned from.
        students: rows it learned from, one a student and target year.
        verdict: one sentence on model and last year's rate, from the out-of-time back-test.
    """

    version: int
    run_id: str
    bundle_sha256: str
    learned_from: tuple[SchoolYear, ...]
    students: int
    verdict: str


@dataclass(frozen=True)
class Evidence:
    """What the out-of-time back-test of the last target year found."""

    predictions: pd.DataFrame
    evaluation: pd.DataFrame
    differences: pd.DataFrame

    @property
    def verdict(self) -> str:
        """One sentence on model and last year's rate."""
        return verdict(self.differences)


def train(
    home: Home,
    target_year: SchoolYear,
    policy: Policy,
    parameters: Parameters,
    *,
    after_day: int = 0,
    engine: Engine = "duckdb",
    note: str = "",
    code: str = "",
    keep_treated: str = "",
    prior: Path | None = None,
    by: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Learn from every earlier target year with outcomes, and register a version.

    Args:
        home: holds the records; receives bundle, run and version.
        target_year: the school year the model is for; nothing of it or later is learned from.
        policy: the district's thresholds.
        parameters: how the booster learns.
        after_day: instructional days of each target year that are seen; 0 is before its first day.
        engine: where student years and features are computed.
        note: why this was trained, in the person's words; kept with the run.
        code: which code this is, as a commit; kept in the bundle.
        keep_treated: why outcomes of students with a mentor are learned from, where the policy says `keep`; it stays
            in the bundle.
        prior: folder of a bundle of other districts, named by its hash, from whose trees learning goes on; None to
            learn from these records alone.
        by: who trains; somebody else puts the version in force (`ews.promotion`). Kept with run and version, not in the
            bundle.
        progress: told each step.

    Raises:
        InvalidPolicy: the policy keeps students with a mentor, and no reason is given; or the other way round.
        NotEnoughData: no earlier target year has known outcomes, or too few students.
        UntrustedBundle: the prior is not the bundle its folder's name says, or had seen what the back-test is on.
        Busy: another command holds the home.
    """
    with home.locked():
        folder = home.ingested()
        question = {"target_year": target_year.ending, "after_day": after_day, "data_id": _data_id(folder)}
        tags = {name: str(value) for name, value in question.items()} | ({NOTE: note} if note else {})
        tags |= {registry.TRAINED_BY: by.strip()} if by.strip() else {}
        with registry.training_run(home, name=f"train for {target_year.label}", tags=tags) as run:
            progress(f"gathering what was known before {target_year.label}")
            dataset = learnable(home, target_year, policy, after_day=after_day, engine=engine)
            treated = _treated(dataset, policy, keep_treated, progress)
            begun_from = prior_for(home, dataset, prior, folder, progress)
            evidence = gather(dataset, parameters, policy, progress, prior=begun_from)
            learned = dataset.to_learn_from(policy)
            progress(f"learning from {len(learned.frame):,} student years")
            model = fit(learned, parameters, policy, prior=begun_from.model if begun_from else None)
            whose = {"districts": list(districts_of(folder)), **named_prior(begun_from)}
            withheld = {"withheld": seal(home)} if withheld_students(home) else {}
            about = {**_learned(learned), **_choices(parameters), **treated, **withheld, "code": code}
            provenance = {**question, **whose, **about}
            sha256 = _keep_bundle(home, model, dataset, evidence, policy, provenance)
            _keep_predictions(home, sha256, evidence)
            progress("auditing by group")
            audited = audit(evidence.predictions, groups_for(folder, dataset.frame), policy)
            progress("writing report and model card")
            found = _found(dataset, model, evidence, audited, policy)
            _record_evidence(home, run, sha256, found, progress)
            progress("recording the run")
            logged = _record(home, run, sha256, model, evidence, provenance)
        version = registry.register(home, run.run_id, logged, {**tags, "bundle_sha256": sha256})
    return Trained(version, run.run_id, sha256, _years(learned), len(learned.frame), evidence.verdict)


def learnable(
    home: Home, target_year: SchoolYear, policy: Policy, *, after_day: int = 0, engine: Engine = "duckdb"
) -> Dataset:
    """Every earlier target year's rows with a known outcome, without students who are not to be scored (P07).

    Raises:
        NotEnoughData: there is none.
    """
    folder = home.ingested()
    years = [year for year in target_years_with_outcomes(folder, policy, engine) if year < target_year]
    if not years:
        raise NotEnoughData(
            f"No school year before {target_year.label} has both known outcomes and a year before it to learn from. "
            "Two complete school years are the least. Ingest earlier years, or choose a later target year."
        )
    dataset = dataset_for(folder, years, policy, after_day=after_day, engine=engine).labelled()
    return dataset.where(~dataset.frame["student_id"].isin(withheld_students(home)).to_numpy())


def _treated(
    dataset: Dataset, policy: Policy, why_kept: str, progress: Callable[[str], None]
) -> dict[str, dict[str, object]]:
    """What the bundle says of students with a mentor; whoever trains is told as well."""
    refuse_silent_keeping(dataset.frame, policy, why_kept)
    found = account(dataset.frame, policy, why_kept)
    left_out = len(dataset.frame) - len(dataset.to_learn_from(policy).frame)
    if dataset.frame[TREATED].isna().any():
        progress(f"{UNKNOWN}: mentoring is not recorded, and outcomes are learned as they are")
    elif why_kept:
        progress(f"learning from students with a mentor all the same: {why_kept}")
    elif left_out:
        progress(f"leaving out {left_out:,} student years with a mentor")
    return {"treated_students": found}


def gather(
    dataset: Dataset,
    parameters: Parameters,
    policy: Policy,
    progress: Callable[[str], None] = lambda _: None,
    *,
    prior: Bundle | None = None,
) -> Evidence:
    """Back-test the last target year of a dataset, with intervals and paired differences."""
    known = prior.model if prior else None
    predictions = backtest(dataset, parameters, policy, only_last=True, prior=known, progress=progress)
    return Evidence(predictions, evaluate(predictions, policy), differences(predictions, policy))


def flat(evaluation: pd.DataFrame) -> dict[str, float]:
    """Metrics under names MLflow takes: `auc.not_yet_chronic.LightGBM`; those without a meaning are left out."""
    known = evaluation.dropna(subset="value")
    names = known["metric"] + "." + known["group"] + "." + known["method"]
    plain = names.str.replace("'", "").str.replace(" ", "_")
    return dict(zip(plain, known["value"].astype(float), strict=True))


def _keep_bundle(
    home: Home, model: Model, dataset: Dataset, evidence: Evidence, policy: Policy, provenance: Mapping[str, object]
) -> str:
    """Write the bundle under its hash, whole or not at all, and read it back as whoever scores will."""
    metrics: dict[str, object] = {
        "verdict": evidence.verdict,
        "evaluation": _records(evidence.evaluation),
        "calibration": _records(calibration_table(evidence.predictions, policy)),
        "profile": _profile(dataset, evidence, policy),
    }
    typical = typical_values(dataset)
    with tempfile.TemporaryDirectory(dir=home.path, prefix=".tmp-") as temporary:
        written = Path(temporary) / "bundle"
        sha256 = write_bundle(written, model, metrics, policy, typical, dict(provenance))
        place = registry.bundle_folder(home, sha256)
        with new_folder(place) as folder:
            shutil.copytree(written, folder, dirs_exist_ok=True)
    load_bundle(place, sha256)
    return sha256


def _profile(dataset: Dataset, evidence: Evidence, policy: Policy) -> dict[str, object]:
    """What the last year learned from looked like: monitoring compares with the nearest, not with the mean of all."""
    last = dataset.where((dataset.frame["school_year"] == dataset.frame["school_year"].max()).to_numpy())
    return profile_of(last.x, evidence.predictions[MODEL].to_numpy(), last.frame["grade_level"], policy)


def _keep_predictions(home: Home, sha256: str, evidence: Evidence) -> None:
    """In the home and not in the run: they are records of students, and the registry may be shown to others."""
    with new_folder(home.evidence / sha256) as folder:
        evidence.predictions.to_parquet(folder / PREDICTIONS, index=False)


def _record(
    home: Home, run: registry.Run, sha256: str, model: Model, evidence: Evidence, provenance: Mapping[str, object]
) -> Any:
    run.log({**provenance, "bundle_sha256": sha256}, flat(evidence.evaluation))
    run.log_files(registry.bundle_folder(home, sha256), "bundle")
    return run.log_model(model.booster, model.feature_names)


def _found(dataset: Dataset, model: Model, evidence: Evidence, audited: pd.DataFrame, policy: Policy) -> Backtested:
    return Backtested(
        dataset, model, evidence.predictions, evidence.evaluation, evidence.differences, published(audited),
        gate(audited), policy, HOW[chosen_split(dataset, "auto")],
    )  # fmt: skip


def _record_evidence(
    home: Home, run: registry.Run, sha256: str, found: Backtested, progress: Callable[[str], None]
) -> None:
    """What was measured and found, without the groups too small to be told of; in the run and beside the bundle."""
    with tempfile.TemporaryDirectory(dir=home.path, prefix=".tmp-") as temporary:
        measured, shown = Path(temporary) / "evidence", Path(temporary) / "report"
        for name, text in _texts(found).items():
            write_atomically(measured / name, text)
        _write_cards(home, sha256, found, measured, progress)
        hand_out_report(found, shown)
        run.log_files(measured, "evidence")
        run.log_files(shown, "report")
        for file in measured.iterdir():
            file.replace(home.evidence / sha256 / file.name)


def _texts(found: Backtested) -> dict[str, str]:
    return {
        "evaluation.csv": to_csv(found.evaluation),
        "differences.csv": to_csv(found.differences),
        "audit.csv": to_csv(found.audited),
        "gate.json": to_json({"findings": [asdict(finding) for finding in found.findings]}),
    }


def _write_cards(home: Home, sha256: str, found: Backtested, folder: Path, progress: Callable[[str], None]) -> None:
    """Model card, datasheet and family page; without someone who answers for it there is none, and that is told."""
    try:
        steward = steward_of(home)
    except InvalidPolicy as error:
        progress(f"no model card yet. {error} Then: ews card --out FOLDER")
        return
    bundle = load_bundle(registry.bundle_folder(home, sha256), sha256)
    manifest = manifest_of(home, _data_id(home.ingested()))
    about = (found.predictions, found.evaluation, found.differences, found.audited, found.findings)
    hand_out(Training(bundle, None, *about, manifest, [], steward), folder)


def _choices(parameters: Parameters) -> dict[str, object]:
    """What changes the model; the number of threads changes the time only, and so not the bundle."""
    return {name: value for name, value in asdict(parameters).items() if name != "threads"}


def _learned(dataset: Dataset) -> dict[str, object]:
    return {"learned_from": [year.ending for year in _years(dataset)], "student_years": len(dataset.frame)}


def _years(dataset: Dataset) -> tuple[SchoolYear, ...]:
    return tuple(SchoolYear(int(year)) for year in sorted(dataset.frame["school_year"].unique()))


def _records(evaluation: pd.DataFrame) -> list[dict[str, object]]:
    """Rows as plain values, null where a metric has no meaning."""
    return evaluation.astype(object).where(evaluation.notna(), None).to_dict(orient="records")


def _data_id(folder: Path) -> str:
    return str(read_json(folder / "manifest.json")["id"])
