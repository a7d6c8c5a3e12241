"""Sessions, tokens and links: hashed, expiring, one-time, never wider than their owner (A02, A03, A05 to A07, A12)."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from ews.access import NAMES, Grant, Role, View, can_view_student, may
from ews.errors import InputRefused
from ews.store import keys, links, people
from ews.store.opening import Store
from ews.store.schema import KNOWN_BROWSERS, METADATA, SESSIONS
from tests.cast import ANA, DANA, LOU, MO, NOON, PIET, ROSA, TODAY, TOMAS, VAL, WEI, place

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


def token_of(store: Store, staff_key: str, *scopes: str, lasts: timedelta = DAY) -> tuple[str, str]:
    with store.writing() as connection:
        return keys.make_token(connection, staff_key, name="nightly", scopes=scopes, at=NOON, expires_at=NOON + lasts)


def session_of(store: Store, staff_key: str, **how) -> keys.Session:
    with store.writing() as connection:
        return keys.start_session(connection, staff_key, NOON, **{"second_factor": False, **how})


def who(store: Store, session: keys.Session, at=NOON):
    with store.reading() as connection:
        return keys.viewer_of_session(connection, session.secret, at)


def test_a_session_is_its_person_with_all_grants_in_one_statement(store):
    signed_in = who(store, session_of(store, TOMAS.key))
    assert signed_in is not None
    assert signed_in.viewer == TOMAS.viewer(second_factor=False)
    assert signed_in.name == "Tomás Núñez"
    assert who(store, session_of(store, VAL.key)).viewer.grants == ()


def test_no_secret_is_kept_only_its_hash_A02_A11(store):
    session = session_of(store, TOMAS.key)
    _, token = token_of(store, ROSA.key, View.RISK_LIST)
    with store.writing() as connection:
        link = links.make_setup_link(connection, ROSA.key, NOON)
        browser = links.remember_browser(connection, ROSA.key, NOON)
        kept = str([row for table in METADATA.sorted_tables for row in connection.execute(select(table)).all()])
    for secret in (session.secret, token, link, browser):
        assert len(secret) >= 43
        assert secret not in kept
        assert keys.sha256_of(secret) in kept


def test_a_session_ends_after_half_an_hour_without_a_request_A05(store):
    session = session_of(store, TOMAS.key)
    assert who(store, session, NOON + 29 * MINUTE) is not None
    assert who(store, session, NOON + 30 * MINUTE) is None
    with store.writing() as connection:
        signed_in = keys.viewer_of_session(connection, session.secret, NOON + 29 * MINUTE)
        assert keys.is_stale(signed_in, NOON + 29 * MINUTE)
        keys.touch(connection, signed_in, NOON + 29 * MINUTE)
    assert who(store, session, NOON + 58 * MINUTE) is not None
    assert not keys.is_stale(who(store, session, NOON + 58 * MINUTE), NOON + 29 * MINUTE + timedelta(seconds=59))


def test_a_session_ends_after_twelve_hours_however_busy_A05(store):
    session = session_of(store, TOMAS.key)
    for minutes in range(20, 12 * 60, 20):
        with store.writing() as connection:
            signed_in = keys.viewer_of_session(connection, session.secret, NOON + minutes * MINUTE)
            keys.touch(connection, signed_in, NOON + minutes * MINUTE)
    assert who(store, session, NOON + 12 * HOUR - MINUTE) is not None
    assert who(store, session, NOON + 12 * HOUR) is None


def test_signing_out_ends_the_session_on_the_server_A05(store):
    session, other = session_of(store, TOMAS.key), session_of(store, TOMAS.key)
    with store.writing() as connection:
        keys.end_session(connection, session.secret)
    assert who(store, session) is None
    assert who(store, other) is not None
    with store.writing() as connection:
        keys.end_sessions_of(connection, TOMAS.key)
    assert who(store, other) is None


def test_signing_in_never_carries_a_session_over_A05(store):
    before = session_of(store, TOMAS.key)
    after = session_of(store, ROSA.key, replaces=before.secret, second_factor=True)
    assert before.secret != after.secret
    assert before.csrf != after.csrf
    assert who(store, before) is None
    assert who(store, after).viewer == ROSA.viewer(second_factor=True)


def test_a_closed_account_has_no_session_A06(store):
    assert who(store, session_of(store, LOU.key)) is None


def test_a_grant_taken_away_counts_from_the_next_request_A06(store):
    session = session_of(store, ROSA.key)
    assert can_view_student(who(store, session).viewer, place(ANA), View.ATTENDANCE, TODAY).allowed
    with store.writing() as connection:
        people.revoke(connection, ROSA.key, Role.SCHOOL_LEAD, TODAY)
    assert not can_view_student(who(store, session).viewer, place(ANA), View.ATTENDANCE, TODAY).allowed


@pytest.mark.parametrize("secret", ["", "x", "ews_", "\x00", "é" * 40, "x" * 10_000, "' or 1=1 --"])
def test_an_unknown_secret_opens_nothing_A03(store, secret: str):
    session_of(store, ROSA.key)
    token_of(store, ROSA.key, View.RISK_LIST)
    with store.reading() as connection:
        assert keys.viewer_of_session(connection, secret, NOON) is None
        assert keys.viewer_of_token(connection, secret, NOON) is None


def test_a_truncated_or_longer_secret_opens_nothing_A03(store):
    _, token = token_of(store, ROSA.key, View.RISK_LIST)
    with store.reading() as connection:
        assert keys.viewer_of_token(connection, token, NOON) is not None
        for damaged in (token[:-1], token + "a", token.upper(), token.removeprefix("ews_"), keys.sha256_of(token)):
            assert keys.viewer_of_token(connection, damaged, NOON) is None
        assert keys.viewer_of_session(connection, token, NOON) is None


def test_a_token_is_its_owner_within_its_scopes_A07(store):
    _, token = token_of(store, MO.key, *View, NAMES)
    with store.reading() as connection:
        viewer = keys.viewer_of_token(connection, token, NOON).viewer
    assert {view for view in View if may(viewer, view, TODAY).allowed} == {View.ATTENDANCE, View.CONTACT}
    _, narrow = token_of(store, DANA.key, View.RUNS)
    with store.reading() as connection:
        viewer = keys.viewer_of_token(connection, narrow, NOON).viewer
    assert {view for view in View if may(viewer, view, TODAY).allowed} == {View.RUNS}


def test_a_token_ends_when_it_expires_or_is_revoked_A03(store):
    key, token = token_of(store, ROSA.key, View.RISK_LIST, lasts=HOUR)
    with store.writing() as connection:
        assert keys.viewer_of_token(connection, token, NOON + HOUR - MINUTE) is not None
        assert keys.viewer_of_token(connection, token, NOON + HOUR) is None
        assert keys.revoke_token(connection, key, NOON)
        assert keys.viewer_of_token(connection, token, NOON) is None
        assert not keys.revoke_token(connection, key, NOON)
        assert not keys.revoke_token(connection, "unknown", NOON)
        (listed,) = keys.tokens(connection)
    assert (listed.token_key, listed.login, listed.revoked_at) == (key, "rosa.imani", NOON)
    assert listed.scopes == ("risk_list",)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"scopes": ()}, "scopes"),
        ({"scopes": ("everything",)}, "scopes"),
        ({"name": " "}, "name"),
        ({"expires_at": NOON}, "year"),
        ({"expires_at": NOON + timedelta(days=367)}, "year"),
    ],
)
def test_a_token_names_its_use_and_its_end(store, change, sentence):
    asked = {"name": "n", "scopes": (View.RUNS,), "at": NOON, "expires_at": NOON + DAY} | change
    with store.writing() as connection, pytest.raises(InputRefused, match=sentence):
        keys.make_token(connection, ROSA.key, **asked)


def test_a_link_opens_once_and_until_it_expires_A09(store):
    with store.writing() as connection:
        secret = links.make_setup_link(connection, VAL.key, NOON)
        assert links.staff_of_link(connection, secret, NOON + 3 * DAY - MINUTE) == VAL.key
        assert links.staff_of_link(connection, secret, NOON + 3 * DAY) is None
        assert not links.use_link(connection, secret, NOON + 3 * DAY)
        assert links.use_link(connection, secret, NOON)
        assert not links.use_link(connection, secret, NOON)
        assert links.staff_of_link(connection, secret, NOON) is None


def test_a_newer_link_closes_the_older_one(store):
    with store.writing() as connection:
        older, newer = (links.make_setup_link(connection, VAL.key, NOON) for _ in range(2))
        assert links.staff_of_link(connection, older, NOON) is None
        assert links.staff_of_link(connection, newer, NOON) == VAL.key


def test_of_many_who_use_a_link_at_the_same_moment_one_gets_it(store):
    with store.writing() as connection:
        secret = links.make_setup_link(connection, VAL.key, NOON)
    ready, won = threading.Barrier(6), []

    def use() -> None:
        ready.wait()
        with store.writing() as connection:
            won.append(links.use_link(connection, secret, NOON))

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]


def test_a_browser_is_known_only_for_who_signed_in_with_it(store):
    with store.writing() as connection:
        secret = links.remember_browser(connection, ROSA.key, NOON)
        assert links.knows_browser(connection, secret, ROSA.login, NOON)
        assert not links.knows_browser(connection, secret, TOMAS.login, NOON)
        assert not links.knows_browser(connection, "x", ROSA.login, NOON)
        assert not links.knows_browser(connection, secret, ROSA.login, NOON + timedelta(days=180))


def test_looking_as_another_person_shows_what_both_may_see_until_it_ends_A12(store):
    session = session_of(store, DANA.key, second_factor=True)
    for other, sees in ((TOMAS, True), (PIET, False), (LOU, False), (VAL, False)):
        with store.writing() as connection:
            keys.view_as(connection, keys.viewer_of_session(connection, session.secret, NOON), other.key)
        viewer = who(store, session).viewer
        assert (viewer.login, viewer.viewing_as is not None) == (DANA.login, True)
        assert can_view_student(viewer, place(ANA), View.ATTENDANCE, TODAY).allowed is sees
    with store.writing() as connection:
        keys.view_as(connection, keys.viewer_of_session(connection, session.secret, NOON), None)
    assert who(store, session).viewer == DANA.viewer()


def test_a_grant_given_counts_from_the_next_request_and_needs_its_second_factor(store):
    session = session_of(store, VAL.key)
    with store.writing() as connection:
        people.grant(connection, VAL.key, Grant(Role.DATA_SCIENTIST, TODAY), by="Dana", why="a test")
    assert not may(who(store, session).viewer, View.RUNS, TODAY).allowed
    assert may(who(store, session_of(store, VAL.key, second_factor=True)).viewer, View.RUNS, TODAY).allowed


def test_what_no_longer_opens_anything_is_deleted(store):
    session_of(store, WEI.key)
    with store.writing() as connection:
        links.make_setup_link(connection, VAL.key, NOON)
        links.remember_browser(connection, VAL.key, NOON)
        assert links.forget_expired(connection, NOON + 29 * MINUTE) == 0
        assert links.forget_expired(connection, NOON + 31 * MINUTE) == 1
        assert links.forget_expired(connection, NOON + 200 * DAY) == 2
        assert (
            connection.execute(select(SESSIONS)).first() is connection.execute(select(KNOWN_BROWSERS)).first() is None
        )
