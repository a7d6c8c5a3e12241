"""The first page: who one is here, and the lists one may take."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from ews.access import Decision, Reason, View, may, scope_of
from ews.store.reading import School
from ews_serve.identity import PageSignedIn
from ews_serve.routes.schools import schools_of
from ews_serve.service import Service
from ews_serve.web.frame import page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class HomePage:
    """The schools whose lists one may see.

    Attributes:
        schools: by id.
        may_export: whether their lists may be taken as files.
        needs_second_factor: whether a second factor would open more.
    """

    schools: Sequence[School]
    may_export: bool
    needs_second_factor: bool


@router.get("/")
def home(request: Request, signed_in: PageSignedIn) -> Response:
    """The first page after the sign-in; it tells of schools and of no student."""
    service: Service = request.app.state.service
    viewer, on = signed_in.viewer, service.on(service.now())
    listed, export = may(viewer, View.RISK_LIST, on), may(viewer, View.EXPORT, on)
    with service.store.reading() as connection:
        schools = schools_of(connection, scope_of(viewer, View.RISK_LIST, on, policy=service.policy))
    return page(request, "home.html", HomePage(schools, export.allowed, _lacks_code(listed) or _lacks_code(export)))


def _lacks_code(decision: Decision) -> bool:
    return decision.reason is Reason.NEEDS_SECOND_FACTOR
