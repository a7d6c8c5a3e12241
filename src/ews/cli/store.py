"""Commands about the store: publish what schools see, and keep the store whole."""

from pathlib import Path
from typing import Annotated

import typer

from ews.cli.common import HomeOption, StoreOption, moment, now, say, steps
from ews.home import Home

PURGES = "purges.jsonl"

app = typer.Typer(help="Keep the store: upgrade its tables, check, back up, restore, purge.", no_args_is_help=True)


def publish(
    home: HomeOption,
    store: StoreOption = "",
    run: Annotated[str, typer.Option("--run", help="Id of a scoring run; empty: the home's current one.")] = "",
    by: Annotated[str, typer.Option("--by", help="Who publishes; it stays with the run.")] = "ews publish",
) -> None:
    """Put the scoring run and the roster of the records in force before the schools, all of it or nothing."""
    from ews.store.publishing import publish as publish_run
    from ews.store.upgrading import open_or_make

    place = Home(home)
    place.ingested()
    opened = open_or_make(_where(place, store))
    with steps() as progress:
        done = publish_run(opened, place, by=by, at=moment(), run_id=run or None, progress=progress)
    opened.close()
    if not done.changed:
        say(f"Run {done.run_id} with this roster was published already; nothing was changed.")
        return
    say(f"Run {done.run_id} is in force: {done.students:,} students of {done.schools} schools are listed.")
    if done.left_out:
        say(f"{done.left_out:,} of the run are on no list: not to be scored, or no longer in the records.")


def withhold(
    student_id: Annotated[str, typer.Argument(help="The student's id, as given.")],
    home: HomeOption,
    by: Annotated[str, typer.Option("--by", help="Who writes it down.")],
    why: Annotated[str, typer.Option("--why", help="As the family put it; it stays with the home.")] = "",
    store: StoreOption = "",
    end: Annotated[bool, typer.Option("--end", help="Let the student be scored again.")] = False,
) -> None:
    """Leave a student out of every list, at once, because the family asked for it; or end that."""
    from ews.store.opening import open_store, store_url
    from ews.store.withholding import mark_withheld
    from ews.withheld import Objection, lift, withheld_students
    from ews.withheld import withhold as leave_out

    place = Home(home)
    with place.locked():
        lift(place, student_id) if end else leave_out(place, student_id, Objection(by, why, now()))
    where = _where(place, store)
    if store or Path(str(store_url(where).database)).exists():
        opened = open_store(where)
        with opened.alone(), opened.writing() as connection:
            mark_withheld(connection, withheld_students(place))
        opened.close()
    say(f"{len(withheld_students(place)):,} students are on no list. Score and publish, so that ranks have no gap.")


@app.command()
def upgrade(home: HomeOption, store: StoreOption = "") -> None:
    """Make the store, or bring its tables to this version; SQLite's file is copied first."""
    from ews.store.upgrading import create_or_upgrade

    with steps() as progress:
        create_or_upgrade(_where(Home(home), store), progress).close()
    say("The store's tables are this version's.")


@app.command()
def check(home: HomeOption, store: StoreOption = "") -> None:
    """Read the whole store: is it undamaged, and are the lists those that were published?"""
    from ews.errors import StoreUnavailable
    from ews.store.checking import check as findings
    from ews.store.opening import open_store

    opened = open_store(_where(Home(home), store), read_only=True)
    found = findings(opened)
    opened.close()
    for finding in found:
        say(finding)
    if found:
        raise StoreUnavailable("The store is not whole. Restore a backup: ews store restore FILE")
    say("The store is whole, and its lists are those that were published.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="A new file; it holds education records.")],
    home: HomeOption,
    store: StoreOption = "",
) -> None:
    """Copy the store into one SQLite file, as of one moment, while the service goes on."""
    from ews.store.copying import backup as back_up
    from ews.store.opening import open_store

    opened = open_store(_where(Home(home), store), read_only=True)
    done = back_up(opened, file)
    opened.close()
    say(f"{done.rows:,} rows are in {file}. Lists of run {done.run_id}: {done.list_sha256}")
    say(f"It holds education records. Keep {PURGES} of the home with it: it says who may not come back.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that ews store backup wrote.")],
    home: HomeOption,
    store: StoreOption = "",
) -> None:
    """Put a backup in the place of what the store holds, whole or not at all; who was purged since stays purged."""
    from ews.store.copying import restore as put_back

    place = Home(home)
    done = put_back(file, _where(place, store), place)
    say(f"{done.rows:,} rows are back. Lists of run {done.run_id}: {done.list_sha256}")
    if done.purged:
        say(f"{done.purged:,} students who were purged since are purged again.")
    say("Everybody signs in again. Look through accounts and tokens that were ended since: ews staff, ews token.")


@app.command()
def purge(
    home: HomeOption,
    by: Annotated[str, typer.Option("--by", help="Who asks for it.")],
    why: Annotated[str, typer.Option("--why", help="The reason, without a student's name.")] = "",
    students: Annotated[list[str] | None, typer.Option("--student", help="A student's id; may be repeated.")] = None,
    keep_runs: Annotated[int | None, typer.Option(min=0, help="Delete runs before the last so many.")] = None,
    store: StoreOption = "",
) -> None:
    """Delete students by request, or runs that are too old, for good; what was deleted stays in purges.jsonl."""
    from ews.store.opening import open_store
    from ews.store.purging import purge_runs, purge_students

    if bool(students) == (keep_runs is not None):
        raise typer.BadParameter("Say either --student ID (once or more) or --keep-runs N.")
    if students and not why:
        raise typer.BadParameter("Say why: --why REASON. It stays in purges.jsonl.")
    place = Home(home)
    opened = open_store(_where(place, store))
    if students:
        done = purge_students(opened, place, students, by=by, why=why, at=moment())
        say(f"{len(done.students):,} students and {done.removed:,} folders and files of the home are deleted.")
        say("Train again: the model had learned from them. Lists handed out (--out) are not in the home; delete them.")
    else:
        old = purge_runs(opened, place, keep=keep_runs or 0, by=by, at=moment())
        say(f"{len(old.runs) if old else 0:,} runs are deleted.")
    opened.close()


def _where(home: Home, store: str) -> str | Path:
    return store or home.path
