"""Writing what was done about a student, for pages and programs alike."""

from collections.abc import Callable
from typing import Any

from ews.access import View
from ews.school_year import SchoolYear
from ews.store.following_up import Author
from ews.store.reading import run_in_force
from ews_serve.asked import NOTHING_PUBLISHED, Asked
from ews_serve.problems import Refused

Write = Callable[[Any, SchoolYear, Author], Any]
"""Writes, given the connection, the school year of the list in force, and who writes."""


def write_of(asked: Asked, student_key: str, view: View, write: Write) -> Any:
    """Write of one student; for a thread.

    Raises:
        Refused: as `Asked.write`; 503, nothing was published yet.
        InputRefused: what was told cannot be so; nothing was written.
        Overtaken: somebody was faster; nothing was written.
    """
    by = Author(asked.viewer.staff_key, asked.viewer.login, asked.at, asked.on)

    def do(connection: Any, _: object) -> Any:
        run = run_in_force(connection)
        if run is None:
            raise Refused(503, NOTHING_PUBLISHED)
        return write(connection, SchoolYear(run.target_year), by)

    return asked.write(student_key, view, do)
