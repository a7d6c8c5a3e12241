"""The bundle: a model as six plain files, loaded only when every byte is the one that was registered.

`booster.txt`, `calibrator.json`, `features.json`, `policy.toml`, `metrics.json`, and `manifest.json` with the
size and SHA-256 of each. The hash of the manifest is the hash of the bundle. Nothing is unpickled, nothing in a
bundle names code to run, and LightGBM sees a text only after its hash matched: a truncated one would kill the
process, one changed digit would score in silence.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ews.calibration import Calibrator
from ews.errors import UntrustedBundle
from ews.features import FEATURES
from ews.home import Home, sha256, to_json, write_atomically
from ews.model import LIGHTGBM_VERSION, Model
from ews.policy import Policy

FORMAT = 1
MANIFEST = "manifest.json"
FILES = ("booster.txt", "calibrator.json", "features.json", "metrics.json", "policy.toml")

MOST_BYTES = 50_000_000
"""A file above this is refused before it is read; a real booster has a few million bytes."""

MOST_LEAVES = 500_000
"""A booster with more leaves in all its trees is refused before LightGBM sees it; the default has 4,500."""

_AGAIN = "Use the bundle that was registered, or train the model again."

Typical = Mapping[str, Mapping[str, float | None]]
"""Feature to grade to the median of the training rows, for the comparisons in reasons."""


@dataclass(frozen=True)
class Bundle:
    """A verified model with what it needs to be used and explained.

    Attributes:
        model: scores and explains.
        policy: the thresholds it was trained under.
        features: name, group, direction, meaning and phrase of each feature, in the model's order.
        typical: feature to grade to the training median; None where no student of the grade had a value.
        metrics: what its backtest measured.
        manifest: sizes, hashes, versions and provenance.
        sha256: hash of the manifest, and so of everything.
    """

    model: Model
    policy: Policy
    features: list[dict[str, object]]
    typical: Typical
    metrics: dict[str, object]
    manifest: dict[str, Any]
    sha256: str


def write_bundle(
    folder: Path, model: Model, metrics: dict[str, object], policy: Policy, typical: Typical,
    provenance: dict[str, object],
) -> str:  # fmt: skip
    """Write the six files into `folder` (made when missing) and return the bundle's SHA-256.

    Args:
        folder: an empty or missing folder.
        model: the trained model; each of its features has an entry in the catalogue.
        metrics: plain values for JSON, null where a metric has no meaning.
        policy: the policy it was trained under.
        typical: medians of the training rows by feature and grade.
        provenance: plain values for JSON: districts, target years, data fingerprint, code version.
    """
    _check_leaves(model.booster_text)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "booster.txt": model.booster_text,
        "calibrator.json": model.calibrator.to_json(),
        "features.json": to_json({"features": catalogue_of(model), "typical": typical}),
        "metrics.json": to_json(metrics),
        "policy.toml": policy.to_toml(),
    }
    for name, text in texts.items():
        write_atomically(folder / name, text)
    manifest = {
        "format": FORMAT,
        "files": {name: {"bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)} for name in FILES},
        "versions": {"ews": version("ews"), "lightgbm": LIGHTGBM_VERSION},
        "constant_features": list(model.constant_features),
        "provenance": provenance,
    }
    write_atomically(folder / MANIFEST, to_json(manifest))
    return sha256(folder / MANIFEST)


def load_bundle(folder: Path, expected_sha256: str, *, districts: Collection[str] = ()) -> Bundle:
    """Verify a bundle, then load it.

    Args:
        folder: holds exactly the six files.
        expected_sha256: hash of its manifest, from the registry, never from the bundle itself.
        districts: where given, the districts of which its provenance must name at least one, if it names any.

    Raises:
        UntrustedBundle: a hash, size, file name, format, version, district or feature is not the expected one.
    """
    manifest = verified_manifest(folder, expected_sha256)
    texts = _verified_texts(folder, manifest)
    _check_made_for(manifest, districts)
    _check_leaves(texts["booster.txt"])
    model = Model.from_text(texts["booster.txt"], Calibrator.from_json(texts["calibrator.json"]))
    described = json.loads(texts["features.json"])
    _check_features(model, described["features"])
    return Bundle(
        model=model,
        policy=Policy.from_toml(texts["policy.toml"]),
        features=described["features"],
        typical=described["typical"],
        metrics=json.loads(texts["metrics.json"]),
        manifest=manifest,
        sha256=expected_sha256,
    )


def bundle_folder(home: Home, sha256: str) -> Path:
    """Where the bundle with this hash is kept: made from the hash alone, never from an address in a store.

    Raises:
        UntrustedBundle: this is no SHA-256.
    """
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise UntrustedBundle("The bundle's hash is not 64 hex digits; the registry or a champion file was changed.")
    return home.bundles / sha256


def verified_manifest(folder: Path, expected_sha256: str) -> dict[str, object]:
    """The manifest alone: what a bundle says of itself, though its model may not be loadable here any more.

    Raises:
        UntrustedBundle: it is not the one with the expected hash, or not the manifest of six files.
    """
    content = _read(folder, MANIFEST)
    if hashlib.sha256(content).hexdigest() != expected_sha256:
        raise UntrustedBundle(f"The manifest in {folder} is not the registered one. {_AGAIN}")
    present = sorted(path.name for path in folder.iterdir())
    if present != sorted([*FILES, MANIFEST]):
        raise UntrustedBundle(f"{folder} must hold exactly {', '.join(FILES)} and {MANIFEST}. {_AGAIN}")
    manifest = dict(json.loads(content))
    if manifest.get("format") != FORMAT or sorted(manifest["files"]) != sorted(FILES):
        raise UntrustedBundle(f"The bundle in {folder} has another format than this version of ews reads. {_AGAIN}")
    return manifest


def catalogue_of(model: Model) -> list[dict[str, object]]:
    """The catalogue's entry of each of the model's features, in its order, as plain values.

    Raises:
        UntrustedBundle: the model uses a feature the catalogue does not know.
    """
    unknown = [name for name in model.feature_names if name not in FEATURES]
    if unknown:
        raise UntrustedBundle(
            f"The model uses features this version of ews does not make: {', '.join(unknown)}. "
            "Train the model again, or install the version it was trained with."
        )
    fields = ("name", "group", "direction", "meaning", "phrase")
    return [{field: getattr(FEATURES[name], field) for field in fields} for name in model.feature_names]


def _verified_texts(folder: Path, manifest: dict) -> dict[str, str]:
    """The files' texts: the very bytes that were hashed, so nothing can change in between."""
    texts = {}
    for name, recorded in manifest["files"].items():
        content = _read(folder, name)
        if len(content) != recorded["bytes"] or hashlib.sha256(content).hexdigest() != recorded["sha256"]:
            raise UntrustedBundle(f"{name} in {folder} was changed or cut after registration. {_AGAIN}")
        texts[name] = content.decode("utf-8")
    return texts


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        raise UntrustedBundle(f"{name} is missing in {folder}, or is no plain file. {_AGAIN}")
    if path.stat().st_size > MOST_BYTES:
        raise UntrustedBundle(f"{name} in {folder} has more than {MOST_BYTES:,} bytes. {_AGAIN}")
    return path.read_bytes()


