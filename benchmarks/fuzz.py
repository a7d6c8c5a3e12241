"""Ten thousand damaged feeds: `python -m benchmarks.fuzz --inputs 10000`.

Each is a good feed, flat, mapped or yearly, of which one to three files were damaged as files are in life: bytes
flipped, cut off, rows dropped, doubled or shuffled, columns swapped or lost, encodings mixed, quotes opened, line ends
changed, whole files exchanged. What comes of it must be a refusal in words or a load whose counts add up; anything
else, a home that a refusal changed, or more than a minute of processor time, is a failure.
"""

import argparse
import contextlib
import gzip
import hashlib
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb

from ews.errors import EwsError
from ews.home import Home
from ews.sis import IngestReport, ingest

MOST_SECONDS = 60
STUDENTS = 40
CODES = {"E": "excused", "U": "unexcused", "T": "tardy"}
SCHOOLS = ("ALDER", "BIRCH")
MAP = """
date_format = "M/D/YYYY"
null_tokens = ["NULL"]
values.category = { E = "excused", U = "unexcused", T = "tardy" }
values.grade_level = "usual"
students = { file = "enrollments.csv", rows = "distinct", student_id = "Pupil" }

[calendar]
date = "Day"
school_year = { from = "date" }

[enrollments]
student_id = "Pupil"
entry_date = "In"
exit_date = { column = "Out", add_days = -1 }

[attendance]
student_id = "Pupil"
date = "Day"
category = "Code"
"""


@dataclass
class Tally:
    """What came of the feeds tried.

    Attributes:
        refused: in words.
        taken: with some rows rejected, or none.
        unchanged: the damage was none, and the good feed was known already.
        failures: seed, what was done, and what went wrong.
        words: how often each kind of refusal was given.
    """

    refused: int = 0
    taken: int = 0
    unchanged: int = 0
    failures: list[tuple[int, str, str]] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)


def good_feed(folder: Path) -> tuple[Path, Path]:
    """A folder with a good flat feed, the same with a map, and a yearly sheet; and a home that holds the first."""
    days = [day for offset in range(40) if (day := date(2025, 9, 1) + timedelta(offset)).isoweekday() < 6]
    pupils = [(f"{number:03d}", SCHOOLS[number % 2]) for number in range(STUDENTS)]
    marks = [(s, school, days[(int(s) * 7 + n) % len(days)], "EUT"[n % 3]) for s, school in pupils for n in range(5)]
    _write(
        folder / "feeds" / "flat",
        {
            "schools": ["school_id,name", *(f"{school},{school.title()} Zoë" for school in SCHOOLS)],
            "calendar": ["school_id,date,school_year", *(f"{s},{day},2026" for s in SCHOOLS for day in days)],
            "students": ["student_id,name,birth_date", *(f'{s},"Doe, J. ""{s}""",2014-02-03' for s, _ in pupils)],
            "enrollments": [
                "student_id,school_id,entry_date,exit_date,grade_level",
                *(f"{s},{school},2025-09-01,,04" for s, school in pupils),
            ],
            "attendance": [
                "student_id,school_id,date,category,absent_share",
                *(f"{s},{w},{day},{CODES[code]}," for s, w, day, code in marks),
            ],
        },
    )
    _write(
        folder / "feeds" / "mapped",
        {
            "schools": ["school_id,name", *(f"{school},NULL" for school in SCHOOLS)],
            "calendar": ["school_id,Day", *(f"{s},{_day(day)}" for s in SCHOOLS for day in days)],
            "enrollments": [
                "Pupil,school_id,In,Out,grade_level", *(f"{s},{school},9/1/2025,NULL,4" for s, school in pupils)
            ],
            "attendance": ["Pupil,school_id,Day,Code", *(f"{s},{w},{_day(day)},{code}" for s, w, day, code in marks)],
        },
    )  # fmt: skip
    (folder / "feeds" / "mapped" / "map.toml").write_text(MAP, encoding="utf-8")
    _write(
        folder / "feeds" / "yearly",
        {"sheet": ["pupil,year,school,grade,enrolled,absent", *(f"{s},2025,{w},05,170,{int(s)}" for s, w in pupils)]},
    )
    (folder / "feeds" / "yearly" / "map.toml").write_text(
        'shape = "long"\nstudent_id = "pupil"\nschool_year = "year"\nschool_id = "school"\ngrade_level = "grade"\n'
        'days_enrolled = "enrolled"\ndays_absent = "absent"\n',
        encoding="utf-8",
    )
    _ingest(folder / "feeds" / "flat", folder / "home")
    return folder / "feeds", folder / "home"


