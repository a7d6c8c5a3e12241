"""Cookies: over TLS only, for this host only, out of scripts' reach, and not sent with what other sites start."""

from fastapi import Request, Response

from ews_serve.settings import LOOPBACK_NAMES

SESSION = "ews_session"
BROWSER = "ews_browser"
FLOW = "ews_flow"


def is_secure(request: Request) -> bool:
    """Whether the browser asked over TLS, by itself or before the proxy."""
    return request.url.scheme == "https"


def may_carry_secrets(request: Request) -> bool:
    """Whether passwords and cookies may go over this connection: TLS, or within this machine."""
    host = request.url.hostname or ""
    return is_secure(request) or host in {name.strip("[]") for name in LOOPBACK_NAMES}


def read_cookie(request: Request, name: str) -> str:
    """A cookie's value; empty without one. Over TLS only the one that no other host or path could have set."""
    return request.cookies.get(_named(request, name), "")


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int | None = None) -> None:
    """Set a cookie; without `seconds` it ends with the browser."""
    response.set_cookie(
        _named(request, name), value, max_age=seconds, path="/", secure=is_secure(request), httponly=True,
        samesite="lax",
    )  # fmt: skip


def drop_cookie(request: Request, response: Response, name: str) -> None:
    """Take a cookie away."""
    response.delete_cookie(_named(request, name), path="/", secure=is_secure(request), httponly=True, samesite="lax")


def _named(request: Request, name: str) -> str:
    return f"__Host-{name}" if is_secure(request) else name
