"""Commands about the store: publish what schools see, and keep the store whole."""

from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.common import HomeOption, StoreOption, moment, say, steps
from ews.home import Home

if TYPE_CHECKING:
    from pathlib import Path


app = typer.Typer(help="Keep the store: upgrade its tables.", no_args_is_help=True)


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


@app.command()
def upgrade(home: HomeOption, store: StoreOption = "") -> None:
    """Make the store, or bring its tables to this version; SQLite's file is copied first."""
    from ews.store.upgrading import create_or_upgrade

    with steps() as progress:
        create_or_upgrade(_where(Home(home), store), progress).close()
    say("The store's tables are this version's.")


def _where(home: Home, store: str) -> "str | Path":
    return store or home.path
