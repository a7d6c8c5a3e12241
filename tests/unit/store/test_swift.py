"""The swift connection answers as the usual one, sees what was committed, and refuses to write."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from ews.errors import StoreUnavailable
from ews.store import keys, reading
from ews.store.opening import Store
from ews.store.people import members
from ews.store.schema import STAFF, STUDENTS
from ews.store.swift import MOST_PREPARED, SwiftConnection
from tests import cast
from tests.services import move_list_in
from tests.stores import store_with_cast


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = store_with_cast("sqlite", tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def tokens(store: Store) -> dict[str, str]:
    return move_list_in(store, "0" * 64)


@pytest.fixture
def swift(store: Store) -> Iterator[SwiftConnection]:
    opened = SwiftConnection(str(store.file))
    yield opened
    opened.close()


def test_students_places_and_histories_are_the_same(store: Store, tokens: dict[str, str], swift: SwiftConnection):
    with store.reading() as usual, swift.reading() as swiftly:
        for student, member in product(cast.STUDENTS, cast.STAFF):
            for staff in ((member.key,), (member.key, cast.ROSA.key), ()):
                expected = reading.place_of(usual, student.key, *staff)
                assert reading.place_of(swiftly, student.key, *staff) == expected
        for student in cast.STUDENTS:
            assert reading.student_view(swiftly, student.key) == reading.student_view(usual, student.key)
            assert reading.history(swiftly, student.key) == reading.history(usual, student.key)
        assert reading.run_in_force(swiftly) == reading.run_in_force(usual)


def test_who_comes_with_a_token_or_a_session_is_the_same(store: Store, tokens: dict[str, str], swift: SwiftConnection):
    with store.writing() as connection:
        session = keys.start_session(connection, cast.ROSA.key, cast.NOON, second_factor=True).secret
    with store.reading() as usual, swift.reading() as swiftly:
        for token in (*tokens.values(), "unknown"):
            expected = keys.viewer_of_token(usual, token, cast.NOON)
            assert keys.viewer_of_token(swiftly, token, cast.NOON) == expected
        assert keys.viewer_of_session(swiftly, session, cast.NOON) == keys.viewer_of_session(usual, session, cast.NOON)
        assert keys.viewer_of_session(usual, session, cast.NOON) is not None


def test_what_was_committed_is_seen_by_the_next_reading_A06(
    store: Store, tokens: dict[str, str], swift: SwiftConnection
):
    def who() -> keys.SignedIn | None:
        with swift.reading() as connection:
            return keys.viewer_of_token(connection, tokens[cast.ROSA.login], cast.NOON)

    assert who() is not None
    with store.writing() as connection:
        connection.execute(update(STAFF).where(STAFF.c.staff_key == cast.ROSA.key).values(is_active=False))
    assert who() is None


def test_one_reading_sees_one_state(store: Store, tokens: dict[str, str], swift: SwiftConnection):
    with swift.reading() as connection:
        before = reading.student_view(connection, cast.ANA.key)
        with store.writing() as writer:
            writer.execute(update(STUDENTS).values(name="Another Name"))
        assert reading.student_view(connection, cast.ANA.key) == before


def test_what_was_found_is_kept_until_anything_is_committed_A06(
    store: Store, tokens: dict[str, str], swift: SwiftConnection
):
    looked = []

    def look(connection: Any) -> keys.SignedIn | None:
        looked.append(1)
        return keys.viewer_of_token(connection, tokens[cast.ROSA.login], cast.NOON)

    def who() -> keys.SignedIn | None:
        return swift.kept("rosa", look)

    assert who() == who()
    assert len(looked) == 1
    with store.writing() as connection:
        connection.execute(update(STUDENTS).values(name="Another Name"))
    assert who() is not None
    assert len(looked) == 2
    with store.writing() as connection:
        keys.revoke_token(connection, next(one.token_key for one in keys.tokens(connection)), cast.NOON)
        connection.execute(update(STAFF).where(STAFF.c.staff_key == cast.ROSA.key).values(is_active=False))
    assert who() is None
    assert who() is None
    assert len(looked) == 4


def test_what_is_committed_while_it_is_looked_for_counts_the_next_time_A06(store: Store, swift: SwiftConnection):
    move_list_in(store, "0" * 64)

    def name(connection: Any) -> str | None:
        found = reading.student_view(connection, cast.ANA.key)
        with store.writing() as writer:
            writer.execute(update(STUDENTS).values(name="Another Name"))
        return found.name if found else None

    assert swift.kept("name", name) == cast.ANA.name
    assert swift.kept("name", name) == "Another Name"


def test_it_cannot_write(swift: SwiftConnection):
    with pytest.raises(StoreUnavailable), swift.reading():
        swift._raw.execute("update students set name = 'x'")


def test_statements_made_anew_do_not_pile_up(store: Store, swift: SwiftConnection):
    with swift.reading() as connection:
        for _ in range(3 * MOST_PREPARED):
            assert len(members(connection, STAFF.c.login == cast.ROSA.login)) == 1
    assert len(swift._prepared) <= MOST_PREPARED


def test_a_damaged_file_is_told_as_such(tmp_path: Path):
    file = tmp_path / "store.db"
    file.write_bytes(b"no database" * 1_000)
    swift = SwiftConnection(str(file))
    with pytest.raises(StoreUnavailable, match="damaged"), swift.reading() as connection:
        reading.run_in_force(connection)
    with pytest.raises(StoreUnavailable), SwiftConnection(str(tmp_path / "none.db")).reading():
        pass
