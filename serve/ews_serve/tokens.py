"""Who may ask: bearer tokens, of which the home keeps only hashes (written by ``ews token``)."""

import hashlib
import hmac
import json
from pathlib import Path

from ews_serve.pointers import Kept

FILE_NAME = "service_tokens.json"
OTHERS_MAY = 0o077
"""Permission bits of anyone but the owner; a file that has one of them admits nobody."""


class Tokens:
    """The tokens of one home; a new or removed one counts from the next request on."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE_NAME
        self._hashes = Kept(self._path, self._read)

    def admits(self, authorization: str | None) -> bool:
        """Whether an ``Authorization`` header carries one of the tokens, compared in constant time."""
        scheme, _, token = (authorization or "").partition(" ")
        offered = hashlib.sha256(token.strip().encode()).hexdigest().encode()
        # Every hash is compared, so that the time taken says nothing about which came close.
        matches = [hmac.compare_digest(offered, known.encode()) for known in self._known()]
        return scheme.lower() == "bearer" and any(matches)

    def _known(self) -> tuple[str, ...]:
        try:
            return self._hashes.now()
        except FileNotFoundError:
            return ()

    def _read(self) -> tuple[str, ...]:
        if self._path.stat().st_mode & OTHERS_MAY:
            return ()
        return tuple(str(entry["sha256"]) for entry in json.loads(self._path.read_text(encoding="utf-8")))
