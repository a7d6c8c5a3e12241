"""Cursors: where the next page of a list begins, as a word that a client sends back and need not understand."""

import base64
import binascii
import json
import math

from ews.store.reading import After, Order
from ews_serve.problems import Refused

MOST_CHARACTERS = 200
_MOST = 2**31
_NOT_OURS = "The cursor `after` is none that this list gave. Begin without it."


def cursor_of(after: After | None, order: Order) -> str | None:
    """The word for a place in a list of this order; None on the last page."""
    if after is None:
        return None
    text = json.dumps([order.value, after.value, after.student_key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place_of(cursor: str | None, order: Order) -> After | None:
    """The place a word stands for.

    Raises:
        Refused: 422, the word is not one that a list of this order gave. Its parts are only ever bound as parameters,
            and what may be seen is asked again, so a forged one shows nothing more (W16).
    """
    if cursor is None:
        return None
    try:
        parts = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise Refused(422, _NOT_OURS) from None
    if not isinstance(parts, list) or len(parts) != 3 or parts[0] != order.value:
        raise Refused(422, _NOT_OURS)
    _, value, key = parts
    if not _fits(value, order) or not isinstance(key, str) or not key.isprintable() or len(key) > 36:
        raise Refused(422, _NOT_OURS)
    return After(value, key)


def _fits(value: object, order: Order) -> bool:
    if order is Order.GRADE_LEVEL:
        return isinstance(value, str) and value.isalnum() and value.isascii() and len(value) <= 2
    if order is Order.RISK:
        return isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MOST
