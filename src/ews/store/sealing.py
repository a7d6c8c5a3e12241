"""The hash that seals a run's lists: by it a store, or a backup put back, proves that it holds what was published."""

import hashlib
from collections.abc import Iterable

from sqlalchemy import Connection, select

from ews.store.bulk import BATCH
from ews.store.schema import RISK_ROWS


def list_hash(texts: Iterable[str]) -> str:
    """The SHA-256 of a run's lists: of each student, by student_key, the line and the explanation, in that order."""
    digest = hashlib.sha256()
    for part in texts:
        digest.update(part.encode())
    return digest.hexdigest()


def stored_list_hash(connection: Connection, run_id: str) -> str:
    """The same, of the rows that the store holds."""
    row = RISK_ROWS.c.line + "\n" + RISK_ROWS.c.explanation + "\n"
    query = select(row).where(RISK_ROWS.c.run_id == run_id).order_by(RISK_ROWS.c.student_key)
    rows = connection.execute(query.execution_options(stream_results=True))
    return list_hash("".join(row for (row,) in batch) for batch in rows.partitions(BATCH))
