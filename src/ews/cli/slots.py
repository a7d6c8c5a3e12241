"""The command that proposes students for mentor slots."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.common import HomeOption, policy_of, say
from ews.cli.opened import today
from ews.home import Home, to_json, write_atomically

if TYPE_CHECKING:
    import pandas as pd

    from ews.policy import Policy
    from ews.score import ScoringRun

SLOTS_CSV, SLOTS_JSON = "slots.csv", "slots.json"


def allocate(
    folder: Annotated[Path, typer.Option("--out", help="Folder that receives slots.csv and slots.json.")],
    home: HomeOption,
    mentors: Annotated[
        Path | None, typer.Option("--mentors", metavar="FILE", help="CSV or TOML of mentors: offers each to a student.")
    ] = None,
    rule: Annotated[Path | None, typer.Option("--rule", metavar="TOML", help="What the order goes by.")] = None,
    seed: Annotated[
        str, typer.Option("--seed", metavar="HEX", help="Of the lot around the last slot; empty: the run's own.")
    ] = "",
) -> None:
    """Propose students of the current list for mentor slots: not yet chronically absent first.

    Without a file of mentors each school's slots are a share of its students (`slots_percent` of the policy). A
    proposal and never an assignment: a team edits it, and families agree or not.
    """
    from ews.score import current_run

    place = Home(home)
    run, policy = current_run(place), policy_of(place)
    if mentors is None:
        if rule is not None or seed:
            raise typer.BadParameter("--rule and --seed are for a round with mentors: add --mentors FILE.")
        _share_out(folder, run, policy)
    else:
        _round(folder, run, policy, mentors, rule, seed)
    say("It holds education records, and it is a proposal: a team decides, and every family may say no.")


def _round(folder: Path, run: "ScoringRun", policy: "Policy", file: Path, rule_file: Path | None, seed: str) -> None:
    """A round with mentors, from the current list and without a store."""
    from ews.risk_list import to_csv
    from ews.score import MENTOR_RESPONSE, NOTICE, read_list
    from ews.slots import Rule, Students, in_words, read_mentors, rows_of_list
    from ews.slots import allocate as allocated

    rule, secret = Rule.read(rule_file), str(run.provenance["bundle_sha256"])
    response = dict(run.provenance.get(MENTOR_RESPONSE, {}))  # type: ignore[call-overload]  # written by `ews.score`
    rows = rows_of_list(read_list(run), rule, chronic_percent=policy.chronic_percent, secret=secret, response=response)
    proposal = allocated(Students.of(rows), read_mentors(file), rule, seed=seed or run.run_id, on=today())
    about = {name: run.provenance[name] for name in ("target_year", "after_day", "bundle_sha256")}
    written = proposal.rows.rename(columns={"student": "student_id", "mentor": "mentor_id"})
    _write(folder, to_csv(written), {
        "notice": NOTICE, "run_id": run.run_id, **about, "rule": json.loads(rule.to_json()),
        "rule_sha256": rule.sha256, "rule_in_words": in_words(rule), "seed": seed or run.run_id, "on": str(today()),
        "schools": proposal.schools.set_index("school_id").to_dict("index"), "warnings": proposal.warnings,
    })  # fmt: skip
    for line in (*in_words(rule), *proposal.warnings):
        say(line)
    offered = int((proposal.rows["decision"] == "proposed").sum())
    say(f"{offered:,} of {len(proposal.rows):,} students are proposed for a mentor. See {folder / SLOTS_CSV}")


def _write(folder: Path, rows: str, about: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(folder / SLOTS_CSV, rows)
    write_atomically(folder / SLOTS_JSON, to_json(about))


def _share_out(folder: Path, run: "ScoringRun", policy: "Policy") -> None:
    """Each school's slots as a share of its students."""
    from ews.risk_list import to_csv
    from ews.score import read_list
    from ews.slots import propose

    proposed = propose(read_list(run), policy)
    _write(folder, to_csv(proposed), _about(proposed, run, policy))
    in_slots = proposed[proposed["is_proposed"]]
    say(
        f"{len(in_slots):,} of {len(proposed):,} students are proposed for the slots of "
        f"{in_slots['school_id'].nunique()} schools: {(in_slots['lane'] == 'prevent').sum():,} not chronically absent "
        f"so far. See {folder / SLOTS_CSV}"
    )


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
