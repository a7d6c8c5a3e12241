"""The command that starts the service."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ews.cli.common import HomeOption


def serve(
    home: HomeOption,
    host: Annotated[str, typer.Option(help="Address to listen on; beyond this machine put a proxy with TLS.")] = "",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes that answer.")] = 0,
    hosts: Annotated[str, typer.Option(help="Names the service may be asked by, with commas.")] = "",
    proxies: Annotated[str, typer.Option(help="Addresses of reverse proxies to believe, with commas.")] = "",
) -> None:
    """Answer schools and counselors until interrupted; what is not given is taken from EWS_HOST, EWS_PORT and so on."""
    given = {"--host": host, "--port": port, "--workers": workers, "--hosts": hosts, "--proxies": proxies}
    words = [word for name, value in given.items() if value for word in (name, str(value))]
    _become([sys.executable, "-m", "ews_serve", "--home", str(home), *words])


def _become(words: list[str]) -> None:
    """The service takes this process' place, so that signals and its exit code are its own."""
    if not (Path(sys.executable).exists() and _is_installed()):
        raise typer.BadParameter("The service is not installed. Install ews with its extra: ews[serve]")
    os.execv(words[0], words)


def _is_installed() -> bool:
    from importlib.util import find_spec

    return find_spec("ews_serve") is not None and find_spec("fastapi") is not None
