"""Whether the process answers, whether it can answer schools, and what Prometheus may know."""

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from ews.access import View
from ews.errors import EwsError
from ews.store.reading import provenance_of, run_in_force
from ews_serve.asked import Asking
from ews_serve.description import described
from ews_serve.schemas import Alive, Ready
from ews_serve.service import Service

router = APIRouter(tags=["health"])

OPEN_PATHS = frozenset({"/livez", "/readyz"})
"""Addresses that answer without sign-in, beside those of the sign-in itself; they hold nothing of students."""


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Running = Annotated[Service, Depends(_service)]


@router.get("/livez")
async def livez() -> Alive:
    """Answer that the process is alive; open to everyone, and says nothing of data or model."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Ready}})
def readyz(service: Running, response: Response) -> Ready:
    """Answer whether lists can be shown now; open to everyone, and says nothing of data or model."""
    checks = checks_of(service)
    is_ready = all(fine for name, fine in checks.items() if name != "model")
    response.status_code = 200 if is_ready else 503
    return Ready(status="ready" if is_ready else "not ready", checks=checks)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(asked: Asking) -> Response:
    """Counts of requests for Prometheus; a token with the scope `runs` opens it."""
    asked.may(View.RUNS)
    return Response(asked.service.measures.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request, _: Asking) -> Response:
    """This description, for who is signed in (W23)."""
    return Response(json.dumps(described(request.app, OPEN_PATHS)), media_type="application/json")


def checks_of(service: Service) -> dict[str, bool]:
    """What works: the store, the log of reads, whether a list was published, and the model."""
    checks = dict.fromkeys(("store", "audit_log", "lists", "model"), False)
    checks["audit_log"] = service.audit.can_be_written()
    try:
        with service.store.reading() as connection:
            checks["store"] = True
            run = run_in_force(connection)
            provenance = provenance_of(connection, run.run_id) if run else None
        if provenance is not None:
            checks["lists"] = True
            service.live.of(json.loads(provenance))
            checks["model"] = True
    except EwsError:
        pass  # what does not work stays False
    return checks
