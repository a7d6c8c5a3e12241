"""Promotion as a gate: compare with the champion, ask the gates, and only then put a version in force.

What stops a promotion cannot be signed away; what is only unsure goes through with a named person's reason.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ews import registry
from ews.bundle import Bundle, bundle_folder, load_bundle
from ews.calibration import Calibrator, recalibrated, shifts_towards
from ews.comparison import CHAMPION, WATCHED, Comparison, about_and, compare, evidence, rows_of
from ews.dataset import Dataset
from ews.districts import is_pretend
from ews.engine import Engine
from ews.errors import PromotionRefused, UntrustedBundle
from ews.evaluation import MODEL, evaluate
from ews.home import Home, read_json, sha256
from ews.policy import Policy
from ews.registry import Champion, Version
from ews.subgroups import audit, gate, groups_for

MOST_OFF = 0.05
"""Mean probability minus observed share, beyond which estimates mislead (FAIR-6)."""

FEWEST_POSITIVES = 30
"""Below it a finding is too unsure to stop a promotion, and a person signs for it (FAIR-6)."""

IN_A_PRETEND_DISTRICT = "But no student of this district is real: to be signed for."

Gate = Literal["regression", "calibration", "groups", "comparison"]


@dataclass(frozen=True)
class Concern:
    """Something a gate found.

    Attributes:
        gate: which one.
        text: what it found and what to do.
        blocks: whether it stops the promotion; otherwise a person may sign for it.
    """

    gate: Gate
    text: str
    blocks: bool


@dataclass(frozen=True, eq=False)
class Promotion:
    """What a person sees before deciding.

    Attributes:
        version: the version that would be put in force.
        champion: what is in force for its as-of day, None for nothing.
        comparison: the two side by side, None where there is nothing to compare with.
        concerns: what the gates found, in their order.
        notes: what a person should know and no gate asks about.
    """

    version: Version
    champion: Champion | None
    comparison: Comparison | None
    concerns: tuple[Concern, ...]
    notes: tuple[str, ...]


def check(
    home: Home, version: Version, *, engine: Engine = "duckdb", progress: Callable[[str], None] = lambda _: None
) -> Promotion:
    """Compare a version with the champion of its as-of day and ask the gates. Nothing is put in force.

    Args:
        home: holds records, bundles and the evidence of trainings.
        version: the version that would be put in force.
        engine: where features are computed.
        progress: told each step.

    Raises:
        NotEnoughData: the evidence of the version's training is not in this home.
        UntrustedBundle: the version's bundle or evidence was changed.
        Busy: another command holds the home.
    """
    with home.locked():
        bundle = load_bundle(bundle_folder(home, version.bundle_sha256), version.bundle_sha256)
        predictions = evidence(home, version, bundle)
        progress("gathering what was known before the year both are measured on")
        measured_on = rows_of(home, predictions, bundle.policy, version.after_day, engine)
        current = registry.champion_or_none(home, version.after_day)
        comparison: Comparison | None = None
        concerns: list[Concern] = []
        if current is not None and current.bundle_sha256 != version.bundle_sha256:
            progress(f"comparing with version {current.version}, which is in force")
            try:
                comparison = compare(home, current, predictions, measured_on, bundle.policy, engine)
                concerns += _regression(comparison)
            except UntrustedBundle as error:  # so broken that it may be replaced unseen, if a person says so
                concerns.append(Concern("comparison", f"It cannot be compared with the champion. {error}", False))
        progress("asking the gates")
        off = _miscalibration(predictions, bundle.policy, comparison)
        concerns += off
        judged = _at_the_observed_level(predictions, bundle.policy) if off else predictions
        concerns += _groups(home, judged, measured_on, bundle.policy)
    return Promotion(version, current, comparison, tuple(concerns), _notes(home, version, bundle))


def promote(home: Home, promotion: Promotion, *, by: str, why: str, promoted_at: str, sign_off: str = "") -> Champion:
    """Put a checked version in force, and keep who, why, what was compared and what was signed for.

    Args:
        home: the home it was checked in.
        promotion: what `check` gave, and the person saw.
        by: the person who decides.
        why: their reason.
        promoted_at: when, as ISO 8601 with time zone.
        sign_off: why a concern that does not block is taken on; required where there is one.

    Raises:
        PromotionRefused: a gate blocks, a sign-off is missing, or who trained the version would decide alone.
        Busy: another promotion came first, or another command holds the home.
        InputRefused: no name or no reason.
        RegistryUnavailable: the registry cannot be told; nothing was changed.
    """
    refuse_blocked(promotion, sign_off)
    _refuse_alone(promotion.version, by)
    seen = promotion.champion
    return registry.promote(
        home,
        promotion.version,
        by=by,
        why=why,
        promoted_at=promoted_at,
        replaces=seen.version if seen else None,
        evidence={**_told(promotion, sign_off), **_seals(home, promotion.version)},
    )


def refuse_blocked(promotion: Promotion, sign_off: str) -> None:
    """Refuse what a gate stops, and what nobody signed for.

    Raises:
        PromotionRefused: a gate blocks, or a sign-off is missing.
    """
    number = promotion.version.version
    stops = [concern.text for concern in promotion.concerns if concern.blocks]
    if stops:
        raise PromotionRefused(
            f"Version {number} is not put in force: {_briefly(stops)} What was in force stays in force. "
            "What can be done: docs/retraining.md, section 'When a gate says no'."
        )
    asks = [concern.text for concern in promotion.concerns]
    if asks and not sign_off.strip():
        raise PromotionRefused(
            f"Version {number} needs a sign-off: {_briefly(asks)} Read them all with --compare-only, and if it "
            "is right to go on, say why: --sign-off REASON"
        )


def _refuse_alone(version: Version, by: str) -> None:
    """Who trained a version does not put it in force: a second person looks at it (SEC-16)."""
    if version.trained_by and _as_one(version.trained_by) == _as_one(by):
        raise PromotionRefused(
            f"Version {version.version} was trained by {version.trained_by}: a second person decides about it. "
            "Let somebody else look at the comparison and promote it: ews promote --by NAME"
        )


def _as_one(name: str) -> str:
    """Names that differ in case or blanks only are of one person."""
    return " ".join(name.casefold().split())


def _seals(home: Home, version: Version) -> dict[str, str]:
    """Hashes of what was known of the groups when it was decided; none where it is no longer there."""
    folder = home.evidence / version.bundle_sha256
    return {
        f"{path.stem}_sha256": sha256(path) for path in (folder / "audit.csv", folder / "gate.json") if path.exists()
    }


def _briefly(texts: list[str]) -> str:
    more = f" And {len(texts) - 1} more findings." if len(texts) > 1 else ""
    return texts[0] + more


def _regression(comparison: Comparison) -> list[Concern]:
    table = comparison.table
    worse = table[(table["group"] == "not yet chronic") & table["metric"].isin(WATCHED) & (table["high"] < 0)]
    return [
        Concern(
            "regression",
            f"For students not yet chronic its {row.metric} is worse than the champion's, by {-row.difference:.3f} "
            f"({-row.high:.3f} to {-row.low:.3f}). Keep the champion, and train with more years or other parameters.",
            blocks=True,
        )
        for row in worse.itertuples()
    ]


def _miscalibration(predictions: pd.DataFrame, policy: Policy, comparison: Comparison | None) -> list[Concern]:
    """Estimates off on average stop a promotion where those of what is in force are not; otherwise a person signs.

    When absence jumps for everyone no training helps, only recalibration once in force: a district with nothing, or
    with a champion that is as far off, must not be left with that.
    """
    measured = evaluate(predictions[about_and(predictions, MODEL)], policy)
    row = measured.query("group == 'all' and metric == 'calibration_in_the_large'").iloc[0]
    if abs(row["value"]) <= MOST_OFF:
        return []
    is_shown = bool(row["low"] > 0 or row["high"] < 0) and row["positives"] >= FEWEST_POSITIVES
    champion_is_true = comparison is not None and abs(_champions_miscalibration(comparison)) <= MOST_OFF
    text = (
        f"Out of time its estimates were {100 * abs(row['value']):.1f} points too "
        f"{'high' if row['value'] > 0 else 'low'} on average "
        f"(from {100 * row['low']:+.1f} to {100 * row['high']:+.1f}; {100 * MOST_OFF:.0f} are the most). "
        "Groups are judged with that difference taken out."
    )
    return [Concern("calibration", text, blocks=bool(is_shown and champion_is_true))]


def _champions_miscalibration(comparison: Comparison) -> float:
    row = comparison.table.query("group == 'all' and metric == 'calibration_in_the_large'").iloc[0]
    return float(row[CHAMPION])


def _at_the_observed_level(predictions: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The same order with the mean that was observed, so that one jump of everybody is not told once a group."""
    risk = predictions[MODEL].to_numpy(dtype="float64").clip(1e-9, 1 - 1e-9)
    log_odds = np.log(risk / (1 - risk))
    percent = policy.chronic_percent
    as_it_is = Calibrator(percent, (percent,), (0.0,), (1.0,), 0)
    shifts = shifts_towards(as_it_is, log_odds, {percent: float(predictions["outcome"].mean())})
    return predictions.assign(**{MODEL: recalibrated(as_it_is, shifts).risk(log_odds)})


