"""``python -m ews_serve``: answer from a home until interrupted."""

import argparse
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from ews.errors import EwsError
from ews_serve.app import create_app
from ews_serve.problems import Refused
from ews_serve.published import Published
from ews_serve.settings import Settings

log = logging.getLogger("ews_serve")


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted; a start that cannot be made exits with the usage and 2."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        settings = Settings.read(os.environ, home=given.home, host=given.host, port=given.port)
    except ValueError as error:
        parser.error(str(error))
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for line in readiness(settings):
        log.warning(line)
    # Paths hold ids of students: no access log.
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, access_log=False, server_header=False)


def readiness(settings: Settings) -> list[str]:
    """What cannot be answered yet, so that an operator learns it at the start and not from a school."""
    published = Published(settings.home)
    missing = []
    for look in (published.champion, published.scoring_run):
        try:
            look()
        except (Refused, EwsError) as refusal:
            missing.append(getattr(refusal, "detail", str(refusal)))
    return missing


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ews_serve", description="Answer schools and counselors from a home's scoring run."
    )
    parser.add_argument("--home", type=Path, help="the home folder (or EWS_HOME)")
    parser.add_argument("--host", help="address to listen on (or EWS_HOST); default 127.0.0.1")
    parser.add_argument("--port", type=int, help="port to listen on (or EWS_PORT); default 8000")
    return parser


if __name__ == "__main__":
    main()
