"""The command line: thin words over the library, and the only place of `ews` that prints, asks the clock or the system.

Heavy libraries are imported inside commands, so that `ews --help` is there at once.
"""

import sys
from collections.abc import Sequence

import typer

from ews.cli import (
    access,
    audit,
    cards,
    check,
    effect,
    families,
    lists,
    models,
    monitor,
    promotion,
    records,
    serve,
    slot_rounds,
    slots,
    staff,
    store,
    tune,
)
from ews.errors import EwsError

app = typer.Typer(
    name="ews",
    help="Which students are likely to miss a tenth of next year, why, and who of them can have a mentor in time? "
    "For voluntary mentoring only: never for discipline, truancy referral, grading, placement or staff evaluation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (
    records.simulate, records.moments, records.fetch_edfi, records.ingest, check.check,
    models.train, models.backtest, audit.audit, models.observer_limit, tune.tune,
    promotion.versions, promotion.promote, cards.card,
    lists.score, lists.explain, store.publish, store.withhold, serve.serve, slots.allocate, access.access_report,
    families.packet, families.correct, families.consent,
    monitor.recalibrate, monitor.monitor,
):  # fmt: skip
    app.command()(command)
app.add_typer(store.app, name="store")
app.add_typer(effect.effect, name="effect")
app.add_typer(slot_rounds.app, name="slots")
app.add_typer(staff.app, name="staff")
app.add_typer(access.token, name="token")
app.add_typer(access.audit_log, name="audit-log")


def main(arguments: Sequence[str] | None = None, program: typer.Typer = app) -> None:
    """Run one command; an error the system foresees ends with its message and its own exit code, without traceback."""
    try:
        program(args=arguments)
    except EwsError as error:
        sys.stderr.write(f"ews: {error}\n")
        raise SystemExit(error.exit_code) from None
