"""Publication: a scoring run with its roster goes into the store in one transaction, and is in force when it ends.

Readers see the run before it until then, and one of the two whole whenever the machine stops. What has to be computed
is computed before the transaction begins, so that others who write (a sign-in) wait for the rows only.
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb
from sqlalchemy import Connection, delete, insert, select, text

from ews.bundle import bundle_folder
from ews.errors import NotEnoughData, NotFound
from ews.home import Home, read_json
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.score import ScoringRun, current_run
from ews.store.bulk import BATCH, bring_in, put, take_away, workspace
from ews.store.checking import refuse_damaged
from ews.store.histories import make_histories
from ews.store.opening import Store
from ews.store.roster import make_roster
from ews.store.schema import HISTORIES, IN_FORCE, RISK_ROWS, RUNS, SCHOOL_DAYS, SCHOOLS, STAYS, STUDENTS
from ews.store.sealing import list_hash
from ews.store.withholding import mark_withheld
from ews.withheld import withheld_students


@dataclass(frozen=True)
class Published:
    """What came of a publication.

    Attributes:
        run_id: the run in force now.
        data_id: the ingest the roster was taken from.
        changed: whether anything was written; False where just this was in force already.
        students: rows of the run's lists.
        schools: schools with a list.
        left_out: students of the run who are on no list: not to be scored, or no longer in the records.
        withdrawn: students who are in the records no longer, all told.
        list_sha256: of the lists, as in the store.
    """

    run_id: str
    data_id: str
    changed: bool
    students: int
    schools: int
    left_out: int
    withdrawn: int
    list_sha256: str


def publish(
    store: Store,
    home: Home,
    *,
    by: str,
    at: dt.datetime,
    run_id: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Published:
    """Write a scoring run and the roster of the records in force into the store, and put the run in force.

    Args:
        store: where it goes.
        home: holds the run and the records.
        by: who publishes.
        at: when, with its zone; its date is the day on which students no longer in the records are withdrawn.
        run_id: the run; the home's current one where not given.
        progress: told each step.

    Raises:
        NotFound: there is no such run.
        NotEnoughData: nobody of the run would be on a list.
        Busy: another command publishes.
        StoreUnavailable: the database does not answer, is full or damaged; the run before stays in force.
    """
    run, records = _run(home, run_id), home.ingested()
    with store.alone():
        with store.writing() as connection:
            mark_withheld(connection, withheld_students(home))
        if _is_in_force(store, run.run_id, records.name):
            return _outcome(store, run, records.name, changed=False)
        refuse_damaged(store)
        with workspace(home.path) as work:
            _prepare(work, store, home, run, progress)
            progress("writing the run into the store")
            with store.writing() as connection:
                _write_roster(connection, work, at.date())
                _write_run(connection, work, run, by, at)
                _put_in_force(connection, run.run_id, records.name, at)
        _tidy(store)
    return _outcome(store, run, records.name, changed=True)


def _run(home: Home, run_id: str | None) -> ScoringRun:
    if run_id is None:
        return current_run(home)
    folder = home.scoring_runs / run_id
    if not run_id.isalnum() or not folder.is_dir():
        raise NotFound("No such scoring run in this home. Make one with: ews score --target-year YEAR --out FOLDER")
    return ScoringRun(run_id, folder, read_json(folder / "provenance.json"))


def _is_in_force(store: Store, run_id: str, data_id: str) -> bool:
    with store.reading() as connection:
        found = connection.execute(select(IN_FORCE.c.run_id, IN_FORCE.c.data_id)).one_or_none()
    return found is not None and (found.run_id, found.data_id) == (run_id, data_id)


def _prepare(
    work: duckdb.DuckDBPyConnection, store: Store, home: Home, run: ScoringRun, progress: Callable[[str], None]
) -> None:
    """Compute in the working database what is to be written: only rows that are new or have changed."""
    records = home.ingested()
    target_year = SchoolYear(int(str(run.provenance["target_year"])))
    policy = Policy.read(bundle_folder(home, str(run.provenance["bundle_sha256"])) / "policy.toml")
    data_through = read_json(records / "manifest.json").get("data_through")
    progress("reading the roster")
    make_roster(work, records, run.folder, target_year)
    make_histories(work, records, policy, target_year, str(data_through) if data_through else None)
    with store.reading() as connection:
        bring_in(work, "was_schools", connection, SCHOOLS, "school_id district_id name level")
        bring_in(work, "was_students", connection, STUDENTS, "student_key student_id name do_not_score withdrawn_on")
        bring_in(work, "was_stays", connection, STAYS, "student_key school_id entry_date exit_date grade_level")
        bring_in(work, "was_days", connection, SCHOOL_DAYS, "school_id date")
        bring_in(work, "was_histories", connection, HISTORIES, "student_key fingerprint")
    progress("comparing with what is in the store")
    work.execute("create table withheld (student_id varchar)")
    work.execute("insert into withheld select unnest($ids)", {"ids": sorted(withheld_students(home))})
    work.execute(_KEYED)
    work.execute(_risk_rows(work))


_KEYED = """
    create table keyed as
    select coalesce(student_key, uuid()::varchar) as student_key, student_id, roster.name,
        student_id in (from withheld) as do_not_score,
        was.student_key is null or was.withdrawn_on is not null or was.name is distinct from roster.name as is_changed
    from roster_students roster left join was_students was using (student_id)
