"""Signing in: one answer to every failure, codes and links that count once, and a wait instead of a lock (A01, A04)."""

import statistics
import time
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from ews.errors import InputRefused
from ews.store import keys, links, people, throttle
from ews.store.opening import Store
from ews.store.schema import STAFF
from ews.store.second_factor import new_totp_secret, provisioning_uri, step_of
from ews.store.sign_in import Admitted, SetUp, Try, set_up, sign_in, step_up
from ews.store.throttle import LIMITS
from tests.cast import DANA, LOU, NOON, ROSA, TOMAS

GOOD = "violet tractor under seven moons"
HERE, ELSEWHERE = "192.0.2.7", "198.51.100.9"
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def opened(store: Store, who, totp_secret: str = "", at=NOON) -> Admitted:
    """Somebody who used a one-time link."""
    with store.writing() as connection:
        link = links.make_setup_link(connection, who.key, at)
    code = pyotp.TOTP(totp_secret).at(at) if totp_secret else ""
    return set_up(store, SetUp(link, GOOD, totp_secret, code), at)


def attempt(who, password: str = GOOD, code: str = "", **more) -> Try:
    return Try(who.login, password, code, **{"address": HERE, **more})


def who_has(store: Store, session: keys.Session, at=NOON):
    with store.reading() as connection:
        return keys.viewer_of_session(connection, session.secret, at)


def test_a_link_sets_a_password_that_opens_from_then_on(store):
    admitted = opened(store, ROSA)
    assert who_has(store, admitted.session).viewer.login == ROSA.login
    again = sign_in(store, attempt(ROSA), NOON)
    assert again is not None
    assert who_has(store, again.session).viewer == ROSA.viewer(second_factor=False)
    assert sign_in(store, Try(" ROSA.Imani ", GOOD, "", HERE), NOON) is not None


def test_a_password_kept_with_older_parameters_is_kept_with_todays_from_the_next_sign_in_SEC_1(store):
    opened(store, ROSA)
    older = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(GOOD)
    keep(store, older)
    assert sign_in(store, attempt(ROSA, "not the password at all"), NOON) is None
    assert kept(store) == older
    assert sign_in(store, attempt(ROSA), NOON + MINUTE) is not None
    today = kept(store)
    assert today != older
    assert "m=19456,t=2,p=1" in today
    assert sign_in(store, attempt(ROSA), NOON + MINUTE) is not None
    assert kept(store) == today


def test_without_its_code_a_right_password_is_not_even_kept_anew_A01(store):
    secret = new_totp_secret()
    opened(store, DANA, secret)
    older = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(GOOD)
    keep(store, older, DANA)
    assert sign_in(store, attempt(DANA), NOON + MINUTE) is None
    assert kept(store, DANA) == older


def keep(store: Store, password_hash: str, who=ROSA) -> None:
    with store.writing() as connection:
        connection.execute(update(STAFF).where(STAFF.c.staff_key == who.key).values(password_hash=password_hash))


def kept(store: Store, who=ROSA) -> str:
    with store.reading() as connection:
        return str(connection.scalar(select(STAFF.c.password_hash).where(STAFF.c.staff_key == who.key)))


def test_a_link_opens_for_one_setting_and_signs_out_whoever_was_in_A05(store):
    first = opened(store, ROSA)
    with store.writing() as connection:
        link = links.make_setup_link(connection, ROSA.key, NOON)
    set_up(store, SetUp(link, "another seven violet tractors"), NOON)
    assert who_has(store, first.session) is None
    assert sign_in(store, attempt(ROSA), NOON) is None
    with pytest.raises(InputRefused, match="Ask for a new one"):
        set_up(store, SetUp(link, GOOD), NOON)
    with pytest.raises(InputRefused, match="Ask for a new one"):
        set_up(store, SetUp("", GOOD), NOON)


def test_a_bad_password_or_code_leaves_the_link_open(store):
    with store.writing() as connection:
        link = links.make_setup_link(connection, ROSA.key, NOON)
    secret = new_totp_secret()
    with pytest.raises(InputRefused, match="characters"):
        set_up(store, SetUp(link, "short"), NOON)
    with pytest.raises(InputRefused, match="code"):
        set_up(store, SetUp(link, GOOD, secret, "000000" if pyotp.TOTP(secret).at(NOON) != "000000" else "1"), NOON)
    assert set_up(store, SetUp(link, GOOD, secret, pyotp.TOTP(secret).at(NOON)), NOON)


def test_a_role_that_needs_a_second_factor_is_not_set_up_without_one_SEC_1(store):
    with store.writing() as connection:
        link = links.make_setup_link(connection, DANA.key, NOON)
    with pytest.raises(InputRefused, match="second factor"):
        set_up(store, SetUp(link, GOOD), NOON)
    with store.reading() as connection:
        assert links.staff_of_link(connection, link, NOON) == DANA.key


