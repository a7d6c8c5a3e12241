"""The service beside an empty FastAPI endpoint, in one run: `python -m benchmarks.service --home .demo`.

A store of 200 schools with 500 students each is made in a temporary folder; the model for live estimates is that of a
home in which `make demo` ran. Both servers run as one process each, with the same library of the same protocol, and are
asked in turns by a third process on as many connections, which stay open; its own processor seconds are printed.
"""

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sqlalchemy import insert

from benchmarks.load import get
from ews.access import Grant, Role
from ews.bundle import Bundle, bundle_folder, load_bundle
from ews.explainer import Explainer
from ews.home import Home, read_json
from ews.store.keys import SCOPES, make_token
from ews.store.opening import Store
from ews.store.people import add_staff, grant
from ews.store.schema import IN_FORCE, RISK_ROWS, RUNS, SCHOOLS, STAYS, STUDENTS
from ews.store.upgrading import create_or_upgrade

SCHOOLS_MADE, STUDENTS_EACH = 200, 500
HOST = "127.0.0.1"
RUN_ID = "be9c4"

EMPTY_APP = """
import sys
import uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
async def empty():
    return {}
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
"""


class Made(NamedTuple):
    """A store that was made: a token for each school's principal, and some students of the first schools."""

    tokens: list[str]
    students: list[list[str]]


