"""Whether the process answers."""

from fastapi import APIRouter

from ews_serve.schemas import Alive

router = APIRouter(tags=["health"])


@router.get("/livez")
def livez() -> Alive:
    """Answer that the process is alive; open to everyone, and says nothing of data or model."""
    return Alive()
