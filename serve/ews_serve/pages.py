"""Pages made from templates: everything put into one is escaped, and nothing in one comes from elsewhere."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from ews_serve.static_files import static


@dataclass(frozen=True)
class Link:
    """A link within the service.

    Attributes:
        text: what it says.
        path: where it leads; empty for the place one is at.
        is_here: whether the page is within what it leads to.
    """

    text: str
    path: str
    is_here: bool = False


@dataclass(frozen=True)
class Frame:
    """What stands around a page; as it is made here, around one that nobody signed in for.

    Attributes:
        nav: where else the viewer may go.
        crumbs: the way down to the page, without the page itself.
        notices: what a reader should know of the whole page, as sentences.
        person: who is signed in; empty: nobody.
        roles: of that person, in words.
        viewing_as: as whom the person looks; empty: as oneself.
        csrf: the word that forms carry.
        shows_estimates: whether the viewer meets estimates at all, and is told what they are.
    """

    nav: tuple[Link, ...] = ()
    crumbs: tuple[Link, ...] = ()
    notices: tuple[str, ...] = ()
    person: str = ""
    roles: str = ""
    viewing_as: str = ""
    csrf: str = ""
    shows_estimates: bool = False


NOBODY = Frame()


@cache
def environment() -> Environment:
    """The one environment of all templates: it escapes, and refuses a name that no value was given for."""
    made = Environment(
        loader=PackageLoader("ews_serve"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["static"] = static
    return made


def page(template: str, status: int = 200, *, refusal: str = "", frame: Frame = NOBODY, **values: Any) -> HTMLResponse:
    """A page; `refusal` stands on top where something was not taken."""
    text = environment().get_template(template).render(refusal=refusal, frame=frame, **values)
    return HTMLResponse(text, status)