def _day(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def _write(folder: Path, files: dict[str, list[str]]) -> None:
    folder.mkdir(parents=True)
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def mutated(feeds: Path, out: Path, seed: int) -> str:
    """Copy one of the feeds to `out` and damage it; what was done, in words. The same seed does the same."""
    chance = random.Random(seed)
    kind = chance.choice(("flat", "flat", "mapped", "yearly"))
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(feeds / kind, out)
    done = [kind]
    for _ in range(chance.randint(1, 3)):
        path = chance.choice(sorted(path for path in out.iterdir() if path.suffix != ".gz"))
        harm = chance.choice(HARMS)
        harm(path, chance)
        done.append(f"{harm.__name__.strip('_')} {path.name}")
    return ", ".join(done)


def _bytes_flipped(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 1, 3, 30))):
        if data:
            data[chance.randrange(len(data))] = chance.randrange(256)
    path.write_bytes(bytes(data))


def _cut_off(path: Path, chance: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: chance.randrange(len(data) + 1)])


def _rows_dropped(path: Path, chance: random.Random) -> None:
    share = chance.choice((0.02, 0.2, 0.7))
    _change_lines(path, lambda lines: [line for line in lines if chance.random() > share])


def _rows_doubled(path: Path, chance: random.Random) -> None:
    _change_lines(path, lambda lines: [line for line in lines for _ in range(chance.choice((1, 1, 1, 2)))])


def _rows_shuffled(path: Path, chance: random.Random) -> None:
    _change_lines(path, lambda lines: chance.sample(lines, len(lines)))


def _columns_swapped(path: Path, chance: random.Random) -> None:
    first, second = chance.randrange(5), chance.randrange(5)
    rows = 1 if chance.random() < 0.3 else 10**6

    def swap(line: bytes) -> bytes:
        cells = line.split(b",")
        if max(first, second) < len(cells):
            cells[first], cells[second] = cells[second], cells[first]
        return b",".join(cells)

    _change_lines(path, lambda lines: [swap(line) if place < rows else line for place, line in enumerate(lines)])


def _column_lost(path: Path, chance: random.Random) -> None:
    place, rows = chance.randrange(5), chance.choice((1, 5, 10**6))
    _change_lines(
        path,
        lambda lines: [
            b",".join(cell for at, cell in enumerate(line.split(b",")) if at != place) if number < rows else line
            for number, line in enumerate(lines)
        ],
    )


def _encodings_mixed(path: Path, chance: random.Random) -> None:
    encoding = chance.choice(("latin-1", "utf-16", "cp037", "utf-8-sig", "utf-7"))
    data = path.read_bytes()
    start = 0 if chance.random() < 0.5 else chance.randrange(len(data) + 1)
    text = data[start:].decode("utf-8", errors="replace").replace("e", chance.choice("eéß日\u202e\x00"))
    path.write_bytes(data[:start] + text.encode(encoding, errors="replace"))


def _quote_opened(path: Path, chance: random.Random) -> None:
    _insert(path, chance, chance.choice((b'"', b'""', b'"a', b"'", b'\\"')))


def _line_ends_changed(path: Path, chance: random.Random) -> None:
    old, new = chance.choice(((b"\n", b"\r\n"), (b"\n", b"\r"), (b"\n", b"\n\n"), (b"\n", b"")))
    most = chance.choice((1, 5, -1))
    path.write_bytes(path.read_bytes().replace(old, new, most))


def _garbage_inserted(path: Path, chance: random.Random) -> None:
    odd = (b"\x00", b"\xff\xfe", b",,,,,,", b"x" * 3_000_000, b"1e309", b"9" * 400, b"-1", b"../../etc", b"\n\n\n",
           "\u202e😀".encode(), b"=cmd()", b"NaN", b"2025-02-30", b"9999-12-31",
           b"';drop table students;--")  # fmt: skip
    _insert(path, chance, chance.choice(odd))


def _files_exchanged(path: Path, chance: random.Random) -> None:
    other = chance.choice(sorted(path.parent.iterdir()))
    data = path.read_bytes()
    path.write_bytes(other.read_bytes())
    other.write_bytes(data)


def _packed(path: Path, chance: random.Random) -> None:
    if path.suffix == ".csv":
        data = gzip.compress(path.read_bytes())
        path.with_name(f"{path.name}.gz").write_bytes(data[: len(data) - chance.choice((0, 0, 1, 9))])
        path.unlink()


def _as_parquet(path: Path, chance: random.Random) -> None:
    with contextlib.suppress(duckdb.Error), duckdb.connect() as connection:
        kinds = chance.choice(("all_varchar=true", "auto_detect=true"))
        connection.execute(f"copy (from read_csv('{path}', {kinds})) to '{path.with_suffix('.parquet')}'")
        path.unlink()
        _bytes_flipped(path.with_suffix(".parquet"), chance) if chance.random() < 0.5 else None


