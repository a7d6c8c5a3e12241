"""A prior: the bundle of other districts, from whose trees the training of a small district goes on.

It is pinned by its hash, kept beside the home's own bundles so that the training can be repeated, and refused where it
would make the back-test flatter itself: a prior that had seen the tested year elsewhere knows what that year was like.
"""

import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ews.bundle import Bundle, bundle_folder, load_bundle
from ews.dataset import Dataset
from ews.districts import districts_of
from ews.errors import UntrustedBundle
from ews.home import Home, new_folder
from ews.school_year import SchoolYear
from ews.tables import PRETEND


def prior_for(
    home: Home, dataset: Dataset, folder: Path | None, records: Path, progress: Callable[[str], None]
) -> Bundle | None:
    """The prior asked for: verified, fit for these rows, and kept in the home; None where none was asked for.

    Args:
        home: keeps it.
        dataset: the rows that will be learned from.
        folder: the bundle's, named by its hash.
        records: the folder of the ingest that the rows are from.
        progress: told of it.

    Raises:
        UntrustedBundle: as `load_prior` and `refuse_unfit`.
    """
    if folder is None:
        return None
    prior = load_prior(folder)
    refuse_unfit(prior, dataset, districts_of(records))
    keep_prior(home, folder, prior)
    progress(f"going on from the prior {prior.sha256[:12]}, learned on other districts")
    return prior


def load_prior(folder: Path) -> Bundle:
    """Verify and load a bundle from a folder that is named by its hash, as in `bundles/` of the home that made it.

    Raises:
        UntrustedBundle: the folder has another name, or what it holds is not what that hash says.
    """
    name = folder.resolve().name
    if len(name) != 64:
        raise UntrustedBundle(
            f"{folder} is not named by a bundle's SHA-256. Copy the folder from bundles/ of the home that trained it, "
            "name and all, and compare the name with what the people who trained it tell you."
        )
    return load_bundle(folder, name)


def refuse_unfit(prior: Bundle, dataset: Dataset, districts: Collection[str]) -> None:
    """Stop before anything is learned from a prior that does not fit what is trained.

    Args:
        prior: as of `load_prior`.
        dataset: the rows that will be learned from, tested on the last of their target years.
        districts: whose they are.

    Raises:
        UntrustedBundle: it had seen the tested year, other days of a year, or this district; or it does not say so.
    """
    made = prior.manifest["provenance"]
    if not made.get("learned_from"):
        raise UntrustedBundle("The prior does not say from which target years it learned, so it cannot be one.")
    if made["after_day"] != dataset.after_day:
        raise UntrustedBundle(
            f"The prior was trained for day {made['after_day']} of a year and this is for day {dataset.after_day}."
        )
    tested = int(np.max(dataset.frame["school_year"]))
    if max(made["learned_from"]) >= tested:
        raise UntrustedBundle(
            f"The prior had learned from {SchoolYear(max(made['learned_from'])).label}, and the back-test is on "
            f"{SchoolYear(tested).label}: it would look better than it is. Train the prior for an earlier target year."
        )
    shared = sorted(name for name in {*made.get("districts", [])} & {*districts} if not name.startswith(PRETEND))
    if shared:  # pretend districts all have the same name
        raise UntrustedBundle(f"The prior had learned from this district itself: {', '.join(shared)}.")


def keep_prior(home: Home, folder: Path, prior: Bundle) -> None:
    """Copy a prior beside the home's own bundles, under its hash, so that what was trained with it can be repeated."""
    place = bundle_folder(home, prior.sha256)
    if not place.exists():
        with new_folder(place) as kept:
            shutil.copytree(folder, kept, dirs_exist_ok=True)


def kept_prior(home: Home, made: Mapping[str, Any]) -> Bundle | None:
    """The prior that a training's provenance names; None where it used none.

    Raises:
        UntrustedBundle: it is not in this home, or was changed.
    """
    named = made.get("prior")
    return load_bundle(bundle_folder(home, named["sha256"]), named["sha256"]) if named else None


def named_prior(prior: Bundle | None) -> dict[str, object]:
    """What a bundle says of the prior it was trained with; nothing where there was none."""
    if prior is None:
        return {}
    made = prior.manifest["provenance"]
    named: dict[str, object] = {"sha256": prior.sha256}
    return {"prior": named | {name: made[name] for name in ("districts", "learned_from", "student_years")}}
