"""Publication: what the store holds afterwards is the run and its roster, whole, and nothing else."""

import datetime as dt
import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import text

from ews.access import Grant, Role, View, Viewer, scope_of
from ews.errors import Busy, NotFound, StoreUnavailable
from ews.home import Home
from ews.policy import Policy
from ews.reasons import FOOTER
from ews.school_year import SchoolYear
from ews.score import current_run, read_list, score
from ews.store import reading
from ews.store.opening import Store, open_store
from ews.store.publishing import publish
from ews.store.reading import Wanted, risk_list_page, run_in_force, runs, student_keys, student_view
from ews.store.schema import SCHOOL_DAYS
from ews.store.sealing import stored_list_hash
from ews.student_years import kept_beside, open_records, opened, stored_student_years
from ews.withheld import Objection, lift, withhold
from tests.homes import TARGET
from tests.published import AUGUST, OCTOBER, gone, published, renamed, scored, scored_again
from tests.stores import DATABASES, new_store

ADMIN = Viewer("admin", "admin", (Grant(Role.DISTRICT_ADMIN, dt.date(2020, 1, 1)),), second_factor=True)
SIBLINGS = "household"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return scored(tmp_path_factory.mktemp("publishing") / "home")


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return scored_again(tmp_path_factory.mktemp("publishing") / "home")


@pytest.fixture(scope="module", params=DATABASES)
def store(request, tmp_path_factory, home) -> Iterator[Store]:
    """A store with the first run in force; tests that read it change nothing."""
    made = new_store(request.param, tmp_path_factory.mktemp("store"))
    published(made, home)
    yield made
    made.close()


@pytest.fixture(params=DATABASES)
def empty(request, tmp_path) -> Iterator[Store]:
    made = new_store(request.param, tmp_path)
    yield made
    made.close()


def listed(store: Store) -> list[dict]:
    """Every line a district administrator sees, page by page."""
    lines, after = [], None
    with store.reading() as connection:
        run = run_in_force(connection)
        scope = scope_of(ADMIN, View.RISK_LIST, AUGUST.date())
        while True:
            page = risk_list_page(connection, run.run_id, scope, Wanted(), after=after, limit=97)
            lines += [json.loads(line.to_json()) for line in page.lines]
            if page.after is None:
                return lines
            after = page.after


def counted(store: Store, table: str) -> int:
    with store.reading() as connection:
        return connection.scalar(text(f"select count(*) from {table}"))


def test_the_lists_in_the_store_are_the_runs_to_the_last_digit(store, home):
    of_run = read_list(current_run(home)).set_index("student_id")
    lines = {line["student_id"]: line for line in listed(store)}
    assert set(lines) == set(of_run.index)
    for student_id, row in of_run.to_dict("index").items():
        line = lines[student_id]
        assert (line["rank"], line["grade_level"], line["lane"]) == (row["rank"], row["grade_level"], row["lane"])
        assert line["risk"] == row["risk"]
        assert line["probabilities"] == {p: row[f"probability_{p}"] for p in ("08", "10", "12", "15", "20")}
        assert line["reasons"] == [row[f"reason_{n}"] for n in (1, 2, 3) if row[f"reason_{n}"]]
        assert line["lowering_reason"] == (row["lowering_reason"] or None)
        known = None if pd.isna(row["days_absent_last_year"]) else int(row["days_absent_last_year"])
        assert line["days_absent_last_year"] == known


def test_explanations_add_up_and_tell_nothing_of_other_students_PRV_2(store, home):
    explained = pd.read_parquet(current_run(home).folder / "explanations.parquet").set_index("student_id")
    with store.reading() as connection:
        for student_id, key in student_keys(connection, explained.index[:40].tolist()).items():
            explanation = json.loads(student_view(connection, key).explanation)
            assert set(explanation) == {"base", "raw_score", "contributions"}
            assert explanation["raw_score"] == explained.loc[student_id, "raw_score"]
            assert sum(explanation["contributions"].values()) + explanation["base"] == pytest.approx(
                explanation["raw_score"], abs=1e-6
            )
            assert "recent level" in explanation["contributions"]
        texts = connection.execute(text("select line || explanation from risk_rows")).scalars().all()
    assert not [one for one in texts if SIBLINGS in one]


