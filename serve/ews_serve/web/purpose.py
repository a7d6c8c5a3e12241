"""Why somebody looks at a student outside the own caseload, as stated on the page: it counts for that student alone.

A browser sends no header of its own choice, so the purpose is a cookie that is sent along for this student's pages and
for nobody else's, and ends after half an hour. It is not in the address, which others may read over a shoulder.
"""

from collections.abc import Mapping
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from ews_serve.asked import MOST_PURPOSE, PURPOSE, written
from ews_serve.cookies import is_secure
from ews_serve.csrf import OwnForm
from ews_serve.identity import PageSignedIn
from ews_serve.local_paths import local_path
from ews_serve.problems import Refused
from ews_serve.routes.students import StudentKey

router = APIRouter(include_in_schema=False)

COOKIE = "ews_purpose"
SECONDS = 30 * 60


def stated_purpose(request: Request) -> str:
    """The purpose in the header or the cookie; empty where none was stated.

    Raises:
        Refused: 422, it is too long.
    """
    purpose = written(request.headers.get(PURPOSE, "")) or written(unquote(request.cookies.get(COOKIE, "")))
    if len(purpose) > MOST_PURPOSE:
        raise Refused(422, f"A purpose holds at most {MOST_PURPOSE} characters.")
    return purpose


@router.post("/students/{student_key}/purpose")
async def state_purpose(request: Request, student_key: StudentKey, _: PageSignedIn, form: OwnForm) -> Response:
    """Keep a purpose for one student's pages, and go on to the page that asked for it."""
    purpose = written(form.get("purpose", ""))[:MOST_PURPOSE]
    own = f"/students/{student_key}"
    answer = RedirectResponse(_back(form, own), 303)
    answer.set_cookie(
        COOKIE, quote(purpose), max_age=SECONDS, path=own, secure=is_secure(request), httponly=True, samesite="lax"
    )
    return answer


def _back(form: Mapping[str, str], own: str) -> str:
    path = local_path(form.get("next", own))
    return path if path == own or path.startswith(f"{own}/") else own