"""
"""Every student of the roster: who is known keeps the key, who is new gets a random one (PRV-8)."""

_CHANGED_SCHOOLS = """
    select school_id, district_id, name, level from roster_schools
    except select school_id, district_id, name, level from was_schools
"""
_CHANGED_STUDENTS = """
    select student_key, student_id, name, do_not_score, null as withdrawn_on from keyed where is_changed
"""
_GONE_STUDENTS = """
    select student_key, student_id, null as name, do_not_score in ('1', 'true') as do_not_score, '{on}' as withdrawn_on
    from was_students where withdrawn_on is null and student_id not in (select student_id from roster_students)
"""
_STAYS = """
    select student_key, school_id, entry_date::varchar as entry_date, exit_date::varchar as exit_date, grade_level
    from roster_stays join keyed using (student_id)
"""
_WAS_STAYS = "select student_key, school_id, entry_date, exit_date, grade_level from was_stays"
_DAYS = "select school_id, date::varchar as date from roster_days"
_WAS_DAYS = "select school_id, date from was_days"
_CHANGED_HISTORIES = """
    select student_key, attendance, fingerprint from roster_histories join keyed using (student_id)
    anti join was_histories using (student_key, fingerprint)
"""
_GONE_HISTORIES = "select student_key from was_histories anti join keyed using (student_key)"


def _write_roster(connection: Connection, work: duckdb.DuckDBPyConnection, on: dt.date) -> None:
    put(connection, SCHOOLS, work, _CHANGED_SCHOOLS)
    put(connection, STUDENTS, work, f"{_CHANGED_STUDENTS} union all {_GONE_STUDENTS.format(on=on.isoformat())}")
    keys = "student_key, school_id, entry_date"
    take_away(connection, STAYS, work, f"select {keys} from ({_WAS_STAYS}) anti join ({_STAYS}) using ({keys})")
    put(connection, STAYS, work, f"{_STAYS} except {_WAS_STAYS}")
    take_away(connection, SCHOOL_DAYS, work, f"{_WAS_DAYS} except {_DAYS}")
    put(connection, SCHOOL_DAYS, work, f"{_DAYS} except {_WAS_DAYS}")
    take_away(connection, HISTORIES, work, _GONE_HISTORIES)
    put(connection, HISTORIES, work, _CHANGED_HISTORIES)


def _risk_rows(work: duckdb.DuckDBPyConnection) -> str:
    """SQL that makes `risk_rows`: each listed student's row, with line and explanation as JSON text."""
    columns = work.table("listed").columns
    percents = _struct({name.removeprefix("probability_"): name for name in columns if name.startswith("probability_")})
    groups = _struct(
        {name.removeprefix("contribution_").replace("_", " "): name for name in columns if name.startswith("contrib")}
    )
    line = _struct(
        {
            **{name: name for name in ("rank", "student_key", "grade_level", "risk")},
            "probabilities": percents,
            **{name: name for name in ("lane", "band_last_year", "last_school_year")},
            **{name: name for name in ("days_absent_last_year", "days_enrolled_last_year")},
            "reasons": "list_filter([reason_1, reason_2, reason_3], lambda reason: reason <> '')",
            "lowering_reason": "nullif(lowering_reason, '')",
        }
    )
    explanation = _struct({"base": "base", "raw_score": "raw_score", "contributions": groups})
    return f"""
        create table risk_rows as
        select student_key, school_id, rank, grade_level, lane, risk, days_absent_last_year, days_enrolled_last_year,
            to_json({line})::varchar as line, to_json({explanation})::varchar as explanation
        from listed join keyed using (student_id) where not do_not_score
    """