def test_every_failure_is_the_same_answer_A01(store):
    secret = new_totp_secret()
    opened(store, ROSA)
    opened(store, DANA, secret)
    failures = [
        attempt(replace(ROSA, login="nobody")),
        attempt(ROSA, "wrong password entirely"),
        attempt(ROSA, ""),
        attempt(LOU),
        attempt(TOMAS),
        attempt(DANA),
        attempt(DANA, code="123"),
        attempt(DANA, "wrong password entirely", pyotp.TOTP(secret).at(NOON + MINUTE)),
    ]
    assert [sign_in(store, failure, NOON + MINUTE) for failure in failures] == [None] * len(failures)


def test_an_unknown_login_takes_as_long_as_a_wrong_password_A01(store):
    opened(store, ROSA)
    sign_in(store, attempt(ROSA, "to warm up"), NOON)
    took: dict[str, list[float]] = {"nobody": [], ROSA.login: [], TOMAS.login: []}
    for number in range(9):
        for login, times in took.items():
            start = time.perf_counter()
            sign_in(store, Try(login, "wrong password entirely", "", f"203.0.113.{number}"), NOON)
            times.append(time.perf_counter() - start)
    medians = [statistics.median(times) for times in took.values()]
    assert max(medians) < 2 * min(medians)


def test_a_code_counts_once_and_only_around_its_time(store):
    secret = new_totp_secret()
    opened(store, DANA, secret)
    at = NOON + 5 * MINUTE
    code = pyotp.TOTP(secret).at(at)
    assert sign_in(store, attempt(DANA, code=""), at) is None
    assert sign_in(store, attempt(DANA, code=f"{code[:3]} {code[3:]}"), at) is not None
    assert sign_in(store, attempt(DANA, code=code), at) is None
    assert sign_in(store, attempt(DANA, code=pyotp.TOTP(secret).at(at - 30 * SECOND)), at) is None
    assert [step_of(secret, code, at + shift * SECOND) is not None for shift in (-61, -30, 30, 61)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_the_code_that_set_the_second_factor_up_does_not_sign_in_as_well(store):
    secret = new_totp_secret()
    opened(store, DANA, secret)
    assert sign_in(store, attempt(DANA, code=pyotp.TOTP(secret).at(NOON)), NOON) is None


def test_signing_in_with_a_code_gives_the_second_factor_and_without_does_not(store):
    secret = new_totp_secret()
    assert who_has(store, opened(store, DANA, secret).session).viewer.second_factor
    at = NOON + MINUTE
    admitted = sign_in(store, attempt(DANA, code=pyotp.TOTP(secret).at(at)), at)
    assert who_has(store, admitted.session, at).viewer.second_factor
    assert not who_has(store, opened(store, ROSA).session).viewer.second_factor


def test_a_second_factor_given_later_changes_the_session_A05(store):
    secret = new_totp_secret()
    opened(store, DANA, secret)
    with store.writing() as connection:
        before = keys.start_session(connection, DANA.key, NOON, second_factor=False)
    at = NOON + MINUTE
    assert step_up(store, DANA.key, before.secret, "000000", at) is None
    after = step_up(store, DANA.key, before.secret, pyotp.TOTP(secret).at(at + 2 * SECOND), at + 2 * SECOND)
    assert who_has(store, before, at) is None
    assert who_has(store, after, at).viewer.second_factor
    assert step_up(store, DANA.key, after.secret, pyotp.TOTP(secret).at(at), at) is None
    assert step_up(store, ROSA.key, after.secret, "", at) is None


def test_guessing_codes_in_a_session_is_slowed_down_A04(store):
    secret = new_totp_secret()
    opened(store, DANA, secret)
    for _ in range(LIMITS["browser"].free):
        assert step_up(store, DANA.key, "session", "000001", NOON) is None
    late = NOON + MINUTE
    assert step_up(store, DANA.key, "session", pyotp.TOTP(secret).at(NOON), NOON) is None
    assert step_up(store, DANA.key, "session", pyotp.TOTP(secret).at(late), late) is not None


def test_a_session_that_came_along_ends_at_sign_in_A05(store):
    before = opened(store, ROSA).session
    after = sign_in(store, attempt(ROSA, session=before.secret), NOON).session
    assert who_has(store, before) is None
    assert who_has(store, after) is not None


def test_after_five_failures_the_next_try_waits_longer_and_longer_and_is_never_locked_A04(store):
    opened(store, ROSA)
    now = NOON
    for _ in range(5):
        assert sign_in(store, attempt(ROSA, "wrong password entirely"), now) is None
    assert sign_in(store, attempt(ROSA), now) is None
    assert sign_in(store, attempt(ROSA), now + 1 * SECOND) is not None
    for _ in range(7):
        sign_in(store, attempt(ROSA, "wrong password entirely"), now := now + 20 * MINUTE)
    assert sign_in(store, attempt(ROSA), now + 3 * SECOND) is None
    assert sign_in(store, attempt(ROSA), now + 4 * SECOND) is not None


def test_a_try_that_comes_too_early_does_not_make_the_wait_longer_A04(store):
    opened(store, ROSA)
    for _ in range(6):
        sign_in(store, attempt(ROSA, "wrong password entirely"), NOON)
        sign_in(store, attempt(ROSA), NOON)
    assert sign_in(store, attempt(ROSA), NOON + 1 * SECOND) is not None


def test_the_wait_survives_a_restart_A04(tmp_path):
    from ews.store.opening import open_store
    from tests.stores import store_with_cast

    store = store_with_cast("sqlite", tmp_path)
    opened(store, ROSA)
    for _ in range(5):
        sign_in(store, attempt(ROSA, "wrong password entirely"), NOON)
    store.close()
    again = open_store(tmp_path)
    assert sign_in(again, attempt(ROSA), NOON) is None
    again.close()


def test_strangers_cannot_keep_a_counselor_out_of_a_browser_that_is_known_A04(store):
    browser = opened(store, TOMAS).browser
    with store.writing() as connection:
        for number in range(30):
            throttle.count_failure(connection, throttle.abouts(TOMAS.login, f"203.0.113.{number}", None), NOON)
            throttle.count_failure(connection, throttle.abouts(TOMAS.login, HERE, None), NOON)
    assert sign_in(store, attempt(TOMAS, browser="forged"), NOON) is None
    assert sign_in(store, attempt(TOMAS, address=ELSEWHERE), NOON) is None
    assert sign_in(store, attempt(TOMAS, browser=browser), NOON) is not None
    assert sign_in(store, attempt(TOMAS, address=ELSEWHERE), NOON + 30 * SECOND) is not None


def test_a_known_browser_does_not_help_to_guess_it_waits_as_well_A04(store):
    browser = opened(store, TOMAS).browser
    for _ in range(5):
        sign_in(store, attempt(TOMAS, "wrong password entirely", browser=browser), NOON)
    assert sign_in(store, attempt(TOMAS, browser=browser), NOON) is None
    other = opened(store, ROSA).browser
    for _ in range(5):
        sign_in(store, attempt(TOMAS, "wrong password entirely", browser=other), NOON)
    assert sign_in(store, attempt(TOMAS, browser=other), NOON) is None


def test_one_address_that_tries_many_logins_is_slowed_down_A04(store):
    opened(store, ROSA)
    with store.writing() as connection:
        for number in range(LIMITS["address"].free):
            throttle.count_failure(connection, throttle.abouts(f"guess-{number}", ELSEWHERE, None), NOON)
    assert sign_in(store, attempt(ROSA, address=ELSEWHERE), NOON) is None
    assert sign_in(store, attempt(ROSA, address=HERE), NOON) is not None
    assert sign_in(store, attempt(ROSA, address=ELSEWHERE), NOON + 1 * SECOND) is not None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("unknown", "unknown", True),
    ],
)
def test_whoever_holds_one_address_of_ipv6_holds_its_whole_network_A04(one: str, other: str, same: bool):
    assert (throttle.abouts("rosa", one, None) == throttle.abouts("rosa", other, None)) is same