def test_the_schools_days_of_this_year_and_the_one_before_are_in_the_store_and_follow_the_records_MEN_7(empty, home):
    published(empty, home)
    calendar = pd.read_parquet(home.ingested() / "calendar.parquet")
    since = calendar.loc[calendar["school_year"] >= TARGET.ending - 1, ["school_id", "date"]]
    wanted = set(zip(since["school_id"], pd.to_datetime(since["date"]).dt.date, strict=True))
    with empty.writing() as connection:
        kept = {tuple(row) for row in connection.execute(SCHOOL_DAYS.select())}
        assert kept == wanted
        assert kept
        school, day = min(kept)
        connection.execute(SCHOOL_DAYS.delete().where(SCHOOL_DAYS.c.school_id == school, SCHOOL_DAYS.c.date == day))
        connection.execute(SCHOOL_DAYS.insert().values(school_id=school, date=dt.date(2026, 12, 25)))
        connection.execute(text("delete from in_force"))
    published(empty, home)
    with empty.reading() as connection:
        assert {tuple(row) for row in connection.execute(SCHOOL_DAYS.select())} == wanted


def test_students_have_random_keys_that_stay_theirs_PRV_8(empty, home, later):
    published(empty, home)
    with empty.reading() as connection:
        first = student_keys(connection, [gone(), renamed()])
    assert len(set(first.values())) == 2
    assert all(len(key) == 36 and key[14] == "4" for key in first.values())
    published(empty, later, OCTOBER)
    with empty.reading() as connection:
        assert student_keys(connection, [gone(), renamed()]) == first
        assert student_view(connection, first[renamed()]).name == "Zoë O'Neill-\u0141ukasz"


def test_keys_of_another_store_are_others_PRV_8(tmp_path, home):
    keys = []
    for name in ("one", "two"):
        made = new_store("sqlite", tmp_path / name)
        published(made, home)
        with made.reading() as connection:
            keys.append(set(connection.execute(text("select student_key from students")).scalars()))
        made.close()
    assert not keys[0] & keys[1]


def test_a_student_deleted_upstream_is_withdrawn_and_on_no_list_I32(empty, home, later):
    published(empty, home)
    assert gone() in {line["student_id"] for line in listed(empty)}
    done = published(empty, later, OCTOBER)
    assert done.withdrawn == 1
    assert gone() not in {line["student_id"] for line in listed(empty)}
    with empty.reading() as connection:
        key = student_keys(connection, [gone()])[gone()]
        assert student_view(connection, key) is None
        assert reading.history(connection, key) is None
        assert reading.place_of(connection, key).stays == ()
        row = connection.execute(text("select name, withdrawn_on from students where student_id = :id"), {"id": gone()})
        name, withdrawn_on = row.one()
    assert (name, str(withdrawn_on)) == (None, "2026-10-01")


def test_the_old_run_with_a_newer_roster_leaves_out_who_was_deleted_I32(empty, home, later):
    published(empty, home)
    done = published(empty, later, OCTOBER, run_id=current_run(home).run_id)
    assert done.changed
    assert gone() not in {line["student_id"] for line in listed(empty)}


def test_publishing_the_same_again_changes_nothing_and_says_so_REL_4(empty, home):
    first = published(empty, home)
    assert first.changed
    tables = ("schools", "students", "stays", "histories", "runs", "risk_rows", "in_force")
    before = {table: counted(empty, table) for table in tables}
    again = published(empty, home, OCTOBER)
    assert not again.changed
    assert again.list_sha256 == first.list_sha256
    assert {table: counted(empty, table) for table in tables} == before
    with empty.reading() as connection:
        assert run_in_force(connection).published_at == AUGUST


def test_what_did_not_change_is_not_written_again(empty, home, later):
    published(empty, home)
    with empty.writing() as connection:
        connection.execute(text("update histories set attendance = 'untouched'"))
    published(empty, later, OCTOBER)
    with empty.reading() as connection:
        texts = Counter(connection.execute(text("select attendance from histories")).scalars())
    assert texts["untouched"] == sum(texts.values())


