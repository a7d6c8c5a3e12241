"""How a page is made.

A page is a route, a *view model* and a template. The route asks through `Asked`, as the API does, so that what may be
seen is decided and logged in one place. The view model is a frozen dataclass of finished words and numbers, made in
Python; the template only places them. Nothing is decided, counted or put into words in a template::

    router = APIRouter(include_in_schema=False)       # in web/school.py; named once in app.py

    @dataclass(frozen=True)
    class SchoolPage:
        name: str
        lines: tuple[ToDo, ...]

    @router.get("/schools/{school_id}")
    def school(request: Request, asked: PageAsking, school_id: SchoolId) -> Response:
        scope = asked.scope(View.RISK_LIST)
        ...
        asked.log_list(scope, "shown", lines, school_id=school_id, **of_run(run))
        return page(request, "school.html", SchoolPage(...), crumbs=(Link("Schools", "/"),), notices=notices)

The template extends `frame.html` and finds its model as `it`::

    {% extends "frame.html" %}
    {% import "parts/charts.html" as charts %}
    {% import "parts/words.html" as words %}
    {% block title %}{{ it.name }}{% endblock %}     {# also the h1; block `heading` replaces that #}
    {% block content %}
    <section class="card" aria-labelledby="reasons"><h2 id="reasons">Reasons</h2>…</section>
    {{ charts.months(it.months) }}
    {{ words.badge(it.band) }}
    {% endblock %}

`PageAsking` is `Asked` for pages: who is not signed in is sent to the sign-in, and a purpose stated on the page counts
as one sent in a header (`ews_serve.web.purpose`). A refusal becomes a page by itself (`ews_serve.web.refusals`):
raise `Refused` as the API does. A form is a POST that ends in a redirect (303) and carries `frame.csrf` as the hidden
field `csrf`; take its fields with `OwnForm` of `ews_serve.csrf`. The navigation shows a place only where the
application has its route and the viewer may use its view.

Style: `static/ews.css` has the parts (card, notice, badge, columns, figures, facts, reasons, field, filters, button,
table-wide, stack, empty, big-number, row, soft, no-print). No style or script within a page: its policy forbids them.
A table that has no room on a phone is class `stack`, with `data-head` on each cell; one of numbers alone stands in
`<div class="table-wide" tabindex="0" role="region" aria-label="…">`.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from fastapi.routing import iter_route_contexts

from ews.access import Role, View, may
from ews.store.keys import SignedIn
from ews_serve import pages
from ews_serve.asked import Asked
from ews_serve.identity import PageSignedIn
from ews_serve.pages import Frame, Link
from ews_serve.web.purpose import stated_purpose

__all__ = ["Link", "PageAsking", "frame_of", "page"]

PLACES = (
    ("Schools", "/", (View.RISK_LIST,)),
    ("My students", "/", (View.ATTENDANCE,)),
    ("Mentor slots", "/slots", (View.SLOTS,)),
    ("District", "/district", (View.AGGREGATES,)),
    ("Model", "/model", (View.RUNS,)),
    ("About", "/about", ()),
)
"""What the navigation may show: words, address, and the views that open it; of one address the first that does."""

ROLES = {
    Role.DISTRICT_ADMIN: "district office",
    Role.DATA_SCIENTIST: "data scientist",
    Role.SCHOOL_LEAD: "school lead",
    Role.COUNSELOR: "counselor",
    Role.MENTOR: "mentor",
    Role.AUDITOR: "auditor",
    Role.SERVICE: "program",
}
"""Roles as pages name them."""


async def _page_asked(request: Request, signed_in: PageSignedIn) -> Asked:
    service = request.app.state.service
    at, purpose = service.now(), stated_purpose(request)
    return Asked(service, signed_in.viewer, at, service.on(at), purpose, request.state.correlation_id)


PageAsking = Annotated[Asked, Depends(_page_asked)]
"""What a page's route takes instead of `Asking`."""


def page(
    request: Request,
    template: str,
    it: Any,
    *,
    crumbs: Sequence[Link] = (),
    notices: Sequence[str] = (),
    refusal: str = "",
    status: int = 200,
) -> HTMLResponse:
    """A page for who is signed in.

    Args:
        request: of a route that takes `PageAsking`.
        template: its file in `templates/`.
        it: the view model, which the template finds under this name.
        crumbs: the way down to the page, without the page itself.
        notices: what a reader should know of the whole page, as that its list is old.
        refusal: why a form was not taken.
        status: of the answer.
    """
    signed_in: SignedIn | None = getattr(request.state, "signed_in", None)
    frame = frame_of(request, signed_in, crumbs, notices) if signed_in else Frame(notices=tuple(notices))
    return pages.page(template, status, refusal=refusal, frame=frame, it=it)


def frame_of(request: Request, signed_in: SignedIn, crumbs: Sequence[Link] = (), notices: Sequence[str] = ()) -> Frame:
    """What stands around the pages of one who is signed in."""
    service, viewer = request.app.state.service, signed_in.viewer
    on = service.on(service.now())
    roles = dict.fromkeys(ROLES[grant.role] for grant in viewer.grants if grant.holds(on))
    return Frame(
        nav=_nav(request, signed_in),
        crumbs=tuple(crumbs),
        notices=tuple(notices),
        person=signed_in.name,
        roles=", ".join(roles),
        viewing_as=viewer.viewing_as.login if viewer.viewing_as else "",
        csrf=signed_in.csrf or "",
        shows_estimates=may(viewer, View.EXPLANATION, on).allowed,
    )


def _nav(request: Request, signed_in: SignedIn) -> tuple[Link, ...]:
    service = request.app.state.service
    on, here = service.on(service.now()), request.url.path
    found: dict[str, Link] = {}
    for text, path, views in PLACES:
        opens = all(may(signed_in.viewer, view, on).allowed for view in views)
        if opens and path not in found and path in _paths(request):
            found[path] = Link(text, path, _is_within(here, path))
    return tuple(found.values())


def _is_within(here: str, path: str) -> bool:
    """Whether a page is at a place or below it; pages of schools and students are below the first page."""
    if path == "/":
        return here == "/" or here.startswith(("/schools/", "/students/"))
    if path == "/slots" and here == "/team":
        return True
    return here == path or here.startswith(f"{path}/")


def _paths(request: Request) -> frozenset[str]:
    """The addresses that the application has, collected once."""
    state = request.app.state
    if not hasattr(state, "page_paths"):
        state.page_paths = frozenset(str(route.path) for route in iter_route_contexts(request.app.routes))
    return state.page_paths
