"""What people decided otherwise, as a page: counts by group, and which of them somebody should look at."""

from collections.abc import Mapping, Sequence

import pandas as pd

from ews.document import Block, Document, Points, Section, Table
from ews.privacy import HIDDEN
from ews.subgroups.overrides import Act, grid

_HOW = (
    "Who edits a round or a list usually knows more than it does. A difference is a question to the people who "
    "decided, never an answer.",
    "In brackets: 95 % intervals. They take students as independent; one team's habit can make a difference alone, so "
    "look at the schools too. Of twenty groups one in two reports names one by chance.",
    "A rate is told of as many students as the district's policy asks for. A small group is hidden, and with it "
    "others from which it could be worked out.",
)


def page(
    title: str,
    parts: Mapping[str, tuple[pd.DataFrame, Mapping[str, Act]]],
    stands_out: Sequence[str],
    knew: pd.DataFrame,
    notes: Sequence[str],
) -> Document:
    """The page.

    Args:
        title: which school year or round.
        parts: by heading, what `overrides` counted, and of which acts.
        stands_out: the sentences of `warnings`.
        knew: what `reasons` counted; without rows it is left out.
        notes: what else has to be known to read the counts.
    """
    lead = (
        f"Look at {len(stands_out)} groups: they are put out clearly more often than the rest, or have all slots."
        if stands_out
        else "No group is put out clearly more often than the rest."
    )
    sections = [Section("To look at", (Points(tuple(stands_out)),))] if stands_out else []
    sections += [Section(heading, _tables(found, acts)) for heading, (found, acts) in parts.items()]
    if len(knew):
        sections.append(Section("What people said they knew", (_knew(knew),)))
    return Document(title, lead, (*sections, Section("How to read it", (Points((*_HOW, *notes)),))))


def _tables(found: pd.DataFrame, acts: Mapping[str, Act]) -> tuple[Block, ...]:
    heads = ("group", "students", *(act.text for act in acts.values()))
    return tuple(
        Table(str(dimension), heads, tuple(grid(rows, acts)))
        for dimension, rows in found.groupby("dimension", sort=False)
    )


def _knew(knew: pd.DataFrame) -> Table:
    rows = knew[knew["dimension"] == "category"].to_dict("records")
    cells = ((str(row["group"]), HIDDEN if row["suppressed"] else f"{row['students']:,.0f}") for row in rows)
    return Table("All students about whom people said something", ("what they knew", "students"), tuple(cells))
