"""Commands about mentors and rounds, for those who work without the service, and to bring in what it works with."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ews.cli.common import moment, policy_of, say
from ews.cli.opened import AuditOption, ByOption, HomeOption, Office, StoreOption, office, say_rows, today
from ews.cli.overrides import overrides
from ews.home import Home, write_atomically

if TYPE_CHECKING:
    import pandas as pd

    from ews.store.rounds import Asks

app = typer.Typer(help="Mentors, rounds of mentor slots, and what came of them.", no_args_is_help=True)
app.command()(overrides)

RoundArgument = Annotated[str, typer.Argument(metavar="ROUND", help="As `ews slots rounds` lists it.")]
OutOption = Annotated[Path, typer.Option("--out", metavar="FILE", help="A .csv or .parquet file; it is made anew.")]

EXCLUSION_COLUMNS = ("student_id", "kind", "mentor_id", "starts_on", "ends_on", "why")
FACT_COLUMNS = ("student_id", "household_id", "languages", "interests", "times", "wishes", "known_mentor_id")


@app.command()
def mentors(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or TOML; docs/mentoring.md names its columns.")],
    home: HomeOption, store: StoreOption = "", audit: AuditOption = "", by: ByOption = "",
) -> None:  # fmt: skip
    """Make the mentors what a file says; whoever is not in it any more ended yesterday, and their students are told."""
    from ews.slots import read_mentors
    from ews.store.mentors import import_mentors

    read = read_mentors(file)
    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        done = import_mentors(connection, read, today())
        here.note("slots mentors", "", f"{done.new} new, {done.ended} ended")
    say(f"{done.new:,} mentors are new, {done.kept:,} as the file has them now, {done.ended:,} ended.")
    if done.mentees:
        say(f"{done.mentees:,} students have a mentor who is gone: look at the team's weekly list today.")


@app.command()
def exclude(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=f"CSV: {', '.join(EXCLUSION_COLUMNS)}.")],
    home: HomeOption, store: StoreOption = "", audit: AuditOption = "", by: ByOption = "",
) -> None:  # fmt: skip
    """Keep who is not to be offered a mentor (tier_3, opted_out, leaving), or not a certain one (conflict)."""
    from ews.slots.mentors import Cells, csv_lines
    from ews.store.mentors import Exclusion
    from ews.store.mentors import exclude as keep

    lines = [Cells(*line) for line in csv_lines(file, EXCLUSION_COLUMNS, ("student_id", "kind", "why"))]
    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        keys = _Keys.of(connection, lines)
        rows = [
            Exclusion(keys.student(line), line.needed("kind"), keys.mentor(line, "mentor_id"),
                      line.day("starts_on") or today(), line.day("ends_on"), line.needed("why"))
            for line in lines
        ]  # fmt: skip
        done = keep(connection, rows, here.by)
        here.note("slots exclude", "", f"{done} new", *(row.student_key for row in rows))
    say(f"{done:,} of {len(rows):,} exclusions are new.")


@app.command()
def facts(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=f"CSV: {', '.join(FACT_COLUMNS)}.")],
    home: HomeOption, store: StoreOption = "", audit: AuditOption = "", by: ByOption = "",
) -> None:  # fmt: skip
    """Keep what is known for matching: siblings, a language that is needed, interests, times, a known mentor."""
    from ews.slots.mentors import Cells, csv_lines
    from ews.store.mentors import put_match_facts

    lines = [Cells(*line) for line in csv_lines(file, FACT_COLUMNS, ("student_id",))]
    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        keys = _Keys.of(connection, lines)
        rows = {keys.student(line): _facts_of(line, keys) for line in lines}
        done = put_match_facts(connection, rows)
        here.note("slots facts", "", f"{done} students", *rows)
    say(f"What is known of {done:,} students for matching is kept.")


@app.command()
def propose(
    home: HomeOption,
    school: Annotated[str, typer.Option("--school", metavar="SCHOOL_ID", help="Empty: every school.")] = "",
    rule: Annotated[Path | None, typer.Option("--rule", metavar="TOML", help="What the order goes by.")] = None,
    seed: Annotated[
        str, typer.Option("--seed", metavar="HEX", help="Of the lot; empty: a new one, which is kept.")
    ] = "",
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
) -> None:
    """Propose a round from the lists in force, and keep it with its rule, seed and pool."""
    from ews.slots import Rule, in_words
    from ews.store.rounds import propose_round

    chosen = Rule.read(rule)
    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        key, proposal = propose_round(connection, school or None, chosen, seed or secrets.token_hex(16), _asks(here))
        here.note("slots propose", "", key, *proposal.rows["student"], school_id=school)
    for line in (*in_words(chosen), *proposal.warnings):
        say(line)
    say_rows(("school", "students", "pool", "slots", "proposed"), _texts(proposal.schools.iloc[:, :5]))
    say(f"Round {key}. Look at it: ews slots show {key}; then: ews slots confirm {key} --version 1")


@app.command()
def rounds(home: HomeOption, store: StoreOption = "") -> None:
    """List the rounds, the latest first."""
    from ews.store.opening import open_store
    from ews.store.rounds import rounds_in

    opened = open_store(store or Home(home).path)
    with opened.reading() as connection:
        found = rounds_in(connection)
    opened.close()
    rows = [(one.round_key, one.school_id or "all", one.state, str(one.version), f"{one.proposed_at:%Y-%m-%d}",
             one.proposed_by, one.confirmed_by or "") for one in found]  # fmt: skip
    say_rows(("round", "school", "state", "version", "proposed", "by", "confirmed by"), rows)


@app.command()
def show(
    round_key: RoundArgument, home: HomeOption, store: StoreOption = "", audit: AuditOption = "", by: ByOption = ""
) -> None:
    """Print a round: who is proposed to whom, and of everybody else why not."""
    from ews.store.rounds import round_of, rows_of_round

    with office(Home(home), store, audit, by) as here, here.store.reading() as connection:
        found, rows = round_of(connection, round_key), rows_of_round(connection, round_key)
        here.note("slots show", "", round_key, *(row.student_key for row in rows))
    say(f"{found.state}, version {found.version}, seed {found.seed}")
    say_rows(
        ("school", "place", "student", "decision", "mentor", "why"),
        [(row.school_id, str(row.place or ""), row.student_id or "", row.decision, row.mentor or "", row.why)
         for row in rows],
    )  # fmt: skip


@app.command()
def confirm(
    round_key: RoundArgument,
    version: Annotated[int, typer.Option("--version", help="That was looked at; another one is refused.")],
    home: HomeOption,
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
) -> None:
    """Confirm a round: every student proposed is offered the mentor. A named person answers for it."""
    from ews.store.rounds import confirm_round, registration_for

    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        asks = _asks(here)
        offered = confirm_round(connection, round_key, version, asks, registration_for(round_key, asks))
        here.note("slots confirm", "", f"{round_key}: {offered} offered")
    say(f"{offered:,} students are offered a mentor. Tell each family first, then ask.")


@app.command()
def tidy(home: HomeOption, store: StoreOption = "", audit: AuditOption = "", by: ByOption = "") -> None:
    """Free the slots of students who are at no school of their mentor's any more; the history is kept."""
    from ews.store.assignments import free_moved

    with office(Home(home), store, audit, by) as here, here.store.writing() as connection:
        freed = free_moved(connection, here.by, today(), moment())
        here.note("slots tidy", "", f"{freed} freed")
    say(f"{freed:,} slots are free again.")


