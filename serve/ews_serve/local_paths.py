"""Where a page may send somebody next: to a path of this service, and nowhere else (W18)."""

from urllib.parse import urlsplit

HOME = "/"


def local_path(asked: str) -> str:
    r"""The path, when it is one of this service; else the first page.

    >>> local_path("/schools/014?lane=prevent"), local_path("https://elsewhere.example/"), local_path("//elsewhere")
    ('/schools/014?lane=prevent', '/', '/')
    >>> local_path("/\\elsewhere"), local_path("/ok\r\nSet-Cookie: x"), local_path("javascript:alert(1)")
    ('/', '/', '/')
    """
    if not asked.startswith("/") or asked.startswith("//") or "\\" in asked:
        return HOME
    if not asked.isascii() or not asked.isprintable() or " " in asked:
        return HOME
    parts = urlsplit(asked)
    return asked if not parts.scheme and not parts.netloc else HOME
