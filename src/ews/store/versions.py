"""The version of the store's tables: where they stand, and how they are brought to where this code wants them."""

from enum import Enum
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

MIGRATIONS = Path(__file__).parent / "migrations"


class Standing(Enum):
    """Where the tables stand beside this code."""

    EMPTY = "there are none"
    OLDER = "an older ews made them"
    AT_HEAD = "they are this code's"
    NEWER = "a newer ews made them"


def standing(connection: Connection) -> Standing:
    """Where the tables of a database stand."""
    found = revision(connection)
    if found is None:
        return Standing.EMPTY
    scripts = _scripts()
    if found == scripts.get_current_head():
        return Standing.AT_HEAD
    known = {script.revision for script in scripts.walk_revisions()}
    return Standing.OLDER if found in known else Standing.NEWER


def revision(connection: Connection) -> str | None:
    """The revision that a database's tables have; None without any."""
    return MigrationContext.configure(connection).get_current_revision()


def bring_to_head(connection: Connection) -> None:
    """Run the migrations that are missing, in the transaction of the connection."""
    scripts = _scripts()

    def steps(found: tuple[str, ...], _: MigrationContext) -> list:
        return scripts._upgrade_revs("head", found)  # type: ignore[arg-type]  # what alembic's own command hands over

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=False, render_as_batch=True)
        environment.run_migrations()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))
