"""What a round of mentor slots did: what was registered before it, and what `ews effect report` found after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from ews.home import Home, read_json
from ews_serve.asked import Asked
from ews_serve.slot_rounds import read_round
from ews_serve.web.frame import Link, PageAsking, page
from ews_serve.web.round import RoundKey

router = APIRouter(prefix="/slots/{round_key}/effect", include_in_schema=False)

NUMBERS = "effect.json"
DESIGNS = {
    "lottery": "Students a lot chose, beside those it did not",
    "discontinuity": "Students just above the last slot, beside those just below",
    "difference in differences": "Students with a mentor, beside others like them",
}


@dataclass(frozen=True)
class Told:
    """One estimate: how it was made, its sentence, the range in days per 100 enrolled, and of how many students."""

    design: str
    sentence: str
    range: str
    students: str


@dataclass(frozen=True)
class EffectPage:
    """What is known of a round's effect.

    Attributes:
        registered: what was to be measured, one sentence; empty where the round is not confirmed.
        answer: the registered answer; empty until somebody reported it.
        told: every estimate, the strongest way first.
        not_told: ways that the round did not allow, and why.
        before_after: why the days before and after say nothing; empty where that is not known.
        command: what makes the report, for whoever runs this service.
    """

    registered: str
    answer: str
    told: tuple[Told, ...]
    not_told: tuple[str, ...]
    before_after: str
    command: str


@router.get("")
def show(request: Request, round_key: RoundKey, asked: PageAsking) -> Response:
    """What the round did, in numbers of groups; nobody is named."""
    one = read_round(asked, round_key).round
    found = _report(asked, round_key)
    model = EffectPage(
        registered=_registration(one.registration),
        answer=str(found.get("answer", "")),
        told=tuple(_told(estimate) for estimate in _list(found, "estimates")),
        not_told=tuple(f"{DESIGNS[name]}: {why}" for name, why in dict(found.get("not_told") or {}).items()),
        before_after=str((found.get("before_and_after") or {}).get("in_words", "")),
        command=f"ews effect report --round {round_key}",
    )
    crumbs = (Link("Mentor slots", "/slots"), Link("Round", f"/slots/{round_key}"))
    return page(request, "slots_effect.html", model, crumbs=crumbs)


def _report(asked: Asked, round_key: str) -> Mapping[str, Any]:
    """What the report left in the home; nothing where there is none yet."""
    path = Home(asked.service.settings.home).path / "effect" / round_key / NUMBERS
    return dict(read_json(path)) if path.exists() else {}


def _registration(text: str | None) -> str:
    if not text:
        return ""
    from ews.effect import Registration  # here, since it brings statistics that no other page needs

    return Registration.from_json(text).in_words()


def _list(found: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    return list(found.get(name) or ())


def _told(estimate: Mapping[str, Any]) -> Told:
    low, high = estimate["low"], estimate["high"]
    ends = "not known" if low is None or high is None else f"{low:+.1f} to {high:+.1f}"
    return Told(DESIGNS[estimate["design"]], str(estimate["in_words"]), ends, f"{estimate['students']:,}")