def _groups(home: Home, predictions: pd.DataFrame, measured_on: Dataset, policy: Policy) -> list[Concern]:
    """What the audit of groups finds (FAIR-6); in a simulated district, where nobody is served, a person signs."""
    folder = home.ingested()
    findings = gate(audit(predictions, groups_for(folder, measured_on.frame), policy))
    pretend = is_pretend(folder)
    return [
        Concern(
            "groups",
            f"{finding.text} {IN_A_PRETEND_DISTRICT}" if finding.blocks and pretend else finding.text,
            blocks=finding.blocks and not pretend,
        )
        for finding in findings
    ]


def _notes(home: Home, version: Version, bundle: Bundle) -> tuple[str, ...]:
    made = bundle.manifest["provenance"]
    now = str(read_json(home.ingested() / "manifest.json")["id"])
    if made.get("data_id") == now:
        return ()
    return (f"Records were ingested since version {version.version} was trained; it did not learn from them.",)


def _told(promotion: Promotion, sign_off: str) -> dict[str, object]:
    compared = promotion.comparison
    return {
        "compared_with": compared and compared.how,
        "school_year": compared and compared.school_year.ending,
        "differences": _plain(compared.table) if compared else [],
        "concerns": [concern.text for concern in promotion.concerns],
        "sign_off": sign_off.strip(),
    }


def _plain(table: pd.DataFrame) -> list[dict[str, object]]:
    rows = table[table["metric"].isin(WATCHED)].to_dict("records")
    return [{str(name): _or_null(value) for name, value in row.items()} for row in rows]


def _or_null(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value
