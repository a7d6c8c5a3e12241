"""Stores to test on: SQLite and PostgreSQL, with the cast moved in."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, insert

from ews.store import caseloads, people
from ews.store.opening import FILE, Store, open_store
from ews.store.schema import METADATA, SCHOOLS, STAFF, STAYS, STUDENTS
from ews.store.upgrading import create_or_upgrade
from tests.cast import FIRST_DAY, NOON, caseload_rows
from tests.cast import SCHOOLS as CAST_SCHOOLS
from tests.cast import STAFF as CAST_STAFF
from tests.cast import STUDENTS as CAST_STUDENTS
from tests.postgres import new_database

DATABASES = ("sqlite", "postgresql")


def new_store(database: str, folder: Path) -> Store:
    """An empty store."""
    return create_or_upgrade(folder if database == "sqlite" else new_database())


def move_in(connection: Connection) -> None:
    """Put the whole cast into a store, under the keys it has in tests."""
    schools = [{"school_id": s.school_id, "district_id": s.district_id, "name": s.name, "level": s.level}
               for s in CAST_SCHOOLS]  # fmt: skip
    students = [{"student_key": s.key, "student_id": s.student_id, "name": s.name, "do_not_score": s.do_not_score,
                 "withdrawn_on": s.withdrawn_on} for s in CAST_STUDENTS]  # fmt: skip
    stays = [{"student_key": s.key, "school_id": stay.school_id, "entry_date": stay.entry_date,
              "exit_date": stay.exit_date, "grade_level": s.grade_level}
             for s in CAST_STUDENTS for stay in s.stays]  # fmt: skip
    connection.execute(insert(SCHOOLS), schools)
    connection.execute(insert(STUDENTS), students)
    connection.execute(insert(STAYS), stays)
    move_staff_in(connection)
    for role in caseloads.ROLES:
        caseloads.replace_caseloads(connection, role, caseload_rows(role), FIRST_DAY)
    connection.execute(STAFF.update().where(STAFF.c.staff_key.in_(
        [s.key for s in CAST_STAFF if not s.is_active])).values(is_active=False))  # fmt: skip


def move_staff_in(connection: Connection) -> None:
    """The staff and their grants."""
    staff = [{"staff_key": s.key, "login": s.login, "name": s.name, "is_active": True, "created_at": NOON}
             for s in CAST_STAFF]  # fmt: skip
    connection.execute(insert(STAFF), staff)
    for member in CAST_STAFF:
        for granted in member.grants:
            people.grant(connection, member.key, granted, by="tests", why=member.why)


def store_with_cast(database: str, folder: Path) -> Store:
    """A store with the cast in it. On PostgreSQL it is always the same one, emptied first."""
    if database == "sqlite":
        shutil.copy(_sqlite_with_cast(), folder / FILE)
        return open_store(folder)
    store = _postgresql()
    with store.writing() as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(table.delete())
        move_in(connection)
    return store


@cache
def _sqlite_with_cast() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ews-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    store = new_store("sqlite", folder)
    with store.writing() as connection:
        move_in(connection)
    store.close()
    return folder / FILE


@cache
def _postgresql() -> Store:
    return new_store("postgresql", Path())
