"""A share from another report, made by a definition we know, is traced back to that definition."""

from dataclasses import replace
from pathlib import Path

import pytest

from ews.errors import NotEnoughData
from ews.policy import Policy
from ews.quality import Definition, Reconciliation, hand_out, look, reconcile
from ews.school_year import SchoolYear
from tests.unit.quality.feeds import DAYS, STUDENTS, District, name_of, school_days, school_of

YEAR = SchoolYear(2026)


def _absent(days: dict[int, int], category: str = "unexcused", share: str = "") -> list[tuple]:
    """So many marks of so many students."""
    dates = school_days()
    return [
        (name_of(number), school_of(number), dates[place], category, share)
        for number, how_often in days.items()
        for place in range(how_often)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 200 students 40 miss 12 of 120 days and 160 miss 6 or less; each choice below would change the count."""
    district = District()
    district.marks = [
        *_absent(dict.fromkeys(range(10), 11)),  # 9.2 %: chronic only when rounded to whole percents: no
        *_absent(dict.fromkeys(range(10, 30), 12)),  # exactly a tenth
        *_absent(dict.fromkeys(range(30, 50), 13)),
        *_absent(dict.fromkeys(range(50, 57), 20), share="0.4"),  # 20 days in part, 8 days in sum
        *_absent(dict.fromkeys(range(57, 62), 14), "suspension"),
        *_absent(dict.fromkeys(range(62, 65), 36), "tardy"),  # three make a day: 12
        *_absent(dict.fromkeys(range(65, 68), 13), "tardy"),
        *_absent(dict.fromkeys(range(69, 71), 15), "excused"),
    ]
    short = [f"{name_of(number)},{school_of(number)},2025-09-01,{school_days()[19]},05" for number in range(100, 104)]
    district.stays = [*short, *(stay for stay in district.stays if int(stay[1:4]) not in range(100, 104))]
    district.marks += _absent(dict.fromkeys(range(100, 104), 2))  # 2 of 20 days
    district.stays = [
        stay.replace(",05", ",PK") if int(stay[1:4]) in range(195, 200) else stay for stay in district.stays
    ]
    return district.taken(tmp_path_factory.mktemp("reconciled"))


OWN = Definition(min_days_enrolled=10)
CHRONIC = 20 + 20 + 5 + 2 + 4
"""A tenth or more by the federal definition: of 195 students, the five in PK left out."""

KNOWN = {
    "the district's own": (OWN, CHRONIC, 195),
    "short stays without a status": (replace(OWN, min_days_enrolled=30), CHRONIC - 4, 191),
    "any part of a day": (replace(OWN, absent_day="any part of a day"), CHRONIC + 7, 195),
    "three tardies make a day": (replace(OWN, tardies="three make a day"), CHRONIC + 3, 195),
    "each tardy makes a day": (replace(OWN, tardies="each makes a day"), CHRONIC + 3 + 3, 195),
    "unexcused only": (replace(OWN, kinds="unexcused only"), CHRONIC - 5 - 2, 195),
    "without suspensions": (replace(OWN, kinds="without suspensions"), CHRONIC - 5, 195),
    "more than a tenth": (replace(OWN, bound="more than"), CHRONIC - 20 - 4, 195),
    "prekindergarten too": (replace(OWN, grades="PK to 12"), CHRONIC, 200),
    "who is there on the last day": (replace(OWN, students="there on the last day"), CHRONIC - 4, 191),
    "two choices": (replace(OWN, bound="more than", tardies="each makes a day"), CHRONIC - 24 + 6, 195),
}


def definition_changes(definition: Definition) -> list[str]:
    return [name for name, value in vars(OWN).items() if getattr(definition, name) != value]


def _found(folder: Path, typed: str) -> Reconciliation:
    return reconcile(folder, YEAR, typed, Policy())


@pytest.mark.parametrize("name", KNOWN)
def test_a_share_is_traced_back_to_the_definition_it_was_made_by_I22_I23(folder: Path, name: str) -> None:
    definition, chronic, students = KNOWN[name]
    typed = f"{100 * chronic / students:.3f}"
    found = _found(folder, typed)
    agreeing = [one for one in (found.ours, *found.others) if found.explains(one)]
    assert (chronic, students) in {(one.chronic, one.students) for one in agreeing}
    named = {
        one.definition for one in (found.ours, *found.others) if (one.chronic, one.students) == (chronic, students)
    }
    simplest = min(len(one.changed) for one in agreeing)
    assert definition in named
    assert len(definition_changes(definition)) == simplest, "nothing simpler gives it"
    if found.ours not in agreeing:
        assert agreeing == list(found.others[: len(agreeing)]), "what explains it comes first"


def test_a_student_of_two_schools_is_counted_once_or_in_each_I26(tmp_path: Path) -> None:
    district = District()
    moved = range(10)
    district.stays = [stay for stay in district.stays if int(stay[1:4]) not in moved]
    half = DAYS // 2
    dates = school_days()
    for number in moved:
        district.stays.append(f"{name_of(number)},ALDER,2025-09-01,{dates[half - 1]},05")
        district.stays.append(f"{name_of(number)},BIRCH,{dates[half]},,05")
    # 6 of 60 days in ALDER and 1 of 60 in BIRCH: chronic in one school, not over the year.
    district.marks = [(name_of(n), "ALDER", dates[place], "excused", "") for n in moved for place in range(6)]
    district.marks += [(name_of(n), "BIRCH", dates[half], "excused", "") for n in moved]
    found = reconcile(district.taken(tmp_path), YEAR, "4.76", Policy())
    assert (found.ours.chronic, found.ours.students) == (0, STUDENTS)
    best = found.others[0]
    assert (best.chronic, best.students, best.changed) == (10, STUDENTS + 10, ("a student counted per school",))
    assert found.explains(best)


def test_how_exact_the_typed_share_is_says_what_explains_it(folder: Path) -> None:
    ours = 100 * CHRONIC / 195  # 26.15
    assert _found(folder, "26.2").explains(_found(folder, "26.2").ours)
    assert not _found(folder, "26.20").explains(_found(folder, "26.20").ours)
    assert ours == pytest.approx(_found(folder, "26").ours.percent)


def test_the_page_tells_what_would_explain_it_and_that_fitting_is_no_proof(folder: Path, tmp_path: Path) -> None:
    seen = look(folder, Policy())
    typed = f"{100 * (CHRONIC - 24) / 195:.2f}"
    html = hand_out(seen, tmp_path, _found(folder, typed))[0].read_text(encoding="utf-8")
    assert "more than the threshold" in html
    assert "that one fits does not prove it" in html
    assert "They agree" in hand_out(seen, tmp_path, _found(folder, f"{100 * CHRONIC / 195:.1f}"))[0].read_text()
    assert "No definition tried gives that share" in hand_out(seen, tmp_path, _found(folder, "99.9"))[0].read_text()


def test_a_year_without_records_is_refused(folder: Path) -> None:
    with pytest.raises(NotEnoughData, match="No records of 2019-20"):
        reconcile(folder, SchoolYear(2020), "10", Policy())
