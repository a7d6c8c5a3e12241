"""What a family gets that asks to see the records, and corrections and consents (PRV-6, PRV-7)."""

import csv
import stat
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from ews import families
from ews.cli.common import moment
from ews.home import Home
from ews.score import current_run, read_list
from ews.store.audit_chain import Entry
from ews.store.audit_log import open_audit_log
from ews.store.reading import student_keys
from tests.published import gone, newer_records, published, renamed, scored
from tests.stores import new_store
from tests.unit.test_cli import run

REGISTRAR = ("--by", "R. Egistrar")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = scored(tmp_path / "home")
    with closing(new_store("sqlite", made.path)) as store:
        published(store, made)
        with store.reading() as connection:
            (key,) = student_keys(connection, [renamed()]).values()
    with closing(open_audit_log(made.path)) as log:
        log.append([Entry(moment(), "", "tomas.nunez", "counselor", "explanation", "shown", "caseload", (key,))])
    return made


@pytest.fixture
def ews(home: Home, capsys: pytest.CaptureFixture[str]):
    return lambda *words: run(capsys, *words, "--home", home.path)


def table(path: Path) -> list[list[str]]:
    """Rows below the block on top."""
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    return rows[rows.index([]) + 1 :]


def test_a_packet_holds_records_estimate_reasons_model_card_and_log_of_one_student_PRV_6(ews, home, tmp_path):
    folder = tmp_path / "packet"
    code, out, _ = ews("packet", renamed(), "--out", folder, *REGISTRAR)
    assert (code, "They hold education records" in out) == (0, True)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    marks = pd.concat(map(pd.read_parquet, (home.ingested() / "marks").rglob("*.parquet")))
    assert len(table(folder / "records-marks.csv")) - 1 == (marks["student_id"] == renamed()).sum() > 0
    assert {"records-students.csv", "records-enrollments.csv", "records-demographics.csv", "model-card.html",
            "family.html", "who-may-see.csv"} <= {path.name for path in folder.iterdir()}  # fmt: skip
    row = read_list(current_run(home)).set_index("student_id").loc[renamed()]
    told = table(folder / "estimate.csv")
    estimate = {name: value for name, value, _ in told}
    assert {name: meaning for name, _, meaning in told}["days_absent_last_year"]
    assert float(estimate["risk"]) == pytest.approx(row["risk"])
    assert estimate["reason_1"] == row["reason_1"]
    assert any("tomas.nunez" in line for line in table(folder / "who-saw.csv"))
    others = [one for one in read_list(current_run(home))["student_id"] if one != renamed()]
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.csv"))
    assert len(others) > 200
    assert [one for one in others if one in text] == []


def test_the_packet_itself_is_in_the_log_and_never_goes_over_another_PRV_6(ews, home, tmp_path):
    folder = tmp_path / "packet"
    assert ews("packet", renamed(), "--out", folder, *REGISTRAR)[0] == 0
    code, _, err = ews("packet", renamed(), "--out", folder, *REGISTRAR)
    assert (code, "a folder of its own" in err) == (10, True)
    with closing(open_audit_log(home.path)) as log:
        acts = [one.entry for one in log.between(pd.Timestamp("2020-01-01", tz="UTC"), moment())]
    assert [(one.login, one.view) for one in acts][1:] == [("R. Egistrar", "packet")]
    assert ews("packet", "no such", "--out", tmp_path / "other", *REGISTRAR)[0] == 14
    assert not (tmp_path / "other").exists()


def test_who_is_on_no_list_gets_the_records_and_the_log_PRV_6(ews, home, tmp_path):
    left_out = tmp_path / "left out"
    assert ews("withhold", renamed(), *REGISTRAR)[0] == 0
    assert ews("score", "--target-year", "2027", "--out", tmp_path / "lists")[0] == 0
    assert "no estimate" in ews("packet", renamed(), "--out", left_out, *REGISTRAR)[1]
    assert (left_out / "records-students.csv").exists()
    assert not (left_out / "estimate.csv").exists()


def test_a_correction_asks_for_new_lists_once_other_records_came_in_and_until_they_are_made_PRV_6(ews, home, tmp_path):
    ask = ("correct", "--what", "Present on 3 March, came late", *REGISTRAR)
    assert ews(*ask, gone())[0] == 0
    assert ews(*ask, "no such")[0] == 14
    assert ews("correct", gone(), "--what", " ", *REGISTRAR)[0] == 10
    (asked,) = families.corrections(home)
    assert (asked.student_id, asked.what, asked.by) == (gone(), "Present on 3 March, came late", "R. Egistrar")
    told = "Corrections were asked for 1 students"
    assert told in ews("ingest", newer_records())[1]
    assert told in ews("ingest", newer_records())[1], "until lists are made"
    assert ews("score", "--target-year", "2027", "--out", tmp_path / "lists")[0] == 0
    assert told not in ews("ingest", newer_records())[1]


def test_what_goes_along_to_another_district_is_attendance_and_never_an_estimate_PRV_7(ews, home, tmp_path):
    folder = tmp_path / "transfer"
    assert ews("packet", renamed(), "--out", folder, "--transfer", "Lincoln District", *REGISTRAR)[0] == 0
    assert {path.stem for path in folder.iterdir()} == {"records-students", "records-enrollments", "records-marks"}
    text = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    assert not [word for word in ("risk", "reason", "raw_score", "rank", "disab", "race") if word in text]
    with closing(open_audit_log(home.path)) as log:
        (entry,) = [one.entry for one in log.between(pd.Timestamp("2020-01-01", tz="UTC"), moment()) if one.entry.party]
    assert (entry.party, entry.legal_basis, entry.view) == ("Lincoln District", "34 CFR 99.34", "disclosure")


def test_a_disclosure_by_consent_needs_one_in_force_for_this_student_and_party_PRV_7(ews, home):
    party = ("--party", "Study of State University")
    disclose = ("audit-log", "disclose", "--legal-basis", "34 CFR 99.30", "--what", "attendance 2025-26", *party)
    agree = ("consent", *party, "--records", "attendance 2025-26", "--purpose", "a study of buses", *REGISTRAR)
    signed = ("--signed-by", "Maria Example", "--signed-on")
    assert ews(*disclose, renamed())[0] == 10
    assert ews(*agree, renamed())[0] == 10, "without a signature it is none"
    assert ews(*agree, "no such", *signed, "2026-08-01")[0] == 14
    assert ews(*agree, renamed(), *signed, "2099-08-01")[0] == 0
    assert ews(*disclose, renamed())[0] == 10, "signed for later"
    assert ews(*agree, renamed(), *signed, "2026-08-01")[0] == 0
    assert ews(*disclose, renamed())[0] == 0
    assert ews(*disclose, gone())[0] == 10, "another student"
    assert ews(*disclose[:-1], "Somebody else", renamed())[0] == 10
    assert "Revoked: 1" in ews("consent", renamed(), *party, "--revoke", *REGISTRAR)[1]
    assert ews(*disclose, renamed())[0] == 10
    assert [bool(one.revoked_on) for one in families.consents(home)] == [False, True]
