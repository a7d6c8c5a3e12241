"""Local passwords: long and not expected, without further rules, and kept as Argon2id (SEC-1, A09)."""

import pytest

from ews.errors import InputRefused
from ews.store.passwords import hash_password, is_password

GOOD = "violet tractor under seven moons"


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "korrekt Pferd Batterie Klammer",
        "fifteen letters",
        "пятнадцать и еще немного",
        "lmvqzrtwpxkdhyb",
        "tin can 4 a lost whale!",
        "x9$Kq2!mVb7#Lw4",
        "🐘🦒🐢🐙🦔🐝🦆🐌🦉🐋🐿🦜🐄🐓🦢",
    ],
)
def test_a_long_password_of_any_letters_is_taken(password: str):
    assert is_password(hash_password(password, login="ana", name="Ana Reyes"), password)


@pytest.mark.parametrize(
    "password",
    [
        "",
        " " * 20,
        "short",
        "fourteen chars",
        "passwordpassword",
        "Password123456789",
        "P@ssw0rdP@ssw0rd2026",
        "123456789012345",
        "qwertyuiopasdfghjkl",
        "aaaaaaaaaaaaaaaaaaaaaaaa",
        "abcabcabcabcabcabc",
        "abcdefghijklmnopqrstuvwxyz",
        "zyxwvutsrqponmlkjihg",
        "welcome2026welcome2026",
        "CorrectHorseBatteryStaple",
        "districtattendance2026",
        "tomas.nunez.2026!!",
        "Tomas Nunez Tomas",
        "x" * 1_025,
    ],
)
def test_a_password_that_is_tried_first_is_refused_and_not_repeated_SEC_1(password: str):
    with pytest.raises(InputRefused) as refused:
        hash_password(password, login="tomas.nunez", name="Tomas Nunez")
    assert not password.strip() or password not in str(refused.value)


def test_a_password_is_kept_as_salted_argon2id():
    first, second = hash_password(GOOD), hash_password(GOOD)
    assert first.startswith("$argon2id$")
    assert first != second
    assert GOOD not in first


@pytest.mark.parametrize("tried", ["", GOOD.upper(), GOOD + " ", GOOD[:-1], "\x00", "x" * 100_000])
def test_nothing_but_the_password_opens(tried: str):
    assert not is_password(hash_password(GOOD), tried)


@pytest.mark.parametrize("kept", [None, "", "plain text", "$argon2id$v=19$m=65536"])
@pytest.mark.parametrize("tried", ["", GOOD, "nobody's password"])
def test_an_account_without_a_password_is_opened_by_none_A09(kept: str | None, tried: str):
    assert not is_password(kept, tried)


def test_letters_that_look_the_same_are_the_same_from_every_keyboard():
    assert is_password(hash_password("Zoë zoologisch blau"), "Zoë zoologisch blau")
