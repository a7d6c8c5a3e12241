"""What people decided otherwise, counted by group: rates, hidden groups, and who is put out more often."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import insert
from statsmodels.stats.proportion import confint_proportions_2indep

from ews.cli import main
from ews.dataset import dataset_for
from ews.errors import NotEnoughData
from ews.follow_up import Knows
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.slots import Mentor, Rule
from ews.store.following_up import Author, judge, take_back
from ews.store.mentors import Exclusion, exclude, import_mentors
from ews.store.opening import Store
from ews.store.overrides import decided_otherwise, judged
from ews.store.rounds import Asks, confirm_round, edit_row, propose_round, rows_of_round
from ews.store.schema import METADATA, RISK_ROWS, ROUND_ROWS
from ews.store.upgrading import open_or_make
from ews.subgroups import attributes_for, groups_for
from ews.subgroups.overrides import OF_LISTS, OF_ROUNDS, all_of_one_group, overrides, reasons, shown, warnings
from ews.tables import PROTECTED
from tests.cast import FIRST_DAY, NOON, ROSA, TODAY
from tests.homes import ingested_home
from tests.services import RUN_ID, add_run, risk_rows
from tests.stores import DATABASES, store_with_cast

POLICY = Policy()
YEAR = SchoolYear(2027)


def of_round(**groups: tuple[int, int, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of a round and their groups: for each group so many in the pool, of them proposed, of them taken off."""
    parts = [
        pd.DataFrame({"race_ethnicity": name, "number": np.arange(pool), "proposed": np.arange(pool) < proposed,
                      "removed": np.arange(pool) < removed})
        for name, (pool, proposed, removed) in groups.items()
    ]  # fmt: skip
    rows = pd.concat(parts, ignore_index=True)
    others = ~rows["proposed"]
    rows = rows.assign(pool=True, others=others, reserve=others, added=others & (rows["number"] % 7 == 6),
                       passed_over=False)  # fmt: skip
    return rows, rows[["race_ethnicity"]]


def one(found: pd.DataFrame, group: str, quantity: str) -> pd.Series:
    (row,) = found[(found["group"] == group) & (found["quantity"] == quantity)].to_dict("records")
    return pd.Series(row)


def test_each_act_is_counted_of_those_it_could_be_done_to_with_wilsons_interval_M09():
    rows, groups = of_round(A=(200, 60, 6), B=(200, 40, 4))
    found = overrides(rows, groups, OF_ROUNDS, POLICY, "proposed")
    row = one(found, "A", "removed")
    assert (row["count"], row["of"], row["students"]) == (6, 60, 200)
    z, p, n = 1.959964, 0.1, 60
    middle, half = (p + z * z / 2 / n), z * np.sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    assert row["rate"] == pytest.approx(p)
    assert [row["low"], row["high"]] == pytest.approx([(middle - half) / (1 + z * z / n),
                                                       (middle + half) / (1 + z * z / n)], abs=1e-6)  # fmt: skip
    assert row["more"] == pytest.approx(0)
    ends = confint_proportions_2indep(6, 60, 4, 40, method="newcomb", compare="diff")
    assert row[["more_low", "more_high"]].tolist() == pytest.approx(ends)
    assert one(found, "all", "removed")[["count", "of"]].tolist() == [10, 100]
    assert np.isnan(one(found, "all", "removed")["more"])
    assert one(found, "A", "added")["of"] == 140
    assert warnings(found, OF_ROUNDS) == []


def test_a_group_that_is_put_out_clearly_more_often_than_the_rest_is_named_M09():
    rows, groups = of_round(A=(200, 60, 3), B=(100, 40, 16))
    (told,) = warnings(overrides(rows, groups, OF_ROUNDS, POLICY, "proposed"), OF_ROUNDS)
    assert told.startswith(
        "race_ethnicity, B: taken off by people 16 of 40 times, 35 points more often than the rest ("
    )
    by_chance, same = of_round(A=(200, 60, 3), B=(100, 40, 4))
    assert warnings(overrides(by_chance, same, OF_ROUNDS, POLICY, "proposed"), OF_ROUNDS) == []


