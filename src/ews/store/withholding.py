"""Who is not to be scored, marked in the store: lists leave them out at once, before the next publication (P07)."""

from collections.abc import Collection

from sqlalchemy import Connection, select, update

from ews.store.schema import STUDENTS


def mark_withheld(connection: Connection, student_ids: Collection[str]) -> int:
    """Mark exactly these students; how many of them the store knows."""
    marked = STUDENTS.c.do_not_score
    listed = STUDENTS.c.student_id.in_(sorted(student_ids))
    connection.execute(update(STUDENTS).where(marked, ~listed).values(do_not_score=False))
    connection.execute(update(STUDENTS).where(~marked, listed).values(do_not_score=True))
    return len(connection.scalars(select(STUDENTS.c.student_key).where(listed)).all())
