"""The command that searches parameters."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ews.cli.common import (
    AfterDayOption,
    EngineOption,
    HomeOption,
    MasterOption,
    TargetYearOption,
    code_version,
    engine_of,
    policy_of,
    say,
    steps,
)
from ews.home import Home, write_atomically
from ews.school_year import SchoolYear

if TYPE_CHECKING:
    from ews.tuning import Tuned


def tune(
    target_year: TargetYearOption,
    out: Annotated[Path, typer.Option("--out", dir_okay=False, help="TOML to write, for ews train --parameters.")],
    home: HomeOption,
    trials: Annotated[int, typer.Option(min=1, help="How many sets of parameters are tried: the budget.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Of the search; the same seed finds the same.")] = 1,
    after_day: AfterDayOption = 0,
    engine: EngineOption = "duckdb",
    master: MasterOption = None,
) -> None:
    """Search parameters on earlier years than the last known one, and write the best; nothing is trained."""
    from ews.registry import log_trials, training_run
    from ews.train import learnable
    from ews.tuning import tune as search

    place = Home(home)
    about = {"target_year": str(target_year.ending), "after_day": str(after_day), "code": code_version()}
    with (
        place.locked(),
        steps() as progress,
        training_run(place, name=f"tune for {target_year.label}", tags={"kind": "tuning", **about}) as run,
    ):
        progress(f"gathering what was known before {target_year.label}")
        dataset = learnable(
            place, target_year, policy_of(place), after_day=after_day, engine=engine_of(engine, master)
        ).to_learn_from(policy_of(place))
        found = search(dataset, policy_of(place), trials=trials, seed=seed, progress=progress)
        run.log(asdict(found.parameters), {"inner_gain": found.inner_gain, "outer_gain": found.outer_gain})
        log_trials(run, found.trials.to_dict(orient="records"))
    write_atomically(out.resolve(), found.parameters.to_toml())
    _say_found(found, out)


def _say_found(found: "Tuned", out: Path) -> None:
    from ews.tuning import GROUP, NEAR_ENOUGH

    chosen_by = " and ".join(SchoolYear(year).label for year in sorted(found.inner_years))
    say(f"Average precision of the {GROUP}, against the defaults:")
    say(f"  {found.inner_gain:+.4f} in {chosen_by}, by which the search chose")
    say(f"  {found.outer_gain:+.4f} in {SchoolYear(found.outer_year).label}, which it never saw")
    if found.outer_gain < NEAR_ENOUGH:
        say(f"That is less than {NEAR_ENOUGH}: train with the defaults.")
    say(f"{out} is written. To train with it: ews train --parameters {out}")