def test_an_earlier_run_is_put_back_in_force_without_its_rows_being_written_again(empty, home, later):
    first = published(empty, home)
    second = published(empty, later, OCTOBER)
    back = published(empty, home, OCTOBER)
    assert [first.run_id, second.run_id, first.run_id] == [first.run_id, second.run_id, back.run_id]
    with empty.reading() as connection:
        assert run_in_force(connection).run_id == first.run_id
        assert {run.run_id for run in runs(connection)} == {first.run_id, second.run_id}
        assert stored_list_hash(connection, first.run_id) == first.list_sha256


def test_whoever_is_not_to_be_scored_is_on_no_list_and_is_not_shown_as_low_P07_GOV_3(empty, tmp_path):
    home = scored_again(tmp_path / "home")
    published(empty, home)
    assert renamed() in {line["student_id"] for line in listed(empty)}
    objection = Objection("Ana Reyes", "the family asked", "2026-10-01")
    with pytest.raises(NotFound):
        withhold(home, "no such student", objection)
    withhold(home, renamed(), objection)
    assert not published(empty, home, OCTOBER).changed
    assert renamed() not in {line["student_id"] for line in listed(empty)}
    run = score(home, TARGET)
    assert renamed() not in (run.folder / "risk_list.csv").read_text()
    assert renamed() not in json.dumps(run.provenance)
    assert published(empty, home, OCTOBER).left_out == 0
    lines = listed(empty)
    assert renamed() not in {line["student_id"] for line in lines}
    with empty.reading() as connection:
        key = student_keys(connection, [renamed()])[renamed()]
        assert student_view(connection, key) is None
        assert reading.history(connection, key) is not None
    lift(home, renamed())
    score(home, TARGET)
    published(empty, home, OCTOBER)
    assert renamed() in {line["student_id"] for line in listed(empty)}


def test_in_august_a_school_sees_whom_its_list_names_though_every_stay_ended_in_june(store):
    lines = listed(store)
    with store.reading() as connection:
        school_id, count = connection.execute(
            text("select school_id, count(*) from risk_rows group by school_id order by 2 desc")
        ).first()
        grant = Grant(Role.SCHOOL_LEAD, dt.date(2020, 1, 1), school_id=school_id)
        scope = scope_of(Viewer("lead", "lead", (grant,)), View.RISK_LIST, AUGUST.date())
        page = risk_list_page(connection, run_in_force(connection).run_id, scope, Wanted(school_id), limit=500)
        stays = reading.place_of(connection, page.lines[0].student_key).stays
    assert len(page.lines) == count < len(lines)
    assert [stay.exit_date for stay in stays].count(None) == 1


def test_a_history_counts_as_the_student_years_do_and_has_no_score(store, home):
    records = open_records(home.ingested())
    frame = opened(stored_student_years(kept_beside(home.ingested()), records, Policy())).collect("pyarrow")
    years = frame.to_native().to_pandas().set_index(["student_id", "school_year"])
    with store.reading() as connection:
        for student_id, key in student_keys(connection, [renamed(), gone()]).items():
            told = json.loads(reading.history(connection, key).attendance)
            assert set(told) == {"years", "days", "days_enrolled_so_far", "data_through"}
            assert [year["school_year"] for year in told["years"]] == sorted(years.loc[student_id].index)
            for year in told["years"]:
                row = years.loc[(student_id, year["school_year"])]
                assert year["days_absent"] == row["days_absent"]
                assert year["days_enrolled"] == row["days_enrolled"]
                assert sum(absent for absent, _ in year["months"].values()) == row["days_absent"]
                assert year["weekdays"]["1"] == [row["days_absent_weekday_1"], row["days_enrolled_weekday_1"]]
            absent = [day for day, kind in told["days"] if kind in ("excused", "unexcused", "suspension")]
            assert len(absent) == sum(year["days_absent"] for year in told["years"][-2:])
            assert told["data_through"] == "2026-06-12"


