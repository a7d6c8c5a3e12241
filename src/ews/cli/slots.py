"""The command that proposes students for mentor slots."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.common import HomeOption, policy_of, say
from ews.home import Home, to_json, write_atomically

if TYPE_CHECKING:
    import pandas as pd

    from ews.policy import Policy
    from ews.score import ScoringRun

SLOTS_CSV, SLOTS_JSON = "slots.csv", "slots.json"


def allocate(
    folder: Annotated[Path, typer.Option("--out", help="Folder that receives slots.csv and slots.json.")],
    home: HomeOption,
) -> None:
    """Propose students of the current list for each school's mentor slots: not yet chronically absent first.

    A proposal and never an assignment: a team edits it, and families agree or not.
    """
    from ews.risk_list import to_csv
    from ews.score import current_run, read_list
    from ews.slots import propose

    place = Home(home)
    run, policy = current_run(place), policy_of(place)
    proposed = propose(read_list(run), policy)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(folder / SLOTS_CSV, to_csv(proposed))
    write_atomically(folder / SLOTS_JSON, to_json(_about(proposed, run, policy)))
    in_slots = proposed[proposed["is_proposed"]]
    say(
        f"{len(in_slots):,} of {len(proposed):,} students are proposed for the slots of "
        f"{in_slots['school_id'].nunique()} schools: {(in_slots['lane'] == 'prevent').sum():,} not chronically absent "
        f"so far. See {folder / SLOTS_CSV}"
    )
    say("It holds education records, and it is a proposal: a team decides, and every family may say no.")


def _about(proposed: "pd.DataFrame", run: "ScoringRun", policy: "Policy") -> dict[str, object]:
    """What a proposal was made from: with the run it names, anyone can make it again."""
    from ews.score import NOTICE
    from ews.slots import RULE

    counts = {
        str(school): {"students": len(rows), "slots": int(rows["is_proposed"].sum())}
        for school, rows in proposed.groupby("school_id")
    }
    about = {name: run.provenance[name] for name in ("target_year", "after_day", "bundle_sha256")}
    return {
        "notice": NOTICE, "rule": RULE, "run_id": run.run_id, **about, "slots_percent": policy.slots_percent,
        "schools": counts,
    }  # fmt: skip
