"""Static files: open to everybody, and kept by browsers for good, because a changed file has another name."""

from fastapi import APIRouter, Response

from ews_serve.problems import Refused
from ews_serve.static_files import PREFIX, static_files

router = APIRouter(include_in_schema=False)

OPEN_PATHS = frozenset({PREFIX + "{name}"})
"""Addresses that answer without sign-in; they hold nothing of students."""

KEPT = "public, max-age=31536000, immutable"


@router.get(PREFIX + "{name}")
async def static_file(name: str) -> Response:
    """One static file by its name with the hash.

    Raises:
        Refused: 404, there is none, or no longer.
    """
    file = static_files().get(name)
    if file is None:
        raise Refused(404)
    return Response(file.content, media_type=file.media_type, headers={"Cache-Control": KEPT})