HARMS: tuple[Callable[[Path, random.Random], None], ...] = (
    _bytes_flipped, _bytes_flipped, _cut_off, _rows_dropped, _rows_dropped, _rows_doubled, _rows_shuffled,
    _columns_swapped, _columns_swapped, _column_lost, _encodings_mixed, _encodings_mixed, _quote_opened,
    _line_ends_changed, _garbage_inserted, _garbage_inserted, _files_exchanged, _packed, _as_parquet,
)  # fmt: skip


def _insert(path: Path, chance: random.Random, text: bytes) -> None:
    data = path.read_bytes()
    place = chance.randrange(len(data) + 1)
    path.write_bytes(data[:place] + text + data[place:])


def _change_lines(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(change(lines)))


def try_one(feeds: Path, home: Path, out: Path, seed: int, tally: Tally) -> None:
    """Damage a feed, bring it in, and look at what came of it; the home is put back as it was."""
    done = mutated(feeds, out, seed)
    before, begin = _tree(home), time.process_time()  # a machine may be busy or halted
    spare = home.with_name("spare")
    shutil.copytree(home, spare)
    try:
        with _told(seed, done, tally):
            _judge(_ingest(out, home), before, home, tally)
        if time.process_time() - begin > MOST_SECONDS:
            tally.failures.append((seed, done, "took more than a minute of processor time"))
        if _is_half(home, before):
            tally.failures.append((seed, done, "left the home half changed"))
    finally:
        shutil.rmtree(home)
        spare.rename(home)


@contextlib.contextmanager
def _told(seed: int, done: str, tally: Tally) -> Iterator[None]:
    try:
        yield
    except EwsError as refusal:
        tally.refused += 1
        tally.words[" ".join(word for word in str(refusal).split()[:9] if word.isalpha())] += 1
    except Exception as error:  # whatever else comes is what this looks for
        tally.failures.append((seed, done, f"{type(error).__name__}: {str(error)[:300]}"))


def _judge(report: IngestReport, before: dict[str, str], home: Path, tally: Tally) -> None:
    for name, counts in report.counts.items():
        assert counts.read == counts.accepted + counts.rejected + counts.duplicates, f"counts of {name} do not add up"
    students = duckdb.sql(f"select count(*) from '{report.folder}/students.parquet'").fetchall()[0][0]
    assert students == report.counts["students"].accepted, "students taken are not those written"
    assert json.loads((home / "current_tables.json").read_text())["id"] == report.id
    if report.already_known and _tree(home) == before:
        tally.unchanged += 1
    else:
        tally.taken += 1


def _is_half(home: Path, before: dict[str, str]) -> bool:
    after = _tree(home)
    pointer = after["current_tables.json"] != before["current_tables.json"]
    new = {name for name in after if name not in before and not name.startswith("refused/")}
    lost = [name for name in before if name not in after]
    leftover = any(".tmp-" in name or ".working-" in name for name in after)
    return leftover or bool(lost) or (bool(new - {"withdrawn.parquet"}) and not pointer)


def _tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _ingest(folder: Path, home: Path) -> IngestReport:
    there = Home(home)
    is_sheet = any(path.name.startswith("sheet.") for path in folder.iterdir())
    sheet = next((path for path in sorted(folder.iterdir()) if path.name.startswith("sheet.")), folder)
    mapping = folder / "map.toml" if (folder / "map.toml").exists() else None
    with there.locked():
        return ingest(sheet if is_sheet else folder, there, source="yearly" if is_sheet else "flat", column_map=mapping)


def main() -> None:
    """Try so many damaged feeds, print what came of them, and end with 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=0)
    options = parser.parse_args()
    tally, begin = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ews-fuzz-") as name:
        feeds, home = good_feed(Path(name))
        for seed in range(options.first_seed, options.first_seed + options.inputs):
            try_one(feeds, home, Path(name) / "tried", seed, tally)
    print(
        f"{options.inputs:,} damaged feeds in {time.monotonic() - begin:.0f} s: {tally.refused:,} refused in words, "
        f"{tally.taken:,} taken, {tally.unchanged:,} unchanged, {len(tally.failures):,} failures"
    )
    for words, number in tally.words.most_common(25):
        print(f"  {number:6,}  {words}")
    for seed, done, wrong in tally.failures[:50]:
        print(f"FAILED seed {seed}: {done}: {wrong}")
    raise SystemExit(bool(tally.failures))


if __name__ == "__main__":
    main()
