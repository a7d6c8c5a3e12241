"""The few files that every page asks for, each under a name that changes when it does; nothing comes from elsewhere."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

MEDIA_TYPES = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
PREFIX = "/static/"


@dataclass(frozen=True)
class StaticFile:
    """One file.

    Attributes:
        name: as pages ask for it, with the start of its hash.
        content: its bytes.
        media_type: what it is.
    """

    name: str
    content: bytes
    media_type: str


@cache
def static_files() -> dict[str, StaticFile]:
    """Every static file by the name pages ask for it by; read once a process."""
    found = (
        file for file in files("ews_serve").joinpath("static").iterdir() if file.name.split(".")[-1] in MEDIA_TYPES
    )
    made = (_static_file(file.name, file.read_bytes()) for file in found)
    return {file.name: file for file in made}


@cache
def static(name: str) -> str:
    """The address of a static file by its plain name, for templates.

    Raises:
        KeyError: there is none of this name.
    """
    return PREFIX + {_plain(one): one for one in static_files()}[name]


def _plain(name: str) -> str:
    stem, _, suffix = name.rsplit(".", 2)
    return f"{stem}.{suffix}"


def _static_file(name: str, content: bytes) -> StaticFile:
    stem, _, suffix = name.rpartition(".")
    return StaticFile(f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}", content, MEDIA_TYPES[suffix])
