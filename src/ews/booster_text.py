"""LightGBM's own text form of a booster, handled as text: leaves stretched, trees of two boosters put together.

A booster's raw score is the sum of its leaves, so both are exact: scores, and with them TreeSHAP contributions, are
multiplied, or added. LightGBM reads the text and writes it anew, sizes and numbers of trees included.
"""

import re

_LEAVES = re.compile(r"^leaf_value=(.*)$", re.MULTILINE)
_SIZES = re.compile(r"^tree_sizes=.*\n", re.MULTILINE)
_FIRST_TREE, _AFTER_TREES = "\nTree=", "\nend of trees"


def stretched(text: str, by: float) -> str:
    """The text of a booster whose raw scores are those of `text` times `by`."""

    def leaves(line: re.Match[str]) -> str:
        return "leaf_value=" + " ".join(repr(float(value) * by) for value in line[1].split())

    return _LEAVES.sub(leaves, _SIZES.sub("", text))


def joined(first: str, then: str) -> str:
    """The text of a booster whose raw scores are the sums of two boosters' of the same features.

    Args:
        first: whose trees come first.
        then: whose trees come after, and whose settings and ranges of features are kept.
    """
    head, own_trees = _SIZES.sub("", then).split(_FIRST_TREE, 1)
    return head + _trees(first) + _FIRST_TREE + own_trees


def without_threads(text: str) -> str:
    """The text without the number of threads, the one setting that changes no score."""
    return re.sub(r"^\[num_threads: \d+\]$", "[num_threads: 0]", text, flags=re.MULTILINE)


def ranges_seen(text: str) -> list[tuple[float, float] | None]:
    """What training saw of each feature: (lowest, highest), or None where it was constant."""
    line = re.search(r"^feature_infos=(.*)$", text, re.MULTILINE)
    return [_range(info) for info in (line[1].split() if line else [])]


def _range(info: str) -> tuple[float, float] | None:
    """LightGBM's note on a feature, `[0:0.75]`, or `none` where it was constant."""
    if info == "none":
        return None
    lowest, highest = info.strip("[]").split(":")
    return float(lowest), float(highest)


def _trees(text: str) -> str:
    """The part of a text that holds its trees; empty where boosting found nothing to split."""
    start = text.find(_FIRST_TREE)
    return text[start : text.index(_AFTER_TREES)].rstrip("\n") + "\n\n" if start >= 0 else ""