class Server(NamedTuple):
    """A running server: its port and its process."""

    port: int
    pid: int

    def processor_seconds(self) -> float:
        """Spent by its process so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Make the store, start both servers, measure in turns, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=Path(".demo"), help="a home with a scoring run")
    parser.add_argument("--store", default="", help="PostgreSQL instead of SQLite: the URL of an empty database")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    _print_live(options.home)
    with tempfile.TemporaryDirectory(prefix="ews-bench-") as folder:
        made = make_store(Path(folder), options.store, options.home)
        with empty_server() as empty, ews_server(Path(folder), options.store) as served:
            _print_requests(Path(folder), empty, served, made, options)
            _print_term_start(served.port, made)


def make_store(folder: Path, url: str, home: Path) -> Made:
    """Fill a store with schools, students, their lists, and a principal with a token for each school."""
    begin = time.perf_counter()
    store = create_or_upgrade(url or folder)
    sha256 = _keep_bundle(home, folder)
    made = _fill(store, sha256)
    store.close()
    print(f"{SCHOOLS_MADE} schools of {STUDENTS_EACH} students, made in {time.perf_counter() - begin:.0f} s")
    return made


def _fill(store: Store, bundle_sha256: str) -> Made:
    now = datetime.fromtimestamp(time.time(), UTC)
    schools = [f"{number:05d}" for number in range(SCHOOLS_MADE)]
    keys = [
        [_key(random) for random in np.random.default_rng(n).integers(0, 2**63, (STUDENTS_EACH, 2))]
        for n in range(SCHOOLS_MADE)
    ]
    with store.writing() as connection:
        connection.execute(insert(SCHOOLS), [{"school_id": school, "name": f"School {school}"} for school in schools])
        about = {"model_version": 1, "bundle_sha256": bundle_sha256, "target_year": 2027, "after_day": 0}
        run = {**about, "run_id": RUN_ID, "data_through": date(2026, 6, 12), "list_sha256": "0" * 64,
               "students": SCHOOLS_MADE * STUDENTS_EACH, "provenance": json.dumps(about), "published_at": now,
               "published_by": "benchmark"}  # fmt: skip
        connection.execute(insert(RUNS), [run])
        connection.execute(insert(IN_FORCE), [{"one": 1, "run_id": RUN_ID, "data_id": "d", "since": now}])
        for school, of_school in zip(schools, keys, strict=True):
            _fill_school(connection, school, of_school)
        tokens = [_principal(connection, school, now) for school in schools]
    return Made(tokens, keys[:20])


def _fill_school(connection: Any, school: str, keys: Sequence[str]) -> None:
    stays, students, rows = [], [], []
    for rank, key in enumerate(keys, 1):
        students.append(
            {"student_key": key, "student_id": f"{school}{rank:04d}", "name": f"Student {rank}", "do_not_score": False}
        )
        stays.append({"student_key": key, "school_id": school, "entry_date": date(2022, 8, 22), "grade_level": "03"})
        same = {"rank": rank, "grade_level": "03", "risk": 1 / (rank + 1), "lane": "prevent",
                "days_absent_last_year": 17, "days_enrolled_last_year": 177}  # fmt: skip
        line = {**same, "student_key": key, "probabilities": dict.fromkeys(("08", "10", "12", "15", "20"), 0.25),
                "band_last_year": "at risk", "last_school_year": 2026, "reasons": list(_REASONS),
                "lowering_reason": "Is in grade 3. Lowers the estimate."}  # fmt: skip
        rows.append({**same, "run_id": RUN_ID, "student_key": key, "school_id": school,
                     "line": json.dumps(line), "explanation": json.dumps(_NUMBERS)})  # fmt: skip
    connection.execute(insert(STUDENTS), students)
    connection.execute(insert(STAYS), stays)
    connection.execute(insert(RISK_ROWS), rows)


_REASONS = (
    "Was away 116 separate times in 5 known school years through 2025-26, 13 in every 100 days (typical in grade 4 "
    "here: 3.9). Raises the estimate.",
    "Missed 268 of 893 days in 5 known school years through 2025-26, 30 of every 100 (typical in grade 4 here: 7). "
    "Raises the estimate.",
)
_GROUPS = ("recent level", "trend", "last weeks", "spells", "weekday pattern", "kind of absence", "moves and history")
_NUMBERS = {
    "base": -1.234567890123,
    "raw_score": 0.234567890123,
    "contributions": dict.fromkeys(_GROUPS, 0.1234567890123),
}


def _principal(connection: Any, school: str, now: datetime) -> str:
    key = add_staff(connection, login=f"principal-{school}", name=f"Principal of {school}", at=now)
    granted = Grant(Role.SCHOOL_LEAD, date(2020, 1, 1), school_id=school)
    grant(connection, key, granted, by="benchmark", why="benchmark")
    return make_token(connection, key, name="benchmark", scopes=SCOPES, at=now, expires_at=now + timedelta(days=1))[1]


def _key(random: np.ndarray) -> str:
    text = f"{random[0]:016x}{random[1]:016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def _keep_bundle(home: Path, folder: Path) -> str:
    _, sha256 = _run_of(home)
    shutil.copytree(bundle_folder(Home(home), sha256), bundle_folder(Home(folder), sha256))
    return sha256


def _run_of(home: Path) -> tuple[Path, str]:
    place = Home(home)
    run = place.scoring_runs / str(read_json(place.current_scoring_run)["run_id"])
    return run, str(read_json(run / "provenance.json")["bundle_sha256"])


@contextlib.contextmanager
def empty_server() -> Iterator[Server]:
    """An endpoint that answers `{}`."""
    port = _free_port()
    with _running([sys.executable, "-c", EMPTY_APP, str(port)], port) as pid:
        yield Server(port, pid)


@contextlib.contextmanager
def ews_server(folder: Path, store: str) -> Iterator[Server]:
    """The service, as it is started in use."""
    port = _free_port()
    environment = {**os.environ, **({"EWS_STORE": store, "EWS_AUDIT": store} if store else {})}
    command = [sys.executable, "-m", "ews_serve", "--home", str(folder), "--port", str(port)]
    with _running(command, port, environment) as pid:
        yield Server(port, pid)


@contextlib.contextmanager
def _running(command: list[str], port: int, environment: dict[str, str] | None = None) -> Iterator[int]:
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(300):
                with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
                    break
                time.sleep(0.1)
            yield process.pid
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        return int(free.getsockname()[1])


def _asked(folder: Path, server: Server, requests: Sequence[bytes], options: argparse.Namespace) -> dict[str, Any]:
    plan, before = folder / "plan.json", server.processor_seconds()
    plan.write_text(
        json.dumps({"host": HOST, "port": server.port, "requests": [request.decode() for request in requests]})
    )
    words = ("--connections", str(options.connections), "--seconds", str(options.seconds))
    done = subprocess.run([sys.executable, "-m", "benchmarks.load", str(plan), *words], check=True, capture_output=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found | {
        "per_processor_second": found["requests"] / (server.processor_seconds() - before),
        "client": found["client_seconds"] / found["requests"] * 1e6,
    }


def _print_requests(folder: Path, empty: Server, served: Server, made: Made, options: argparse.Namespace) -> None:
    explanations = [
        get(HOST, f"/v1/students/{key}/explanation", token)
        for keys, token in zip(made.students, made.tokens, strict=False)
        for key in keys
    ]
    lists = [get(HOST, f"/v1/schools/{number:05d}/risk-list", made.tokens[number]) for number in range(SCHOOLS_MADE)]
    asked = {
        "empty endpoint": (empty, [get(HOST, "/")]),
        "explanation from the store": (served, explanations),
        "list of 500 students": (served, lists),
    }
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in asked}
    for _ in range(options.rounds):
        for name, (server, requests) in asked.items():
            found[name].append(_asked(folder, server, requests, options))
    print(f"\n{options.connections} connections, {options.rounds} rounds of {options.seconds:g} s in turns, medians")
    heads = (
        f"{'requests/s':>12}{'of empty':>10}{'per CPU s':>11}{'of empty':>10}{'p50 ms':>9}{'p99 ms':>9}{'of empty':>10}"
        f"{'client us':>11}"
    )
    print(f"{'':<28}{heads}  statuses")
    least = found["empty endpoint"]
    for name, rounds in found.items():
        _print_row(name, rounds, least)


def _print_row(name: str, rounds: list[dict[str, Any]], least: list[dict[str, Any]]) -> None:
    def middle(what: str) -> float:
        return statistics.median(one[what] for one in rounds)

    def ratio(what: str) -> float:
        return statistics.median(one[what] / base[what] for one, base in zip(rounds, least, strict=True))

    statuses = {status for one in rounds for status in one["statuses"]}
    print(
        f"{name:<28}{middle('per_second'):>12.0f}{ratio('per_second'):>9.2f}x"
        f"{middle('per_processor_second'):>11.0f}{ratio('per_processor_second'):>9.2f}x{middle('p50') * 1000:>9.1f}"
        f"{middle('p99') * 1000:>9.1f}{ratio('p99'):>9.1f}x{middle('client'):>11.0f}  {', '.join(sorted(statuses))}"
    )


def _print_term_start(port: int, made: Made) -> None:
    """Every school fetches its list at the same moment (W25)."""

    def fetch(number: int) -> tuple[float, int]:
        begin = time.perf_counter()
        with socket.create_connection((HOST, port), timeout=60) as connection:
            connection.sendall(get(HOST, f"/v1/schools/{number:05d}/risk-list", made.tokens[number]))
            status = int(connection.recv(12)[9:12])
            while connection.recv(1 << 16).find(b'"footer"') < 0:
                pass
        return time.perf_counter() - begin, status

    begin = time.perf_counter()
    with ThreadPoolExecutor(SCHOOLS_MADE) as pool:
        found = list(pool.map(fetch, range(SCHOOLS_MADE)))
    taken = sorted(seconds for seconds, _ in found)
    refused = sum(status != 200 for _, status in found)
    print(
        f"\n{SCHOOLS_MADE} schools at the same moment: all lists in {time.perf_counter() - begin:.1f} s, "
        f"slowest {taken[-1]:.1f} s, median {statistics.median(taken):.1f} s, {refused} refused"
    )


def _print_live(home: Path) -> None:
    """One student explained by the model, beside the model's contributions alone."""
    run, sha256 = _run_of(home)
    bundle: Bundle = load_bundle(bundle_folder(Home(home), sha256), sha256)
    names = list(bundle.model.feature_names)
    x = pd.read_parquet(run / "explanations.parquet")[names].astype("float64").head(500)
    rows = [{str(n): None if v != v else v for n, v in row.items()} for row in x.to_dict("records")]
    arrays = [x.iloc[[number]].to_numpy() for number in range(len(x))]
    explainer = Explainer(bundle.model, bundle.typical, bundle.policy)
    explainer.explain(rows[0], "03", 2026)
    alone, explained = [], []
    for array, row in zip(arrays, rows, strict=True):
        begin = time.perf_counter()
        bundle.model.booster.predict(array, pred_contrib=True, num_threads=1)
        middle = time.perf_counter()
        explainer.explain(row, "03", 2026)
        alone.append(middle - begin)
        explained.append(time.perf_counter() - middle)
    print(
        f"live explanation of one student: {statistics.median(explained) * 1e3:.2f} ms, "
        f"{statistics.median(explained) / statistics.median(alone):.2f}x of Booster.predict(pred_contrib=True) alone, "
        f"{statistics.median(alone) * 1e3:.2f} ms"
    )


if __name__ == "__main__":
    main()