def test_readers_see_the_old_run_whole_until_the_new_one_is_there_REL_3_E07(empty, home, later):
    first = published(empty, home)
    with empty.reading() as connection:
        assert run_in_force(connection).run_id == first.run_id
        before = stored_list_hash(connection, first.run_id)
        second = published(empty, later, OCTOBER)
        assert run_in_force(connection).run_id == first.run_id
        assert stored_list_hash(connection, first.run_id) == before
        assert connection.scalar(text("select count(*) from students where withdrawn_on is not null")) == 0
    with empty.reading() as connection:
        assert run_in_force(connection).run_id == second.run_id


def test_of_two_who_publish_at_once_one_is_told_O08_O14(empty, home, later):
    published(empty, home)
    with empty.alone(), pytest.raises(Busy):
        published(empty, later, OCTOBER)
    together, told = threading.Barrier(2), []

    def try_to_publish() -> None:
        together.wait()
        try:
            told.append(published(empty, later, OCTOBER).changed)
        except Busy:
            told.append("busy")

    threads = [threading.Thread(target=try_to_publish) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told.count(True) == 1
    assert len(told) == 2
    with empty.reading() as connection:
        assert run_in_force(connection).run_id == current_run(later).run_id


def test_a_publication_that_fails_half_way_leaves_the_old_run_whole(empty, home, later):
    first = published(empty, home)
    before = {table: counted(empty, table) for table in ("students", "stays", "histories", "risk_rows", "runs")}
    refuse = "create trigger stop before insert on in_force begin select raise(abort, 'stop'); end"
    with empty.writing() as connection:
        if empty.is_sqlite:
            connection.execute(text(refuse))
        else:
            connection.execute(text("alter table in_force add constraint stop check (run_id = '" + first.run_id + "')"))
    with pytest.raises(Exception, match="stop"):
        published(empty, later, OCTOBER)
    assert {table: counted(empty, table) for table in before} == before
    with empty.reading() as connection:
        assert run_in_force(connection).run_id == first.run_id
        assert stored_list_hash(connection, first.run_id) == first.list_sha256
    assert list(later.path.glob(".tmp-*")) == []


def test_a_full_disk_fails_the_publication_whole_and_readers_go_on_O02(tmp_path, home, later):
    made = new_store("sqlite", tmp_path)
    first = published(made, home)
    with made.engine.connect() as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar()
    made.close()
    from sqlalchemy import event

    event.listen(made.engine, "connect", lambda raw, _: raw.execute(f"pragma max_page_count = {pages + 20}"))
    with pytest.raises(StoreUnavailable):
        published(made, later, OCTOBER)
    with made.reading() as connection:
        assert run_in_force(connection).run_id == first.run_id
        assert stored_list_hash(connection, first.run_id) == first.list_sha256
    made.close()


def test_a_damaged_store_takes_no_publication_O07(tmp_path, home):
    made = new_store("sqlite", tmp_path)
    made.close()
    with sqlite3.connect(tmp_path / "store.db") as raw:
        raw.execute("pragma journal_mode = delete")
        (size,) = raw.execute("pragma page_size").fetchone()
    raw.close()
    content = bytearray((tmp_path / "store.db").read_bytes())
    for page in range(3, 9):
        content[page * size : page * size + 64] = b"\xff" * 64
    (tmp_path / "store.db").write_bytes(content)
    damaged = open_store(tmp_path)
    with pytest.raises(StoreUnavailable, match="damaged"):
        published(damaged, home)
    damaged.close()


def test_a_run_that_is_not_in_the_home_is_not_found(empty, home):
    for run_id in ("0" * 16, "../tables", ""):
        with pytest.raises(NotFound):
            publish(empty, home, by="tests", at=AUGUST, run_id=run_id)


def test_nothing_of_a_student_stays_beside_the_store(home):
    assert [path.name for path in Path(home.path).glob(".tmp-*")] == []


def test_the_run_tells_where_it_comes_from(store, home):
    of_home = current_run(home).provenance
    with store.reading() as connection:
        run = run_in_force(connection)
        kept = json.loads(reading.provenance_of(connection, run.run_id))
    assert kept == of_home
    assert (run.target_year, run.after_day, run.model_version) == (SchoolYear(2027).ending, 0, 1)
    assert (run.data_through, run.published_by, run.is_in_force) == (dt.date(2026, 6, 12), "tests", True)
    assert FOOTER