def test_failures_are_forgotten_after_a_day(store):
    opened(store, ROSA)
    with store.writing() as connection:
        for _ in range(20):
            throttle.count_failure(connection, throttle.abouts(ROSA.login, HERE, None), NOON)
    tomorrow = NOON + timedelta(hours=24)
    assert sign_in(store, attempt(ROSA, "wrong password entirely"), tomorrow) is None
    assert sign_in(store, attempt(ROSA), tomorrow) is not None


def test_what_is_kept_of_failures_names_nobody(store):
    from sqlalchemy import select

    from ews.store.schema import FAILED_SIGN_INS

    sign_in(store, attempt(ROSA, "wrong password entirely"), NOON)
    with store.reading() as connection:
        kept = str(connection.execute(select(FAILED_SIGN_INS)).all())
    assert ROSA.login not in kept
    assert HERE not in kept
    assert "wrong" not in kept


def test_an_account_of_the_identity_provider_has_no_local_password(store):
    from sqlalchemy import update

    from ews.store.schema import STAFF

    with store.writing() as connection:
        mine = STAFF.c.staff_key == ROSA.key
        connection.execute(update(STAFF).where(mine).values(oidc_subject="https://idp.example rosa"))
    opened(store, ROSA)
    with store.reading() as connection:
        assert people.member(connection, ROSA.login).signs_in_by == "identity provider"
    assert sign_in(store, attempt(ROSA), NOON) is None


def test_an_app_takes_the_secret_by_an_address_that_names_the_service():
    secret = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    assert provisioning_uri(secret, "rosa.imani") == f"otpauth://totp/ews:rosa.imani?secret={secret}&issuer=ews"


@pytest.mark.parametrize("secret", ["", "short", "AAAAAAAA", "é" * 40, "0189" * 10])
def test_what_is_no_secret_has_no_code(secret: str):
    assert step_of(secret, "000000", NOON) is None
