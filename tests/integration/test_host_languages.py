"""Whatever language, encoding and time zone the machine is set to, the same records give the same bytes (O16, O40).

The hosts differ in how they write a decimal, lower an I, encode a file and name a day. Names of the records have
letters that some of them cannot write.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest

from tests.homes import promoted_home, records
from tests.published import renamed

NAMES = ("Zoë O'Neill-\u0141ukasz", "\u0130lk\u0131n IŞIK", "陳大文", "Ñuño Àlvarez")  # dotted and dotless i: Turkish

USUAL = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}
HOSTS = {
    "of no language": {"LC_ALL": "C", "TZ": "Pacific/Kiritimati", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "turkish": {"LC_ALL": "tr_TR", "TZ": "Europe/Istanbul", "PYTHONUTF8": "0"},
}
ENCODING = "ISO-8859-9"
"""Of the Turkish host; its decimals have a comma, and the small letter of I has no dot."""

COMMANDS = """
import locale
import sys
from ews.cli import main

locale.setlocale(locale.LC_ALL, "")  # as a program that numbers and dates in the user's way would
feed, home, out, student = sys.argv[1:]
for words in (
    ["ingest", feed, "--home", home],
    ["score", "--target-year", "2027", "--home", home, "--out", out],
    ["publish", "--home", home, "--by", "Ana Reyes"],
    ["explain", student, "--home", home],
    ["access-report", student, "--home", home, "--by", "Ana Reyes"],
):
    try:
        main(words)
    except SystemExit as end:
        if end.code:
            raise
"""


@pytest.fixture(scope="module")
def languages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the Turkish language, for LOCPATH."""
    folder = tmp_path_factory.mktemp("languages")
    if not shutil.which("localedef") or not Path("/usr/share/i18n/locales/tr_TR").exists():
        pytest.skip("needs localedef and its sources (apt-get install locales)")
    subprocess.run(["localedef", "-i", "tr_TR", "-f", ENCODING, folder / "tr_TR"], check=True)
    return folder


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records, with names that not every encoding can write."""
    made = Path(shutil.copytree(records(), tmp_path_factory.mktemp("feed") / "records"))
    students = pd.read_csv(made / "students.csv", dtype=str, keep_default_na=False)
    is_asked_for = students["student_id"] == renamed()
    students.loc[is_asked_for, "name"] = NAMES[0]
    students.loc[students.index[~is_asked_for][1 - len(NAMES) :], "name"] = NAMES[1:]
    students.to_csv(made / "students.csv", index=False, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def expected(feed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    found = made_on(USUAL, feed, tmp_path_factory.mktemp("usual"))
    assert len(found) > 20
    assert set(NAMES) <= set(json.loads(found["names"]))
    return found


@pytest.mark.parametrize("host", HOSTS)
def test_the_same_records_give_the_same_bytes_on_a_host_O16(
    host: str, expected: dict[str, str], languages: Path, feed: Path, tmp_path: Path
):
    found = made_on(HOSTS[host] | {"LOCPATH": str(languages)}, feed, tmp_path)
    assert {name for name in expected | found if found.get(name) != expected.get(name)} == set()


def made_on(variables: dict[str, str], feed: Path, folder: Path) -> dict[str, str]:
    """What a host with these variables makes of the feed: name and content of every file, and the store."""
    home = promoted_home(folder / "home")
    run(variables, feed, home.path, folder / "out", renamed())
    return bytes_of(home.path, folder / "out")


def run(variables: dict[str, str], *words: object) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    command = [sys.executable, "-c", COMMANDS, *map(str, words)]
    done = subprocess.run(command, env=kept | variables, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")


def bytes_of(home: Path, out: Path) -> dict[str, str]:
    """Everything that an ingest, a list and its publication leave, by name."""
    tables = home / "tables" / json.loads((home / "current_tables.json").read_text(encoding="utf-8"))["id"]
    files = {
        f"{folder.name}/{file.relative_to(folder)}": sha256(file.read_bytes()).hexdigest()
        for folder in (tables, home / "scoring_runs", out)
        for file in folder.rglob("*")
        if file.is_file()
    }
    return files | published(home)


def published(home: Path) -> dict[str, str]:
    with closing(sqlite3.connect(home / "store.db")) as raw:
        keys = dict(raw.execute("select student_key, student_id from students"))
        names = sorted(name for (name,) in raw.execute("select name from students"))
        histories = sorted(
            (keys[key], told) for key, told in raw.execute("select student_key, attendance from histories")
        )
        lines = [
            (keys[key], line.replace(key, keys[key]), numbers)
            for key, line, numbers in raw.execute("select student_key, line, explanation from risk_rows")
        ]
    return {"names": json.dumps(names), "histories": json.dumps(histories), "lines": json.dumps(sorted(lines))}