def test_small_groups_are_hidden_with_their_partners_and_still_judged_without_numbers_M09_PRV11():
    rows, groups = of_round(A=(200, 60, 3), B=(60, 20, 1), C=(9, 6, 5))
    found = overrides(rows, groups, OF_ROUNDS, POLICY, "proposed")
    hidden = found[found["suppressed"]]
    assert set(hidden["group"]) == {"B", "C"}
    told = shown(found)
    assert (
        told.loc[told["suppressed"], ["count", "of", "rate", "low", "high", "more", "students"]].isna().all(axis=None)
    )
    (warned,) = warnings(found, OF_ROUNDS)
    assert "race_ethnicity, C" in warned
    assert not re.search(r"\d", warned)


def test_no_rate_is_told_of_fewer_than_ten_and_groups_of_whom_none_were_proposed_are_hidden_M09():
    rows, groups = of_round(A=(100, 9, 2), B=(100, 30, 2), C=(50, 0, 0), D=(50, 20, 0))
    found = overrides(rows, groups, OF_ROUNDS, POLICY, "proposed")
    assert np.isnan(one(found, "A", "removed")["rate"])
    assert one(found, "A", "removed")["count"] == 2
    assert one(found, "C", "removed")["suppressed"]


def test_a_rule_that_proposes_one_group_alone_is_told_with_numbers_M10():
    rows, groups = of_round(A=(100, 20, 2), B=(80, 0, 0))
    (told,) = all_of_one_group(overrides(rows, groups, OF_ROUNDS, POLICY, "proposed"))
    assert told == "race_ethnicity, A: all 20 students whom the rule proposed are of this group. Look at the rule."
    for other in ({"A": (100, 20, 2), "B": (80, 1, 0)}, {"A": (100, 3, 0), "B": (80, 0, 0)}):
        rows, groups = of_round(**other)
        assert all_of_one_group(overrides(rows, groups, OF_ROUNDS, POLICY, "proposed")) == []


def test_what_people_said_of_lists_is_counted_by_group_and_by_kind_M09():
    rows = pd.DataFrame({"listed": True, "put_on": np.arange(200) % 50 == 0, "taken_off": np.arange(200) % 10 == 0})
    rows["taken_off"] &= np.arange(200) < 100
    groups = pd.DataFrame({"gender": np.where(np.arange(200) < 100, "F", "M")})
    found = overrides(rows, groups, OF_LISTS, POLICY)
    assert one(found, "F", "taken_off")[["count", "of"]].tolist() == [10, 100]
    assert len(warnings(found, OF_LISTS)) == 1
    said = pd.DataFrame(
        {"category": ["health"] * 12 + ["family"] * 3 + ["other"] * 11, "adds": [True] * 13 + [False] * 13}
    )
    kinds = reasons(said, POLICY).set_index("group")["students"]
    assert kinds["yes"] == 13
    assert kinds[["health", "family", "other"]].isna().sum() == 2


def test_groups_are_those_of_the_audit_for_the_same_students_M09(tmp_path):
    records = ingested_home(tmp_path / "home").ingested()
    frame = dataset_for(records, [SchoolYear(2026)], POLICY).labelled().frame.reset_index(drop=True)
    mine, audited = attributes_for(records, frame), groups_for(records, frame)
    assert {"race_ethnicity", "disability", "grade_band", "school_id"} <= set(mine)
    pd.testing.assert_frame_equal(mine, audited[list(mine)], check_dtype=False)
    twice = pd.concat([frame, frame], ignore_index=True)
    pd.testing.assert_frame_equal(attributes_for(records, twice).tail(len(frame)).reset_index(drop=True), mine)


def test_nothing_to_count_is_refused():
    rows, groups = of_round(A=(10, 5, 1))
    with pytest.raises(NotEnoughData, match="confirmed round"):
        overrides(rows.head(0), groups.head(0), OF_ROUNDS, POLICY)


STUDENTS = 60


