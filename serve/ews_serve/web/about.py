"""What this is and is not: what it is for, what it is never for, what it cannot know (FAIR-1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from ews_serve.web.frame import PageAsking, page

router = APIRouter(include_in_schema=False)

NEVER_FOR: Mapping[str, str] = {
    "discipline": "To punish a student.",
    "truancy referral": "To report a family to a court.",
    "grading": "To give grades.",
    "placement": "To place a student in a class or track.",
    "admission": "To let a student into a school, or keep one out.",
    "evaluation of staff": "To judge teachers or other staff.",
    "sharing with police or immigration authorities": "To share with police or immigration offices.",
    "as the sole basis for anything": "As the only ground for any choice at all.",
}
"""The forbidden uses of the model card, in plain words."""


@dataclass(frozen=True)
class AboutPage:
    """The page.

    Attributes:
        never_for: forbidden uses.
    """

    never_for: tuple[str, ...]


@router.get("/about")
def about(request: Request, _: PageAsking) -> Response:
    """What this is and is not, for everybody who is signed in."""
    return page(request, "about.html", AboutPage(tuple(NEVER_FOR.values())))