def _check_made_for(manifest: dict, districts: Collection[str]) -> None:
    made_with, ours = str(manifest["versions"]["lightgbm"]), LIGHTGBM_VERSION
    if made_with.split(".")[0] != ours.split(".")[0]:
        raise UntrustedBundle(f"The bundle was made with LightGBM {made_with}, and this is {ours}. Train it again.")
    learned_in = manifest["provenance"].get("districts", [])
    if districts and learned_in and not set(districts) & set(learned_in):
        raise UntrustedBundle(
            f"The bundle was trained for another district: {', '.join(learned_in)}, and here are "
            f"{', '.join(sorted(districts))}. Train one on these records."
        )


def _check_leaves(booster_text: str) -> None:
    leaves = sum(int(number) for number in re.findall(r"^num_leaves=(\d+)$", booster_text, re.MULTILINE))
    if leaves > MOST_LEAVES:
        raise UntrustedBundle(
            f"The booster has {leaves:,} leaves; {MOST_LEAVES:,} are the most. Train with fewer rounds or leaves."
        )


def _check_features(model: Model, described: list[dict[str, object]]) -> None:
    """The booster's own columns, the bundle's list and today's catalogue name the same features alike."""
    if tuple(entry["name"] for entry in described) != model.feature_names:
        raise UntrustedBundle(f"features.json and booster.txt do not name the same features. {_AGAIN}")
    if [entry["direction"] for entry in catalogue_of(model)] != [entry["direction"] for entry in described]:
        raise UntrustedBundle("A feature changed its meaning since this bundle was trained. Train the model again.")
