"""How fast the pages of a school of 600 students are, and how heavy: `python -m benchmarks.pages`.

A store with one school is made in a temporary folder: every student has six years of attendance by month and weekday
and the marks of two years, every sixth was reached and has a plan. The service runs as in use; one client asks one
page after the other.
"""

import argparse
import http.client
import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import insert

from benchmarks.service import HOST, RUN_ID, Server, ews_server
from ews.access import Grant, Role
from ews.follow_up import Kind, WithWhom
from ews.school_year import SchoolYear
from ews.store.following_up import Author, NewContact, add_contact
from ews.store.keys import SCOPES, make_token
from ews.store.people import add_staff, grant
from ews.store.schema import HISTORIES, IN_FORCE, RISK_ROWS, RUNS, SCHOOLS, STAYS, STUDENTS
from ews.store.upgrading import create_or_upgrade

STUDENTS_MADE = 600
SCHOOL = "0001"
REACHED_EVERY = 6
GOAL_SECONDS, GOAL_BYTES = 0.150, 200_000


class Made(NamedTuple):
    """A token of the school's lead, and the students."""

    token: str
    students: list[str]


def main() -> None:
    """Make the store, start the service, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=40, help="how often each page is asked for")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ews-bench-") as folder:
        made = make_school(Path(folder))
        with ews_server(Path(folder), "") as served:
            _print(served, made, options.times)


def make_school(folder: Path) -> Made:
    """Fill a store with one school, its list, its histories and its follow-up."""
    store, now = create_or_upgrade(folder), datetime.fromtimestamp(time.time(), UTC)
    keys = [str(uuid.UUID(int=1_000 + number, version=4)) for number in range(STUDENTS_MADE)]
    with store.writing() as connection:
        connection.execute(insert(SCHOOLS), [{"school_id": SCHOOL, "name": "Benchmark School"}])
        about = {"model_version": 1, "bundle_sha256": "0" * 64, "target_year": 2027, "after_day": 30}
        run = {**about, "run_id": RUN_ID, "data_through": date(2026, 10, 2), "list_sha256": "0" * 64,
               "students": STUDENTS_MADE, "provenance": json.dumps(about), "published_at": now,
               "published_by": "benchmark"}  # fmt: skip
        connection.execute(insert(RUNS), [run])
        connection.execute(insert(IN_FORCE), [{"one": 1, "run_id": RUN_ID, "data_id": "d", "since": now}])
        _students(connection, keys)
        lead = add_staff(connection, login="lead", name="Lead of the school", at=now)
        granted = Grant(Role.SCHOOL_LEAD, date(2020, 1, 1), school_id=SCHOOL)
        grant(connection, lead, granted, by="benchmark", why="benchmark")
        by = Author(lead, "lead", now, now.date())
        for key in keys[::REACHED_EVERY]:
            told = NewContact(str(uuid.uuid4()), now.date(), Kind.CALL, WithWhom.FAMILY, next_step="Ask on Monday")
            add_contact(connection, key, told, by, SchoolYear(2027))
        token = make_token(connection, lead, name="b", scopes=SCOPES, at=now, expires_at=now + timedelta(days=1))[1]
    store.close()
    return Made(token, keys)


def _students(connection: Any, keys: Sequence[str]) -> None:
    random = np.random.default_rng(7)
    risks = sorted(random.beta(1.2, 2.2, len(keys)), reverse=True)
    students, stays, rows, histories = [], [], [], []
    for rank, (key, risk) in enumerate(zip(keys, risks, strict=True), 1):
        grade = f"{rank % 8 + 1:02d}"
        absent = int(random.poisson(17))
        students.append({"student_key": key, "student_id": f"S{rank:04d}", "name": f"Student Number {rank}",
                         "do_not_score": False})  # fmt: skip
        stays.append({"student_key": key, "school_id": SCHOOL, "entry_date": date(2022, 8, 22), "grade_level": grade})
        lane = "prevent" if absent < 18 else "recover"
        same = {"rank": rank, "grade_level": grade, "risk": float(risk), "lane": lane,
                "days_absent_last_year": absent, "days_enrolled_last_year": 180}  # fmt: skip
        line = {**same, "student_key": key, "probabilities": dict.fromkeys(("08", "10", "12", "15", "20"), 0.25),
                "band_last_year": "at risk", "last_school_year": 2026, "reasons": [_reason(absent)] * 3,
                "lowering_reason": _reason(absent)}  # fmt: skip
        rows.append({**same, "run_id": RUN_ID, "student_key": key, "school_id": SCHOOL, "line": json.dumps(line),
                     "explanation": "{}"})  # fmt: skip
        histories.append({"student_key": key, "attendance": _history(random, absent), "fingerprint": "0" * 32})
    connection.execute(insert(STUDENTS), students)
    connection.execute(insert(STAYS), stays)
    connection.execute(insert(RISK_ROWS), rows)
    connection.execute(insert(HISTORIES), histories)


def _reason(absent: int) -> str:
    return f"Was away {absent} separate times in 2025-26, 13 in every 100 days (typical in grade 4: 3.9). Raises it."


def _history(random: np.random.Generator, absent: int) -> str:
    months = {f"{month:02d}": [2, 19] for month in (8, 9, 10, 11, 12, 1, 2, 3, 4, 5)}
    weekdays = {str(day): [4, 36] for day in range(1, 6)}
    years = [
        {"school_year": year, "school_id": SCHOOL, "grade_level": "04", "days_enrolled": 180, "days_absent": absent,
         "days_excused": 9, "days_unexcused": 6, "days_suspended": 1, "days_tardy": 4, "months": months,
         "weekdays": weekdays} for year in range(2021, 2027)
    ]  # fmt: skip
    days = sorted(random.choice(np.arange(0, 280), size=2 * absent + 8, replace=False).tolist())
    marks = [[(date(2025, 8, 25) + timedelta(days=day)).isoformat(), "unexcused"] for day in days]
    return json.dumps({"years": years, "days": marks, "days_enrolled_so_far": 30, "data_through": "2026-10-02"})


def _print(served: Server, made: Made, times: int) -> None:
    path = f"/schools/{SCHOOL}"
    pages = {
        "list, first page": [path],
        "list, everyone by grade": [f"{path}?show=all&sort=grade"],
        "call list": [f"{path}/calls"],
        "student": [f"/students/{key}" for key in made.students],
        "sheet": [f"/students/{key}/sheet" for key in made.students],
    }
    connection = http.client.HTTPConnection(HOST, served.port, timeout=30)
    print(f"{'page':26} {'median':>9} {'95 in 100':>10} {'processor':>10} {'weight':>9}")
    for name, paths in pages.items():
        _measured(served, connection, made.token, name, [paths[number % len(paths)] for number in range(times)])
    print(f"goal: {GOAL_SECONDS * 1000:.0f} ms at the median and {GOAL_BYTES / 1000:.0f} kB for a list")


def _measured(
    served: Server, connection: http.client.HTTPConnection, token: str, name: str, paths: Sequence[str]
) -> None:
    _ask(connection, token, paths[0])
    before, seconds, weights = served.processor_seconds(), [], []
    for path in paths:
        begin = time.perf_counter()
        weights.append(_ask(connection, token, path))
        seconds.append(time.perf_counter() - begin)
    spent = (served.processor_seconds() - before) / len(paths)
    worst = sorted(seconds)[int(0.95 * (len(seconds) - 1))]
    print(
        f"{name:26} {statistics.median(seconds) * 1000:6.1f} ms {worst * 1000:7.1f} ms {spent * 1000:7.1f} ms "
        f"{max(weights) / 1000:6.0f} kB"
    )


def _ask(connection: http.client.HTTPConnection, token: str, path: str) -> int:
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}", "Accept": "text/html"})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, (path, answer.status)
    return len(body)


if __name__ == "__main__":
    main()
