"""What the service is told at its start: from the environment, overruled by arguments."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Settings:
    """One service.

    Attributes:
        home: the home folder; holds the pinned bundles and, unless `store` says otherwise, the store.
        host: address to listen on; anything but loopback belongs behind a proxy with TLS.
        port: port to listen on.
        workers: processes that answer.
        store: address of the store's database; empty is the SQLite file of the home.
        audit: address of the audit log; empty is the one beside the store.
        hosts: names the service may be asked by (W18); a request for another host is refused.
        proxies: addresses of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
        max_body_bytes: a larger request body is refused before it is read (W09).
        body_timeout_seconds: a body that takes longer to arrive is given up (W10).
        head_timeout_seconds: a connection that does not bring a whole request head in this time is closed (W10).
        large_export_rows: an export of more rows is told to the operator (E06).
        time_zone: of the schools, as `America/Chicago`, for what is today; empty is this machine's.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    store: str = ""
    audit: str = ""
    hosts: tuple[str, ...] = LOOPBACK_NAMES
    proxies: tuple[str, ...] = ("127.0.0.1",)
    max_body_bytes: int = 4 * 1024 * 1024
    body_timeout_seconds: float = 20.0
    head_timeout_seconds: int = 10
    large_export_rows: int = 1_000
    time_zone: str = ""

    @classmethod
    def read(cls, environ: Mapping[str, str], **arguments: Any) -> "Settings":
        """Settings from ``EWS_HOME``, ``EWS_PORT`` …, one variable a field; an argument overrules its variable.

        Args:
            environ: the environment; ``EWS_HOSTS`` and ``EWS_PROXIES`` are lists with commas.
            arguments: fields by name; None is not given.

        Raises:
            ValueError: no home is named, a number is no number, or the service would listen on the network without
                being told by which names it may be asked.
        """
        told = {field.name: environ.get(f"EWS_{field.name.upper()}", "") for field in fields(cls)}
        told |= {name: str(value) for name, value in arguments.items() if value is not None}
        values = {name: _parsed(name, cls, text) for name, text in told.items() if text}
        if "home" not in values:
            raise ValueError("Name the home folder: --home FOLDER, or set EWS_HOME.")
        settings = cls(**values)
        _refuse_unnamed_host(settings, is_named="hosts" in values)
        return settings

    def to_environ(self) -> dict[str, str]:
        """The same as environment variables, for worker processes; `Settings.read` of them gives the same again."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {f"EWS_{name.upper()}": _text(value) for name, value in values.items() if value != ""}


def _parsed(name: str, cls: type[Settings], text: str) -> Any:
    if name == "home":
        return Path(text)
    if name == "time_zone":
        return _zone(text)
    default = getattr(cls, name)
    if isinstance(default, tuple):
        return tuple(part.strip().lower() for part in text.split(",") if part.strip())
    if isinstance(default, int | float):
        return _number(name, type(default), text)
    return text


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise ValueError("The time zone is not known. Name one as in EWS_TIME_ZONE=America/Chicago.") from error


def _number(name: str, kind: type[int] | type[float], text: str) -> int | float:
    words = name.replace("_", " ")
    try:
        number = kind(text)
    except ValueError as error:
        raise ValueError(f"The {words} must be a number, as in EWS_{name.upper()}=1.") from error
    most = 65_535 if name == "port" else 2**31
    least = 0 if name == "port" else 1
    if not least <= number <= most:
        raise ValueError(f"The {words} must be from {least} to {most}.")
    return number


def _refuse_unnamed_host(settings: Settings, *, is_named: bool) -> None:
    if settings.host not in LOOPBACK and not is_named:
        raise ValueError(
            "The service would listen on the network. Say by which names it may be asked: "
            "EWS_HOSTS=ews.district.example, the name of the proxy before it."
        )


def _text(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
