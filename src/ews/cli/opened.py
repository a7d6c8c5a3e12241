"""What commands about people and reads work on: the store, the log of reads, and the name of who acts."""

import contextlib
import datetime
import getpass
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ews.cli.common import HomeOption, StoreOption, moment, say
from ews.errors import InputRefused
from ews.home import Home

if TYPE_CHECKING:
    from ews.store.audit_log import AuditLog
    from ews.store.opening import Store

AuditOption = Annotated[
    str,
    typer.Option("--audit", envvar="EWS_AUDIT", metavar="URL", help="The log of reads; empty: beside the store."),
]
ByOption = Annotated[str, typer.Option("--by", help="Who acts, for the log; empty: the user of this machine.")]

__all__ = ["AuditOption", "ByOption", "HomeOption", "Office", "StoreOption", "office", "say_rows", "today"]


@dataclass(frozen=True)
class Office:
    """What an act on accounts needs.

    Attributes:
        store: open.
        log: open.
        by: who acts.
    """

    store: "Store"
    log: "AuditLog"
    by: str

    def note(self, act: str, login: str, words: str = "", *students: str, **about: Any) -> None:
        """Write an act into the log of reads; call it before the act is kept, so that none is without its entry.

        Args:
            act: what is done, as `grant`.
            login: whose account it is done to; empty for none.
            words: the rest of it.
            students: keys of the students that are shown by it.
            about: further fields of an entry.
        """
        from ews.store.audit_chain import Entry

        fields = " ".join(filter(None, (login, words)))
        entry = Entry(moment(), "", self.by, "", act, "done", "operator", tuple(students), fields=fields, **about)
        self.log.append([entry])


@contextlib.contextmanager
def office(home: Home, store: str, audit: str, by: str, archives: Path | None = None) -> Iterator[Office]:
    """The store and the log of reads, open; with the log's archives where their folder is told.

    Raises:
        InputRefused: a name of more than one line.
    """
    from ews.store.audit_log import log_place, open_audit_log
    from ews.store.opening import open_store

    who = by.strip() or getpass.getuser()
    if not who.isprintable():
        raise InputRefused("Who acts is a name on one line: --by 'First Last'.")
    opened = open_store(store or home.path)
    try:
        log = open_audit_log(log_place(home.path, store, audit), archives)
        try:
            yield Office(opened, log, who)
        finally:
            log.close()
    finally:
        opened.close()


def today() -> datetime.date:
    """The date here."""
    return moment().astimezone().date()


def say_rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under a head, in columns however wide they are: keys are to be copied, so nothing is broken.

    What is not printable is replaced, so that no name or purpose moves the cursor.
    """
    cells = [[_printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _printable(cell: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in cell)
