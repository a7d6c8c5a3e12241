"""``python -m ews_serve``: answer from a store until interrupted."""

import argparse
import atexit
import gc
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from ews.errors import EwsError
from ews_serve.app import create_app
from ews_serve.connections import PromptProtocol
from ews_serve.measures import SHARED_FOLDER
from ews_serve.provider import Provider, ProviderSettings
from ews_serve.routes.health import checks_of
from ews_serve.service import open_service
from ews_serve.settings import Settings

log = logging.getLogger("ews_serve")


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted; a start that cannot be made exits with the usage and 2."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        settings = Settings.read(os.environ, **vars(given))
        ProviderSettings.read(os.environ)
    except ValueError as error:
        parser.error(str(error))
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        for line in readiness(settings):
            log.warning(line)
    except EwsError as error:
        sys.stderr.write(f"ews: {error}\n")
        raise SystemExit(error.exit_code) from None
    serve(settings)


def serve(settings: Settings) -> None:
    """Listen and answer until interrupted; several workers are processes of their own."""
    os.environ |= settings.to_environ()
    with tempfile.TemporaryDirectory(prefix="ews-measures-") as measures:
        if settings.workers > 1:
            os.environ[SHARED_FOLDER] = measures
        uvicorn.run(
            "ews_serve.__main__:from_environment",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            http=PromptProtocol,
            ws="none",
            timeout_keep_alive=settings.head_timeout_seconds,
            # Paths hold keys of students: no access log.
            access_log=False,
            server_header=False,
            proxy_headers=True,
            forwarded_allow_ips=list(settings.proxies),
        )


def from_environment() -> FastAPI:
    """The application as one worker process makes it."""
    told = ProviderSettings.read(os.environ)
    app = create_app(open_service(Settings.read(os.environ)), Provider(told) if told else None)
    # What is there by now stays: the collector need not look through all libraries again while somebody waits.
    gc.freeze()
    atexit.register(gc.unfreeze)
    return app


def readiness(settings: Settings) -> list[str]:
    """What cannot be answered yet, so that an operator learns it at the start and not from a school.

    Raises:
        StoreUnavailable: there is no store, or it is of another version.
        AuditUnavailable: the log of reads cannot be opened.
    """
    service = open_service(settings)
    try:
        checks = checks_of(service)
    finally:
        service.close()
    return [sentence for name, sentence in _MISSING.items() if not checks[name]]


_MISSING = {
    "audit_log": "The log of reads cannot be written, so nothing of a student will be shown.",
    "lists": "No list was published yet. Make one with: ews score --target-year YEAR; then: ews publish",
    "model": "The model of the published lists cannot be read, so there are no live estimates; lists are answered.",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ews_serve",
        description="Answer schools and counselors from the store. Every option is also a variable, EWS_HOME …; "
        "addresses of databases are variables only, since a process list shows options: EWS_STORE, EWS_AUDIT.",
    )
    parser.add_argument("--home", type=Path, help="the home folder")
    parser.add_argument("--host", help="address to listen on; default 127.0.0.1")
    parser.add_argument("--port", type=int, help="port to listen on; default 8000")
    parser.add_argument("--workers", type=int, help="processes that answer; default 1")
    parser.add_argument("--hosts", help="names the service may be asked by, with commas")
    parser.add_argument("--proxies", help="addresses of reverse proxies to believe, with commas")
    return parser


if __name__ == "__main__":
    main()