@pytest.fixture(params=DATABASES)
def store(request, tmp_path) -> Iterator[Store]:
    made = filled(request.param, tmp_path)
    yield made
    made.close()


def filled(database: str, folder: Path) -> Store:
    """A store with a list of sixty at one school, and mentors for twenty of them."""
    made = store_with_cast(database, folder)
    with made.writing() as connection:
        add_run(connection, RUN_ID, "0" * 64)
        _sixty(connection, RUN_ID)
        mentors = [
            Mentor(f"M{number}", f"Mentor {number}", "staff", 10, ("022",), FIRST_DAY, screened_on=FIRST_DAY)
            for number in (1, 2)
        ]
        import_mentors(connection, mentors, TODAY)
    return made


def _sixty(connection, run_id: str) -> None:
    students, stays = METADATA.tables["students"], METADATA.tables["stays"]
    keys = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(STUDENTS)]
    about = [{"student_key": key, "student_id": f"S{number:02d}", "do_not_score": False}
             for number, key in enumerate(keys)]  # fmt: skip
    connection.execute(insert(students), about)
    stay = {"school_id": "022", "entry_date": FIRST_DAY, "grade_level": "06"}
    connection.execute(insert(stays), [{**stay, "student_key": key} for key in keys])
    like = next(row for row in risk_rows(run_id) if row["school_id"] == "022")
    connection.execute(RISK_ROWS.delete().where(RISK_ROWS.c.school_id == "022"))
    connection.execute(insert(RISK_ROWS), [
        {**like, "student_key": key, "rank": number + 1} for number, key in enumerate(keys)])  # fmt: skip


def asks(minutes: int = 0) -> Asks:
    return Asks(ROSA.login, NOON, TODAY)


def proposed(store: Store) -> str:
    with store.writing() as connection:
        return propose_round(connection, "022", Rule(lottery_percent=0), "a" * 32, asks())[0]


def test_edits_are_kept_one_by_one_and_told_against_what_the_rule_proposed_M09(store):
    key = proposed(store)
    with store.writing() as connection:
        rows = rows_of_round(connection, key)
        first, second, third = (row for row in rows[:3])
        last = rows[-1]
        mentor = first.mentor_key
        version = edit_row(connection, key, first.student_key, "reserve", "Has a coach", 1, asks())
        version = edit_row(connection, key, last.student_key, "proposed", "Asked for one", version, asks(), mentor)
        version = edit_row(connection, key, second.student_key, "not_offered", "Not now", version, asks())
        free = second.mentor_key
        version = edit_row(connection, key, second.student_key, "proposed", "After all", version, asks(), free)
        version = edit_row(connection, key, rows[-2].student_key, "not_offered", "Moves", version, asks())
        exclude(connection, [Exclusion(third.student_key, "tier_3", None, TODAY, None, "case manager")], ROSA.login)
        confirm_round(connection, key, version, asks())
    with store.reading() as connection:
        told = decided_otherwise(connection, YEAR.ending).set_index("student_id")
        other_year = decided_otherwise(connection, 2026)
        unconfirmed = decided_otherwise(connection, YEAR.ending, "0" * 36)
    assert told["proposed"].sum() == 20
    assert told.index[told["removed"]].tolist() == [first.student_id]
    assert told.index[told["added"]].tolist() == [last.student_id]
    assert told.index[told["passed_over"]].tolist() == [rows[-2].student_id]
    assert told.loc[third.student_id, "proposed"]
    assert told["is_known"].all()
    assert other_year.empty
    assert unconfirmed.empty


def test_a_round_that_is_not_confirmed_is_not_counted_and_edits_from_before_they_were_kept_are_told_M09(store):
    key = proposed(store)
    with store.writing() as connection:
        row = rows_of_round(connection, key)[0]
        assert decided_otherwise(connection, YEAR.ending).empty
        mine = ROUND_ROWS.c.student_key == row.student_key
        connection.execute(ROUND_ROWS.update().where(mine).values(edited_by="x", decision="reserve", mentor_key=None))
        confirm_round(connection, key, 1, asks())
        told = decided_otherwise(connection, YEAR.ending)
    assert told.loc[~told["is_known"], "student_id"].tolist() == [row.student_id]


