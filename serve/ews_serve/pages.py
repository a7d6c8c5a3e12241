"""Pages made from templates: everything put into one is escaped, and nothing in one comes from elsewhere."""

from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=PackageLoader("ews_serve"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def page(template: str, status: int = 200, *, refusal: str = "", **values: Any) -> HTMLResponse:
    """A page; `refusal` stands on top where something was not taken."""
    return HTMLResponse(_TEMPLATES.get_template(template).render(refusal=refusal, **values), status)
