"""The first page: who one is here, and the lists one may take."""

from fastapi import APIRouter, Request, Response

from ews.access import Decision, Reason, View, may, scope_of
from ews.store.keys import SignedIn
from ews_serve.identity import PageSignedIn
from ews_serve.pages import page
from ews_serve.routes.schools import schools_of
from ews_serve.service import Service

router = APIRouter(include_in_schema=False)


@router.get("/")
def home(request: Request, signed_in: PageSignedIn) -> Response:
    """The first page after the sign-in; it tells of schools and of no student."""
    service: Service = request.app.state.service
    viewer, on = signed_in.viewer, service.on(service.now())
    listed, export = may(viewer, View.RISK_LIST, on), may(viewer, View.EXPORT, on)
    with service.store.reading() as connection:
        schools = schools_of(connection, scope_of(viewer, View.RISK_LIST, on, policy=service.policy))
    return page(
        "home.html",
        name=signed_in.name,
        roles=sorted({str(grant.role) for grant in viewer.grants if grant.holds(on)}),
        viewing_as=viewer.viewing_as.login if viewer.viewing_as else "",
        schools=schools,
        may_export=export.allowed,
        needs_second_factor=_lacks_code(listed) or _lacks_code(export),
        csrf=_csrf(signed_in),
    )


def _lacks_code(decision: Decision) -> bool:
    return decision.reason is Reason.NEEDS_SECOND_FACTOR


def _csrf(signed_in: SignedIn) -> str:
    return signed_in.csrf or ""