@app.command()
def log(
    round_key: RoundArgument,
    home: HomeOption,
    out: OutOption,
    outcomes: Annotated[
        bool, typer.Option("--outcomes", help="With the days of the year, once it is over: for ews effect report.")
    ] = False,
    store: StoreOption = "",
    audit: AuditOption = "",
    by: ByOption = "",
) -> None:
    """Write everything of a round into a file: place, lot, offer, start, end, contacts (FAIR-20)."""
    from ews.effect import Registration, register
    from ews.store.round_log import round_log, with_outcomes
    from ews.store.rounds import round_of

    place = Home(home)
    with office(place, store, audit, by) as here, here.store.reading() as connection:
        rows, registration = round_log(connection, round_key), round_of(connection, round_key).registration
        here.note("slots log", "", round_key)
    if outcomes:
        rows = with_outcomes(rows, place.ingested(), policy_of(place))
        if registration:
            register(Registration.from_json(registration), place.path / "effect" / round_key)
            say(f"Next: ews effect report --round {round_key} --rows {out} --out FOLDER")
    _write(rows, out)


@app.command()
def mentoring(
    home: HomeOption, out: OutOption, store: StoreOption = "", audit: AuditOption = "", by: ByOption = ""
) -> None:
    """Write the table `mentoring`, to be ingested with the other records: models do not learn from mentored years."""
    from ews.store.round_log import mentoring_table

    with office(Home(home), store, audit, by) as here, here.store.reading() as connection:
        rows = mentoring_table(connection, today())
        here.note("slots mentoring", "", f"{len(rows)} rows")
    _write(rows, out)


class _Keys:
    """The random keys of students and mentors that a file names by the district's ids."""

    def __init__(self, students: Mapping[str, str], mentors: Mapping[str, str]) -> None:
        self._students, self._mentors = students, mentors

    @classmethod
    def of(cls, connection: Any, lines: list[Any]) -> "_Keys":
        from ews.store.mentors import mentors_in
        from ews.store.reading import student_keys

        students = student_keys(connection, [line.needed("student_id") for line in lines])
        return cls(students, {one.mentor_id: one.mentor_key for one in mentors_in(connection)})

    def student(self, line: Any) -> str:
        """The key of the line's student; refused where it is not known."""
        return self._students.get(line.text("student_id")) or line.refuse("student_id", "names no known student.")

    def mentor(self, line: Any, name: str) -> str | None:
        """The key of the line's mentor; None for an empty cell; refused where it is not known."""
        named = line.text(name)
        return (self._mentors.get(named) or line.refuse(name, "names no known mentor.")) if named else None


def _facts_of(line: Any, keys: _Keys) -> dict[str, Any]:
    return {
        "household_key": line.text("household_id") or None,
        "languages": [word.lower() for word in line.items("languages")],
        "interests": [word.lower() for word in line.items("interests")],
        "times": [word.lower() for word in line.items("times")],
        "wishes": line.text("wishes"),
        "known_mentor_key": keys.mentor(line, "known_mentor_id"),
    }


def _asks(here: Office) -> "Asks":
    from ews.store.rounds import Asks

    return Asks(here.by, moment(), today())


def _texts(rows: "pd.DataFrame") -> list[tuple[str, ...]]:
    return [tuple(map(str, row)) for row in rows.itertuples(index=False)]


def _write(rows: "pd.DataFrame", out: Path) -> None:
    from ews.risk_list import to_csv

    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".parquet":
        rows.to_parquet(out, index=False)
    else:
        write_atomically(out, to_csv(rows))
    out.chmod(0o600)
    say(f"{len(rows):,} rows are in {out}. They are education records.")
