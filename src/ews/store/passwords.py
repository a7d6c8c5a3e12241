"""Local passwords: long, not among those that are tried first, and kept as Argon2id (SEC-1). Needs the extra `serve`.

No rule about kinds of letters and no rotation, as NIST SP 800-63B asks: length and a blocklist do more.
"""

import re
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ews.errors import InputRefused

SHORTEST = 15
LONGEST = 1_024
FEWEST_LETTERS = 6
"""Different letters below which a long password is a short one typed again."""

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""What OWASP asks at least; a password of fifteen characters does the rest, and a flood of tries stays affordable."""

_EXPECTED = (
    "password", "passwort", "passw0rd", "p@ssw0rd", "p@ssword", "password1", "letmein", "welcome", "changeme", "secret",
    "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwerty", "azerty", "1q2w3e4r5t", "1qaz2wsx3edc", "zaq12wsx", "abc123",
    "iloveyou", "administrator", "admin", "login", "default", "trustno1", "superman", "football", "baseball",
    "princess", "sunshine", "dragon", "monkey", "master", "opensesame", "correcthorsebatterystaple", "thequickbrownfox",
    "jumpsoverthelazydog", "maytheforcebewithyou",
    "school", "teacher", "student", "counselor", "principal", "district",
    "attendance", "mentor", "classroom", "ews",
)  # fmt: skip
"""Words that passwords tried first are made of."""

_SEQUENCES = ("0123456789" * 3, "9876543210" * 3, "abcdefghijklmnopqrstuvwxyz" * 2, "zyxwvutsrqponmlkjihgfedcba" * 2)
_SHORTEST_RUN = 5
_MOSTLY = 0.4
"""Share of a password that must be left when expected words, sequences, years and repeats are taken out."""


def hash_password(password: str, *, login: str = "", name: str = "") -> str:
    """Argon2id of a password that was chosen well.

    Raises:
        InputRefused: too short, too long, or among those that are tried first; the password is not repeated.
    """
    plain = _normal(password)
    _refuse_guessable(plain, (login, name))
    return _HASHER.hash(plain)


def is_password(password_hash: str | None, password: str) -> bool:
    """Whether it is the password; takes the same time when there is none to compare with."""
    plain = _normal(password)[: LONGEST + 1]
    try:
        return _HASHER.verify(password_hash or _nobodys(), plain) and bool(password_hash)
    except (VerificationError, InvalidHashError):
        return False


def hash_anew(password_hash: str, password: str) -> str | None:
    """The hash that takes the place of one made with other parameters than today's; None: it is today's already.

    Args:
        password_hash: of the password.
        password: known to be the right one. It is not judged again: its owner has it already.
    """
    return _HASHER.hash(_normal(password)) if _HASHER.check_needs_rehash(password_hash) else None


def _refuse_guessable(plain: str, own_words: tuple[str, ...]) -> None:
    if len(plain) < SHORTEST:
        raise InputRefused(f"A password has at least {SHORTEST} characters. A sentence nobody knows is a good one.")
    if len(plain) > LONGEST:
        raise InputRefused(f"A password has at most {LONGEST} characters.")
    if _is_expected(plain.casefold(), own_words):
        raise InputRefused(
            "This password is among those that are tried first: known words, your own name, or something repeated or "
            "in sequence. Take several words that have nothing to do with each other."
        )


def _is_expected(plain: str, own_words: tuple[str, ...]) -> bool:
    if len(set(plain)) < FEWEST_LETTERS:
        return True
    own = [part for word in own_words for part in re.split(r"[^\w]+|_", word.casefold()) if len(part) > 2]
    left = plain
    for word in sorted((*_EXPECTED, *own), key=len, reverse=True):
        left = left.replace(word, " ")
    left = re.sub(r"(.+?)\1+", r"\1", _without_sequences(re.sub(r"(19|20)\d\d", " ", left)))
    return len(re.sub(r"[\s\d_.,!?-]+", "", left)) < _MOSTLY * SHORTEST


def _without_sequences(words: str) -> str:
    """The same without runs of neighbouring digits or letters."""
    kept = words
    for start in range(len(words) - _SHORTEST_RUN + 1):
        run = words[start : start + _SHORTEST_RUN]
        if any(run in sequence for sequence in _SEQUENCES):
            kept = kept.replace(run, " ")
    return kept


def _normal(password: str) -> str:
    """One spelling of what looks the same, so that it opens from every keyboard."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody's password")
