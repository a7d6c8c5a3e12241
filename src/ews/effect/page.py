"""The report of a round: one page, and the same numbers for machines; no row of it is a student."""

from dataclasses import asdict

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ews.charts.picture import in_words as name_in_words
from ews.charts.picture import png
from ews.document import Block, Chart, Document, Points, Section, Table
from ews.effect.estimate import OFFERED, Estimate, in_words
from ews.effect.registration import OUTCOME
from ews.effect.study import Study
from ews.privacy import HIDDEN

_UNKNOWN = "n/a"

_HOW = (
    "An interval holds what the round's students and chance leave open. Where it holds 0, the round does not tell "
    "whether mentors changed anything; that is not the same as that they changed nothing.",
    "The effect of the offer is that of offering a slot, whether it was taken up or not. The effect of a mentor is "
    "that on those who had one because a slot was offered; it takes for granted that an offer alone changes nothing.",
    "Minus is fewer days absent. Of a school year of 180 days, one day per 100 enrolled is 1.8 days.",
    "What one round shows of one district's students is no promise for others. In grades 1 to 4 the largest randomised "
    "trial of school mentors detected no effect.",
)


def report(found: Study) -> Document:
    """The page of one round."""
    registered = found.registration
    return Document(
        f"What mentoring did: round {registered.round_id}",
        in_words(found.answer),
        (
            Section("What was registered", (registered.in_words(),)),
            Section("What was found", _found(found)),
            Section("Why not before and after", (_naive(found),)),
            *_subgroups(found.subgroups),
            Section("How to read it", (Points(_HOW),)),
        ),
    )


def as_json(found: Study) -> dict[str, object]:
    """The same numbers; null where one is not known or hidden."""
    return {
        "registration": asdict(found.registration) | {"sha256": found.registration.sha256},
        "students": found.students,
        "with_mentor": found.with_mentor,
        "answer": in_words(found.answer),
        "estimates": [_plain(asdict(one)) | {"in_words": in_words(one)} for one in found.estimates],
        "not_told": found.not_told,
        "subgroups": [_plain(row) for row in found.subgroups.to_dict(orient="records")],
        "before_and_after": found.before_after
        and _plain(asdict(found.before_after)) | {"in_words": found.before_after.in_words()},
    }


def _found(found: Study) -> tuple[Block, ...]:
    blocks: list[Block] = [
        f"{found.students:,} students were in the round, {found.with_mentor:,} of them had a mentor. The first row is "
        "the registered answer; the others stand beside it.",
        _chart(found.estimates),
    ]
    notes = tuple(f"{one.design}: {one.note}" for one in found.estimates if one.note)
    why = tuple(f"{design}: {reason}" for design, reason in found.not_told.items())
    return (*blocks, *((Points(tuple(dict.fromkeys(notes + why))),) if notes + why else ()))


def _chart(estimates: tuple[Estimate, ...]) -> Chart:
    names = [_name(one) for one in estimates]
    first = estimates[0]
    return Chart(
        "effect",
        png(8, 1.2 + 0.4 * len(names), lambda figure: _draw(figure, estimates, names)),
        f"Estimates with their 95 % intervals. {names[0]}: {first.days:+.1f} days absent per 100 enrolled, from "
        f"{first.low:+.1f} to {first.high:+.1f}. The dotted line is no effect.",
        Table(
            f"Effect on {OUTCOME}; minus is fewer",
            ("design", "days", "95 % interval", "students", "with a slot", "contacts each", "outcome not known"),
            tuple(_cells(one, name) for one, name in zip(estimates, names, strict=True)),
        ),
    )


def _cells(one: Estimate, name: str) -> tuple[str, ...]:
    contacts = _UNKNOWN if np.isnan(one.contacts) else f"{one.contacts:.0f}"
    days, ends = f"{one.days:+.1f}", f"{one.low:+.1f} to {one.high:+.1f}"
    return name, days, ends, f"{one.students:,}", f"{one.with_slot:,}", contacts, f"{one.without_outcome:,}"


def _draw(figure: Figure, estimates: tuple[Estimate, ...], names: list[str]) -> None:
    axes = figure.add_subplot()
    place = np.arange(len(names))
    axes.hlines(place, [one.low for one in estimates], [one.high for one in estimates], color="0.45")
    axes.plot([one.days for one in estimates], place, "o", color="black", markersize=5)
    axes.axvline(0, color="0.6", linestyle=":", zorder=0)
    axes.set_yticks(place, names, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel=f"{OUTCOME}: fewer to the left")


def _name(one: Estimate) -> str:
    return f"{one.design}: {'the offer' if one.of_whom == OFFERED else 'a mentor'}"


def _naive(found: Study) -> str:
    if found.before_after is None:
        return (
            "Nobody without a mentor had missed as much as those with one, so it cannot be shown here; it holds anyway."
        )
    return found.before_after.in_words()


def _subgroups(groups: pd.DataFrame) -> tuple[Section, ...]:
    if groups.empty:
        return ()
    told = Table(
        f"Effect on {OUTCOME} by group, by the design of the registered answer",
        ("group", "days", "95 % interval", "students"),
        tuple(_group_cells(row) for row in groups.to_dict(orient="records")),
    )
    said = (
        "Groups were registered before the round. Small groups are hidden, and with them others from which they could "
        "be worked out. Of several groups one may stand out by chance, and a group's name is not the cause."
    )
    return (Section("Groups", (said, told)),)


def _group_cells(row: dict[str, object]) -> tuple[str, ...]:
    name = f"{name_in_words(str(row['dimension']))}: {row['group']}"
    if row["suppressed"]:
        return name, HIDDEN, HIDDEN, HIDDEN
    plain = _plain(row)
    if plain["days"] is None:
        return name, "too few", "too few", f"{plain['students']:,.0f}"
    return name, f"{plain['days']:+.1f}", f"{plain['low']:+.1f} to {plain['high']:+.1f}", f"{plain['students']:,.0f}"


def _plain(row: dict[str, object]) -> dict[str, object]:
    return {str(name): None if isinstance(value, float) and np.isnan(value) else value for name, value in row.items()}
