"""Who asks, and what they may ask."""

from fastapi import APIRouter

from ews.access import View, may
from ews_serve.asked import Asking
from ews_serve.schemas import Me, RoleHeld

router = APIRouter(prefix="/v1/me", tags=["me"])


@router.get("")
def me(asked: Asking) -> Me:
    """Your roles, and what you may look at today."""
    viewer = asked.viewer
    return Me(
        login=viewer.login,
        roles=[
            RoleHeld(role=grant.role, school_id=grant.school_id, ends_on=grant.ends_on)
            for grant in viewer.grants
            if grant.holds(asked.on)
        ],
        views=[view.value for view in View if may(viewer, view, asked.on).allowed],
        scopes=None if viewer.scopes is None else sorted(viewer.scopes),
        second_factor=viewer.second_factor,
    )
