"""Sections of docs/results.md that commands of their own measure: kept as figures, so that every page can show them."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from benchmarks import effect_page, slots_page

KEPT = Path(__file__).parent / "kept"
PAGE = Path(__file__).parents[1] / "docs" / "results.md"

Tables = dict[str, pd.DataFrame]

SECTIONS: dict[str, tuple[str, Callable[[Tables, str], str]]] = {
    "slots": (slots_page.TITLE, slots_page.section),
    "effect": (effect_page.TITLE, effect_page.section),
}
"""By the name of the kept figures: the section's title, and what makes it."""


def keep(name: str, tables: Tables, commit: str) -> None:
    """Keep what was measured, as JSON beside this file."""
    rows = {table: json.loads(frame.to_json(orient="records", double_precision=6)) for table, frame in tables.items()}
    text = json.dumps({"commit": commit, **rows}, indent=1)
    KEPT.mkdir(exist_ok=True)
    (KEPT / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def kept(name: str) -> tuple[Tables, str] | None:
    """What was measured and by which code; None where nothing was."""
    path = KEPT / f"{name}.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    commit = found.pop("commit")
    return {table: pd.DataFrame(rows) for table, rows in found.items()}, commit


def put(page: str, title: str, section: str) -> str:
    """The page with this section in place of the one of the same title, or at its end."""
    there = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    if there.search(page):
        return there.sub(lambda _: section.strip() + "\n\n", page).rstrip() + "\n"
    return page.rstrip() + "\n\n" + section.strip() + "\n"


def show(page: Path = PAGE) -> None:
    """Write the kept sections anew into the page."""
    page.write_text(with_kept(page.read_text(encoding="utf-8")), encoding="utf-8")


def with_kept(page: str) -> str:
    """The page with every section whose figures are kept."""
    for name, (title, section) in SECTIONS.items():
        if (found := kept(name)) is not None:
            page = put(page, title, section(*found))
    return page
