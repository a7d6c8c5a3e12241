"""A district's file of mentors: what is taken, what is refused and how it is mended."""

from datetime import date
from pathlib import Path

import pytest

from ews.errors import InputRefused
from ews.slots import MOST_CAP, Rule, read_mentors
from ews.slots.shares import seats_by_school, slots_of_schools
from tests.slot_rounds import ON, mentor

HEAD = "mentor_id,name,kind,schools,starts_on,screened_on,caseload_cap,languages,away_from,away_until\n"


def written(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / "mentors.csv"
    path.write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_a_mentor_without_a_cap_has_the_usual_one_of_the_kind_MEN_1(tmp_path):
    found = read_mentors(written(
        tmp_path, "007,Kim Ito,staff,014;022,2026-08-24,2026-06-01,,ES; pt ,,",
        "1,Lee Roy,external,014,2026-08-24,2026-06-01,,,,", "2,Ada Sol,peer,014,2026-08-24,2026-06-01,,,,",
    ))  # fmt: skip
    assert [(one.mentor_id, one.cap) for one in found] == [("007", 5), ("1", 15), ("2", 1)]
    assert found[0].schools == ("014", "022")
    assert found[0].languages == ("es", "pt")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("1,A,staff,014,2026-08-24,,-1,,,", "Line 3 of mentors.csv, caseload_cap: is below zero"),
        ("1,A,staff,014,2026-08-24,,21,,,", f"caseload_cap: must be a whole number, 0 to {MOST_CAP}"),
        ("1,A,staff,014,2026-08-24,,2.5,,,", "caseload_cap: must be a whole number"),
        ("1,A,staff,014,2026-08-24,,many,,,", "caseload_cap: is no number"),
        ("1,A,boss,014,2026-08-24,,,,,", "kind: must be one of: staff, external, peer"),
        ("1,A,staff,,2026-08-24,,,,,", "schools: is empty"),
        ("1,A,staff,014,24.8.26,,,,,", "starts_on: is no date"),
        (",A,staff,014,2026-08-24,,,,,", "mentor_id: is empty"),
        ("1,A,staff,014,2026-08-24,,,,,2026-09-01", "away_until: is before away_from, or stands alone"),
        ("0,A,staff,014,2026-08-24,,,,,", "mentor_id twice"),
    ],
)
def test_a_line_that_cannot_be_taken_is_named_with_what_to_do_and_nothing_is_taken_M01(tmp_path, cells, words):
    with pytest.raises(InputRefused, match=words):
        read_mentors(written(tmp_path, "0,Kim,staff,014,2026-08-24,,,,,", cells))


def test_columns_that_are_missing_or_not_known_are_refused(tmp_path):
    with pytest.raises(InputRefused, match="has no kind or schools or starts_on"):
        read_mentors(written(tmp_path, "1,A", head="mentor_id,name\n"))
    with pytest.raises(InputRefused, match="columns that are not known: 1"):
        read_mentors(written(tmp_path, head=HEAD.strip() + ",shoe_size\n"))
    with pytest.raises(InputRefused, match="cannot be read as CSV"):
        read_mentors(tmp_path / "nowhere.csv")


def test_toml_says_the_same_as_csv(tmp_path):
    toml = tmp_path / "mentors.toml"
    toml.write_text(
        '[[mentor]]\nmentor_id = "007"\nname = "Kim Ito"\nkind = "staff"\nschools = ["014", "022"]\n'
        'starts_on = 2026-08-24\nscreened_on = 2026-06-01\nlanguages = ["es", "pt"]\n'
    )
    csv = written(tmp_path, "007,Kim Ito,staff,014;022,2026-08-24,2026-06-01,,es;pt,,")
    assert read_mentors(toml) == read_mentors(csv)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"screened_on": None}, "is not screened yet"),
        ({"screened_on": date(2026, 9, 2)}, "is not screened yet"),
        ({"starts_on": date(2026, 10, 1)}, "starts on 1 October 2026"),
        ({"ends_on": date(2026, 8, 31)}, "stopped mentoring on 31 August 2026"),
        ({"away_from": date(2026, 8, 30)}, "is on leave"),
        ({"away_from": date(2026, 8, 30), "away_until": date(2026, 9, 1)}, "is on leave until 1 September 2026"),
        ({"cap": 0}, "takes nobody (caseload_cap is 0)"),
    ],
)
def test_who_is_not_screened_not_there_or_on_leave_has_no_slots_MEN_1_M01(about, words):
    one = mentor("kim", **about)
    assert one.why_no_slots(ON) == words
    assert one.slots(ON) == 0


def test_who_is_back_from_leave_and_not_yet_gone_has_slots():
    one = mentor("kim", away_from=date(2026, 8, 1), away_until=date(2026, 8, 31), ends_on=ON)
    assert one.slots(ON) == 5


def test_a_mentor_of_two_schools_is_shared_by_need_or_evenly():
    shared = mentor("kim", schools=("elm", "oak"), cap=6)
    need = {"elm": 40, "oak": 20}
    assert seats_by_school([shared], {}, need, Rule(), ON) == {"elm": {"kim": 4}, "oak": {"kim": 2}}
    assert seats_by_school([shared], {}, need, Rule(shared_by="even"), ON) == {"elm": {"kim": 3}, "oak": {"kim": 3}}


def test_a_school_has_its_least_slots_before_need_counts_and_never_more_than_its_most():
    own, shared = mentor("ada", cap=3), mentor("kim", schools=("elm", "oak"), cap=3)
    need = {"elm": 400, "oak": 2}
    assert seats_by_school([shared, own], {}, need, Rule(), ON)["elm"]["kim"] == 3
    seats = seats_by_school([shared, own], {}, need, Rule(least_slots=2), ON)
    assert seats == {"elm": {"ada": 3, "kim": 1}, "oak": {"kim": 2}}
    capped = seats_by_school([shared, own], {}, need, Rule(most_slots=2), ON)
    assert capped == {"elm": {"ada": 3}, "oak": {"kim": 2}}
    assert slots_of_schools(capped, Rule(most_slots=2)) == {"elm": 2, "oak": 2}


def test_seats_that_are_taken_are_not_free_and_a_school_without_need_gets_no_shared_one():
    shared = mentor("kim", schools=("elm", "oak"), cap=6)
    assert seats_by_school([shared], {"kim": 5}, {"elm": 9}, Rule(), ON) == {"elm": {"kim": 1}}
    assert seats_by_school([shared], {"kim": 8}, {"elm": 9}, Rule(), ON) == {}
