"""Damaged Ed-Fi, OneRoster and positive feeds: refused in words or taken whole, never a traceback.

The harms are those of `benchmarks.fuzz`, with some that only XML, JSON and archives can come to.
"""

import contextlib
import random
import shutil
import zipfile
from pathlib import Path

import pytest

from benchmarks.fuzz import HARMS
from ews.errors import EwsError
from tests.integration.test_edfi_files import ABSENT, DAYS, NAMESPACE, json_feed
from tests.integration.test_oneroster import roster
from tests.integration.test_positive import daily_rows
from tests.unit.sis.feeds import good_lines, take, write_feed

SEEDS = 25
MARKUP = (
    b"<", b">", b"&", b"]]>", b"<![CDATA[", b"<!DOCTYPE a>", b"</Student>", b"<a>" * 50_000, b'{"a":' * 50_000,
    b"{", b"}", b"[", b"]", b"null", b"\\ud800", b"\\u0000", b"\x00", b"1e999", b"\xef\xbb\xbf", b'"',
)  # fmt: skip


def _edfi(folder: Path) -> Path:
    json_feed(folder)
    (folder / "events.xml").write_text(
        f"<I {NAMESPACE}>"
        + "".join(
            f"""<StudentSchoolAttendanceEvent><AttendanceEvent><EventDate>{day}</EventDate>
            <AttendanceEventCategory>{ABSENT}</AttendanceEventCategory></AttendanceEvent><StudentReference>
            <StudentIdentity><StudentUniqueId>007</StudentUniqueId></StudentIdentity></StudentReference>
            <SchoolReference><SchoolIdentity><SchoolId>1</SchoolId></SchoolIdentity></SchoolReference>
            </StudentSchoolAttendanceEvent>"""
            for day in DAYS[5:]
        )
        + "</I>"
    )
    with zipfile.ZipFile(folder / "more.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/students.json", '[{"studentUniqueId": "9"}]' + " " * 2_000)
    return folder


def _oneroster(folder: Path) -> Path:
    beside = {name: lines for name, lines in good_lines().items() if name in {"calendar", "attendance"}}
    return write_feed(folder, {**beside, **roster()})


def _positive(folder: Path) -> Path:
    return write_feed(folder, good_lines(), attendance=daily_rows())


FEEDS = {"edfi": _edfi, "oneroster": _oneroster, "positive": _positive}


def _markup_inserted(path: Path, chance: random.Random) -> None:
    data = path.read_bytes()
    place = chance.randrange(len(data) + 1)
    path.write_bytes(data[:place] + chance.choice(MARKUP) + data[place:])


@pytest.mark.parametrize("source", FEEDS)
def test_a_damaged_feed_is_refused_in_words_or_taken_with_counts_that_add_up(source: str, tmp_path: Path) -> None:
    good = FEEDS[source](tmp_path / "good")
    outcomes = [_try(source, good, tmp_path / "tried", seed) for seed in range(SEEDS)]
    assert outcomes.count("refused") > 2
    assert set(outcomes) <= {"refused", "taken"}


def _try(source: str, good: Path, folder: Path, seed: int) -> str:
    chance = random.Random(seed)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(good, folder / "feed")
    for _ in range(chance.randint(1, 3)):
        files = sorted(path for path in (folder / "feed").iterdir() if path.suffix != ".gz")
        harm = chance.choice((*HARMS, *[_markup_inserted] * 8))
        with contextlib.suppress(IndexError):  # a harm made for CSV may find no place in another file
            harm(chance.choice(files), chance)
    try:
        report = take(folder / "feed", folder / "home", source=source)
    except EwsError:
        assert not (folder / "home" / "current_tables.json").exists()
        assert not list((folder / "home").rglob(".tmp-*"))
        return "refused"
    for counts in report.counts.values():
        assert counts.read == counts.accepted + counts.rejected + counts.duplicates
    return "taken"