def test_words_on_a_list_count_while_they_stand_M09(store):
    by = Author(ROSA.key, ROSA.login, NOON, TODAY)
    with store.writing() as connection:
        keys = [row.student_key for row in connection.execute(RISK_ROWS.select().where(RISK_ROWS.c.school_id == "022"))]
        for key, adds in zip(keys[:3], (True, False, False), strict=True):
            judge(connection, key, YEAR, by, adds=adds, category=Knows.HEALTH, reason="was ill")
        take_back(connection, keys[2], YEAR, by)
        told = judged(connection, YEAR.ending)
    assert told["put_on"].sum() == 1
    assert told["taken_off"].sum() == 1
    assert told["category"].notna().sum() == 2


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with demographics of the sixty; of one group all who were proposed are taken off."""
    folder = tmp_path / "home"
    folder.mkdir()
    store = filled("sqlite", folder)
    key = proposed(store)
    with store.writing() as connection:
        rows = [row for row in rows_of_round(connection, key) if row.decision == "proposed"]
        for version, row in enumerate(rows[:10], start=1):
            edit_row(connection, key, row.student_key, "reserve", "Not now", version, asks())
        confirm_round(connection, key, 11, asks())
    store.close()
    taken = {row.student_id for row in rows[:10]}
    kept = {row.student_id for row in rows[10:]}
    ids = [f"S{number:02d}" for number in range(STUDENTS)]
    others = [one for one in ids if one not in taken | kept]
    in_first = taken | set(others[:15])
    records = folder / "tables" / "d"
    records.mkdir(parents=True)
    about = pd.DataFrame({"student_id": ids, "school_year": 2026})
    for name in PROTECTED:
        about[name] = None
    about["disability"] = ["yes" if one in in_first else "no" for one in ids]
    about.to_parquet(records / "demographics.parquet")
    (folder / "current_tables.json").write_text('{"id": "d"}')
    return folder


def test_the_command_prints_and_writes_what_it_may_and_no_demographics_reach_the_store_M09(home, tmp_path, capsys):
    out = tmp_path / "out"
    with pytest.raises(SystemExit, match="0"):
        main(["slots", "overrides", "--home", str(home), "--out", str(out), "--by", "Wei Lindqvist"])
    said = capsys.readouterr().out
    assert re.search(r"yes +25 +10 of 25: 40 % \(\d+ to \d+\) +10 of 10: 100 %", said)
    assert "disability, yes: taken off by people 10 of 10 times" in said
    assert "Rounds of mentor slots" in said
    assert "Lists, of the students on them" in said
    table = pd.read_csv(out / "overrides.csv")
    assert set(table["quantity"]) == {*OF_ROUNDS, *OF_LISTS}
    assert table.loc[table["suppressed"], "count"].isna().all()
    assert "clearly more often" in (out / "overrides.html").read_text()
    columns = {column.name for known in METADATA.tables.values() for column in known.columns}
    assert columns.isdisjoint(PROTECTED)
    assert b"disability" not in (home / "store.db").read_bytes()


def test_without_demographics_it_goes_by_grade_and_school_and_without_a_list_there_is_nothing_M09(
    home, tmp_path, capsys
):
    (home / "tables" / "d" / "demographics.parquet").unlink()
    rows = pd.DataFrame({"student_id": ["S01"], "school_year": 2027, "grade_level": ["06"], "school_id": ["022"]})
    assert list(attributes_for(home / "tables" / "d", rows)) == ["grade_band", "school_id"]
    with pytest.raises(SystemExit, match="0"):
        main(["slots", "overrides", "--home", str(home)])
    assert "The records hold no demographics" in capsys.readouterr().out
    empty = tmp_path / "empty"
    empty.mkdir()
    open_or_make(empty).close()
    with pytest.raises(SystemExit, match="11"):
        main(["slots", "overrides", "--home", str(empty)])
    assert "No list was published yet" in capsys.readouterr().err