def _struct(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"'{name}': {value}" for name, value in fields.items()) + "}"


def _write_run(
    connection: Connection, work: duckdb.DuckDBPyConnection, run: ScoringRun, by: str, at: dt.datetime
) -> None:
    """The run's row and its lists; nothing where the store has the run already."""
    if connection.scalar(select(RUNS.c.run_id).where(RUNS.c.run_id == run.run_id)) is not None:
        return
    (students,) = work.execute("select count(*) from risk_rows").fetchone() or (0,)
    if not students:
        raise NotEnoughData("Nobody of that run is on a list: its students are not in the records in force.")
    found = work.execute("select line || chr(10) || explanation || chr(10) from risk_rows order by student_key")
    batches = iter(lambda: found.fetchmany(BATCH), [])
    about = run.provenance
    through = about["data_through"]
    connection.execute(
        insert(RUNS).values(
            run_id=run.run_id,
            target_year=about["target_year"],
            after_day=about["after_day"],
            data_through=dt.date.fromisoformat(str(through)) if through else None,
            model_version=about["model_version"],
            bundle_sha256=about["bundle_sha256"],
            list_sha256=list_hash("".join(row for (row,) in batch) for batch in batches),
            students=students,
            provenance=json.dumps(about, sort_keys=True, ensure_ascii=False, allow_nan=False),
            published_at=at,
            published_by=by,
        )
    )
    put(connection, RISK_ROWS, work, f"select '{run.run_id}' as run_id, * from risk_rows")


def _put_in_force(connection: Connection, run_id: str, data_id: str, at: dt.datetime) -> None:
    connection.execute(delete(IN_FORCE))
    connection.execute(insert(IN_FORCE).values(one=1, run_id=run_id, data_id=data_id, since=at))


def _tidy(store: Store) -> None:
    """PostgreSQL plans by statistics, which many new rows leave behind."""
    if not store.is_sqlite:
        with store.writing() as connection:
            connection.execute(text("analyze"))


def _outcome(store: Store, run: ScoringRun, data_id: str, *, changed: bool) -> Published:
    counts = dict(run.provenance["counts"])  # type: ignore[call-overload]  # written by `ews.score`
    with store.reading() as connection:
        row = connection.execute(select(RUNS).where(RUNS.c.run_id == run.run_id)).one()
        withdrawn = connection.scalar(text("select count(*) from students where withdrawn_on is not null"))
        schools = connection.scalar(
            text("select count(distinct school_id) from risk_rows where run_id = :run"), {"run": run.run_id}
        )
    left_out = int(counts["students"]) - row.students
    return Published(
        run.run_id, data_id, changed, row.students, schools or 0, left_out, withdrawn or 0, row.list_sha256
    )
