"""What is in force: one champion for each as-of day, as files of the home that work when the registry does not.

A champion file pins a bundle by its hash. Who put it there, why, what it replaced and what a rollback puts back is a
line of `promotions.jsonl`, which only grows.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ews.bundle import Bundle, bundle_folder, load_bundle
from ews.errors import Busy, InputRefused, NothingPromoted, RegistryUnavailable
from ews.home import Home, read_json, to_json, write_atomically
from ews.registry.store import MODEL_NAME, reaching
from ews.registry.versions import Version

CHAMPION = "champion"
"""The alias of the version in force at term start; that of a later day is `champion-day-020`."""


@dataclass(frozen=True)
class Champion:
    """The model version in force for one as-of day, as its file in the home names it.

    Attributes:
        version: number of the registered version.
        run_id: the MLflow run that trained it.
        bundle_sha256: hash of the bundle's manifest; nothing else is ever loaded.
        promoted_by: the person who decided.
        why: their reason, in their words.
        promoted_at: when, as ISO 8601 with time zone.
    """

    version: int
    run_id: str
    bundle_sha256: str
    promoted_by: str
    why: str
    promoted_at: str


def champion(home: Home, after_day: int = 0) -> Champion:
    """The version in force for an as-of day. Reads one file; works without MLflow.

    Raises:
        NothingPromoted: none was promoted for that day yet; the message names the days that have one.
    """
    path = home.champion_of(after_day)
    if not path.exists():
        raise NothingPromoted(
            f"No model for {_day(after_day)} is in force. {_known_days(home)} "
            f"Train one with: ews train --target-year YEAR --after-day {after_day}; "
            "put it in force with: ews promote --by NAME --why REASON"
        )
    return Champion(**read_json(path))  # type: ignore[arg-type]  # the file is our own, written by promote


def champion_or_none(home: Home, after_day: int = 0) -> Champion | None:
    """The version in force for an as-of day, or None before the first promotion."""
    return champion(home, after_day) if home.champion_of(after_day).exists() else None


def champions(home: Home) -> dict[int, Champion]:
    """Every champion by its as-of day, earliest day first."""
    names = (re.fullmatch(r"day-(\d+)\.json", path.name) for path in home.champions.glob("day-*.json"))
    days = [0, *sorted(int(name[1]) for name in names if name)]
    return {day: found for day in days if (found := champion_or_none(home, day)) is not None}


def champion_bundle(home: Home, after_day: int = 0, *, districts: Collection[str] = ()) -> tuple[Champion, Bundle]:
    """The champion of an as-of day with its bundle, read once and checked against the pinned hash.

    Args:
        home: holds the champion files and the bundles.
        after_day: the as-of day.
        districts: whose records are to be scored; see `ews.bundle.load_bundle`.

    Raises:
        NothingPromoted: none was promoted for that day yet.
        UntrustedBundle: the bundle is not the one that was promoted.
    """
    current = champion(home, after_day)
    folder = bundle_folder(home, current.bundle_sha256)
    return current, load_bundle(folder, current.bundle_sha256, districts=districts)


def alias_of(after_day: int) -> str:
    """The registry's alias for the champion of an as-of day.

    >>> alias_of(0), alias_of(20)
    ('champion', 'champion-day-020')
    """
    return CHAMPION if after_day == 0 else f"{CHAMPION}-day-{after_day:03d}"


def promote(
    home: Home, version: Version, *, by: str, why: str, promoted_at: str, replaces: int | None,
    evidence: Mapping[str, object] | None = None,
) -> Champion:  # fmt: skip
    """Put a version in force for its as-of day: check its bundle, move the alias, keep the line, write the file.

    It asks no gate: whoever decides goes through `ews.promotion`.

    Args:
        home: holds the store, the bundles and the champion files.
        version: the version to put in force.
        by: the person who decides.
        why: their reason; it stays with the version.
        promoted_at: when, as ISO 8601 with time zone.
        replaces: number of the champion of that day the person saw when deciding, None for none.
        evidence: what the decision rested on, kept in the line; plain values for JSON.

    Raises:
        Busy: another promotion came first, or another command holds the home.
        InputRefused: no name or no reason.
        RegistryUnavailable: the alias cannot be moved; nothing was changed.
        UntrustedBundle: the bundle is not the one that was registered.
    """
    _refuse_nameless(by, why)
    with home.locked():
        before = champion_or_none(home, version.after_day)
        if (before and before.version) != replaces:
            raise Busy("Another promotion came first. Look at what is in force now, and promote again if still wanted.")
        load_bundle(bundle_folder(home, version.bundle_sha256), version.bundle_sha256)
        current = Champion(version.version, version.run_id, version.bundle_sha256, by, why, promoted_at)
        line = _line("promote", version.after_day, current, before, before, evidence or {})
        _tell_registry(home, line)
        _put_in_force(home, line, current)
    return current


def roll_back(home: Home, after_day: int, *, by: str, why: str, promoted_at: str) -> tuple[Champion, str]:
    """Put back the champion that the one in force replaced; a second time, the one before that.

    Works when the registry does not: then the alias stays where it was.

    Returns:
        The champion now in force, and why the registry could not be told, empty where it was.

    Raises:
        Busy: another command holds the home.
        InputRefused: no name or no reason.
        NothingPromoted: nothing is in force for that day, or there was none before it.
        UntrustedBundle: the earlier bundle is no longer the one that was promoted.
    """
    _refuse_nameless(by, why)
    with home.locked():
        current = champion(home, after_day)
        earlier = _before(home, after_day, current)
        load_bundle(bundle_folder(home, earlier.bundle_sha256), earlier.bundle_sha256)
        again = Champion(earlier.version, earlier.run_id, earlier.bundle_sha256, by, why, promoted_at)
        line = _line("roll back", after_day, again, current, _before_or_none(home, after_day, earlier), {})
        notice = _tell_registry_if_it_answers(home, line)
        _put_in_force(home, line, again)
    return again, notice


def history(home: Home) -> list[dict[str, Any]]:
    """Every promotion and rollback, oldest first; empty before the first.

    Each has action (promote or roll back), after_day, the fields of `Champion`, instead_of (version replaced, null
    for none), before (the champion a rollback puts back, null for none) and evidence.
    """
    if not home.promotions.exists():
        return []
    return [json.loads(line) for line in home.promotions.read_text(encoding="utf-8").splitlines()]


def _line(
    action: str, after_day: int, current: Champion, replaced: Champion | None, before: Champion | None,
    evidence: Mapping[str, object],
) -> dict[str, object]:  # fmt: skip
    return {
        "action": action,
        "after_day": after_day,
        **asdict(current),
        "instead_of": replaced and replaced.version,
        "before": asdict(before) if before else None,
        "evidence": dict(evidence),
    }


def _put_in_force(home: Home, line: Mapping[str, object], current: Champion) -> None:
    """The line first: a kill in between leaves a line whose champion never came into force, and is never a way back."""
    known = home.promotions.read_text(encoding="utf-8") if home.promotions.exists() else ""
    write_atomically(home.promotions, known + json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
    write_atomically(home.champion_of(int(str(line["after_day"]))), to_json(asdict(current)))


def _before(home: Home, after_day: int, current: Champion) -> Champion:
    earlier = _before_or_none(home, after_day, current)
    if earlier is None:
        raise NothingPromoted(
            f"No champion was in force before version {current.version} for {_day(after_day)}. "
            "Any registered version can be put in force by its number: ews promote --version N (ews versions)."
        )
    return earlier


def _before_or_none(home: Home, after_day: int, current: Champion) -> Champion | None:
    """What the line that put a champion in force names as the one before it."""
    asked = (after_day, current.version, current.promoted_at)
    for line in reversed(history(home)):
        if (line["after_day"], line["version"], line["promoted_at"]) == asked:
            return Champion(**line["before"]) if line["before"] else None
    return None


def _tell_registry(home: Home, line: Mapping[str, Any]) -> None:
    """Tags of the version say who and why; one more tag a promotion keeps them all."""
    number = str(line["version"])
    tags = {key: line[key] for key in ("promoted_by", "why", "promoted_at")}
    tags[f"promotion_{len(history(home)) + 1:04d}"] = json.dumps(line, ensure_ascii=False)
    with reaching(home) as asked:
        for key, value in tags.items():
            asked.set_model_version_tag(MODEL_NAME, number, key, value)
        asked.set_registered_model_alias(MODEL_NAME, alias_of(line["after_day"]), number)


def _tell_registry_if_it_answers(home: Home, line: Mapping[str, Any]) -> str:
    try:
        _tell_registry(home, line)
    except RegistryUnavailable as error:
        return str(error)
    return ""


def _refuse_nameless(by: str, why: str) -> None:
    if not by.strip() or not why.strip():
        raise InputRefused("A promotion needs a name (--by) and a reason (--why); both stay with the version.")


def _known_days(home: Home) -> str:
    known = champions(home)
    if not known:
        return "Nothing is in force yet."
    return f"There is one for: {', '.join(_day(day) for day in known)}."


def _day(after_day: int) -> str:
    return f"day {after_day}" if after_day else "term start"
