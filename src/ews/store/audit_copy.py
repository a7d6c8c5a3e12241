"""A copy of the log of reads, as of one moment and while entries are added; proved before it counts."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from ews.errors import AuditUnavailable, InputRefused
from ews.store.audit_log import log_file, open_audit_log
from ews.store.audit_proof import Verdict


def copy_log(where: str | Path, file: Path) -> Verdict:
    """Copy a log on SQLite into a new file of its owner alone.

    Args:
        where: of the log, as :func:`ews.store.audit_log.open_audit_log` takes it.
        file: the copy; there must be none.

    Returns:
        What a check of the copy found, with its head.

    Raises:
        InputRefused: there is a file, or it does not end in `.db`, or its folder is not there; or the log is on
            PostgreSQL.
        AuditUnavailable: the log does not answer, or the disk is full; no copy is left.
    """
    if file.exists() or file.suffix != ".db" or not file.parent.is_dir():
        raise InputRefused("A copy of the log is a new file in a folder that is there, and ends in .db.")
    log = log_file(where)
    if log is None:
        raise InputRefused("A log on PostgreSQL is backed up with its database: pg_dump.")
    file.touch(mode=0o600)
    try:
        with closing(sqlite3.connect(f"{log.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as raw:
            raw.execute("vacuum into ?", (str(file),))
    except sqlite3.Error:
        file.unlink(missing_ok=True)
        raise AuditUnavailable("The log of reads could not be copied. Look at its disk and at the copy's.") from None
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
    copy = open_audit_log(file)
    verdict = copy.verify()
    copy.close()
    return verdict
