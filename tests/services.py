"""The service on the cast: a published list of their schools, a token for everybody, a frozen clock, and requests."""

import asyncio
import atexit
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import numpy as np
import pandas as pd
from sqlalchemy import insert

from ews.absence import BANDS
from ews.access import AccessPolicy
from ews.bundle import bundle_folder, write_bundle
from ews.dataset import Dataset
from ews.home import Home
from ews.model import Model, Parameters, fit
from ews.policy import Policy
from ews.store.audit_log import open_audit_log
from ews.store.keys import SCOPES, make_token
from ews.store.opening import Store, open_store
from ews.store.schema import ASSIGNMENTS, EXCLUSIONS, HISTORIES, IN_FORCE, MENTOR_SCHOOLS, MENTORS, RISK_ROWS, RUNS
from ews_serve import Service, Settings, create_app
from ews_serve.live import LiveModels
from ews_serve.measures import Measures
from tests import cast
from tests.histories import attendance_of
from tests.stores import store_with_cast

HOST = "ews.test"
RUN_ID = "899477c468015177"
FEATURE_NAMES = ("days_absent_last_year", "absence_rate_last_year", "days_enrolled_last_year")
LISTED = tuple(one for one in cast.STUDENTS if not one.do_not_score and one.withdrawn_on is None)

Client = Callable[..., httpx.Response]


@dataclass(frozen=True)
class Running:
    """The application with what it answers from.

    Attributes:
        app: the application.
        service: its store, log and clock.
        tokens: by login, a token with every scope.
    """

    app: Any
    service: Service
    tokens: dict[str, str]

    def client(self, who: cast.CastStaff | None) -> Client:
        """Sends requests as somebody; as nobody where None."""
        return client_of(self.app, self.tokens[who.login] if who else None)


def run_service(
    folder: Path,
    database: str = "sqlite",
    *,
    with_model: bool = False,
    now: Callable[[], datetime] = lambda: cast.NOON,
    **settings: Any,
) -> Running:
    """The service on a store with the cast and a published list; its clock stands still, or is what a test moves."""
    home = Home(folder / "home")
    if database == "sqlite":
        made, tokens = _made(with_model)
        shutil.copytree(made, home.path)
        store = open_store(home.path)
    else:
        home.path.mkdir()
        store = store_with_cast(database, home.path)
        tokens = move_list_in(store, keep_model(home) if with_model else "0" * 64)
    # The log is a file of its own for every test, whatever the store is: it is append-only and cannot be emptied.
    service = Service(
        settings=Settings(home.path, hosts=(HOST, "127.0.0.1"), **settings),
        store=store,
        audit=open_audit_log(home.path),
        live=LiveModels(home.path),
        measures=Measures(),
        policy=AccessPolicy(),
        now=now,
    )
    return Running(create_app(service), service, tokens)


@cache
def _made(with_model: bool) -> tuple[Path, dict[str, str]]:
    """A home with everything in it, made once and copied for each test, and its tokens."""
    folder = Path(tempfile.mkdtemp(prefix="ews-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    home = Home(folder / "home")
    home.path.mkdir()
    store = store_with_cast("sqlite", home.path)
    tokens = move_list_in(store, keep_model(home) if with_model else "0" * 64)
    store.close()
    open_audit_log(home.path).close()
    return home.path, tokens


def move_list_in(store: Store, bundle_sha256: str) -> dict[str, str]:
    """Publish a list of every student who may be listed, and make a token for everybody with every scope."""
    with store.writing() as connection:
        add_run(connection, RUN_ID, bundle_sha256)
        histories = [{"student_key": one.key, "fingerprint": "0" * 32,
                      "attendance": attendance_of(one) if one in cast.AT_ORCHARD else attendance()}
                     for one in cast.STUDENTS if one.withdrawn_on is None]  # fmt: skip
        connection.execute(insert(HISTORIES), histories)
        move_mentor_in(connection)
        return {
            one.login: make_token(
                connection, one.key, name="tests", scopes=SCOPES, at=cast.NOON,
                expires_at=cast.NOON + timedelta(days=1),
            )[1]
            for one in cast.STAFF
        }  # fmt: skip


def add_run(connection: Any, run_id: str, bundle_sha256: str, published_at: datetime = cast.NOON) -> None:
    """A published run that is in force."""
    about = {"model_version": 3, "bundle_sha256": bundle_sha256, "target_year": 2027, "after_day": 0}
    more = {"list_sha256": "0" * 64, "students": len(LISTED), "published_at": published_at, "published_by": "tests"}
    through = date(2026, 6, 12)
    connection.execute(
        insert(RUNS), [{"run_id": run_id, **about, **more, "data_through": through, "provenance": json.dumps(about)}]
    )
    connection.execute(insert(RISK_ROWS), risk_rows(run_id))
    connection.execute(IN_FORCE.delete())
    connection.execute(insert(IN_FORCE), [{"one": 1, "run_id": run_id, "data_id": "d", "since": published_at}])


def move_mentor_in(connection: Any) -> None:
    """Sol mentors Ruby since September; Nia's family wants no mentor."""
    since = date(2026, 9, 8)
    mentor = {"mentor_key": str(UUID(int=1, version=4)), "mentor_id": "M1", "staff_key": cast.SOL.key,
              "name": cast.SOL.name, "kind": "staff", "caseload_cap": 3, "grade_levels": "[]", "languages": '["en"]',
              "interests": "[]", "screened_on": since, "trained_on": since, "starts_on": since}  # fmt: skip
    connection.execute(insert(MENTORS), [mentor])
    comes_to = {"mentor_key": mentor["mentor_key"], "school_id": cast.ORCHARD.school_id}
    connection.execute(insert(MENTOR_SCHOOLS), [comes_to])
    given = {"assignment_key": str(UUID(int=2, version=4)), "request_key": str(UUID(int=3, version=4)),
             "student_key": cast.RUBY.key, "mentor_key": mentor["mentor_key"], "seat": 1, "state": "active",
             "offered_on": since, "offered_by": cast.CORA.login, "why": "first of the list", "starts_on": since,
             "family_told_on": since, "consented_on": since, "assented_on": since}  # fmt: skip
    connection.execute(insert(ASSIGNMENTS), [given])
    opted_out = {"exclusion_key": str(UUID(int=4, version=4)), "student_key": cast.NIA.key, "kind": "opted_out",
                 "starts_on": since, "entered_by": cast.CORA.login, "why": "the family's wish"}  # fmt: skip
    connection.execute(insert(EXCLUSIONS), [opted_out])


def risk_rows(run_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for one in LISTED:
        school_id = one.stays[0].school_id
        rank = 1 + sum(row["school_id"] == school_id for row in rows)
        same = {"rank": rank, "grade_level": one.grade_level, "risk": 0.7 - rank / 20, "lane": "prevent",
                "days_absent_last_year": 9 + rank, "days_enrolled_last_year": 180}  # fmt: skip
        told = {"band_last_year": "at risk", "last_school_year": 2026, "lowering_reason": None,
                "reasons": [f"Missed {9 + rank} of 180 days in 2025-26. Raises the estimate."]}  # fmt: skip
        if one in cast.AT_ORCHARD:
            same, told = told_at_orchard(one, same, told)
        chances = {"08": max(0.8, same["risk"]), "10": same["risk"]}
        line = {**same, **told, "student_key": one.key, "probabilities": chances}
        numbers = {"base": -2.0, "raw_score": -1.5, "contributions": {"recent level": 0.5, "trend": 0.0}}
        rows.append({**same, "run_id": run_id, "student_key": one.key, "school_id": school_id,
                     "line": json.dumps(line), "explanation": json.dumps(numbers)})  # fmt: skip
    return rows


def told_at_orchard(one: cast.CastStudent, same: dict[str, Any], told: dict[str, Any]) -> tuple[Any, Any]:
    """What the list says of a student whose habit is known: the same days as the history."""
    same = {**same, "risk": one.risk}
    years = json.loads(attendance_of(one))["years"]
    last = next((year for year in years if year["school_year"] == 2026), None)
    if last is None or last["days_absent"] is None:
        unknown = {"days_absent_last_year": None, "days_enrolled_last_year": None}
        return same | unknown, told | {"band_last_year": None, "last_school_year": None, "reasons": []}
    absent, enrolled, rate = last["days_absent"], last["days_enrolled"], last["days_absent"] / last["days_enrolled"]
    days = {"days_absent_last_year": absent, "days_enrolled_last_year": enrolled}
    lane = "recover" if absent * 10 >= enrolled else "prevent"
    band = BANDS[(rate >= 0.05) + (rate >= 0.1) + (rate >= 0.2)]
    facts = f"Missed {absent} of {enrolled} days in 2025-26 (typical in grade 5 here: 9)."
    if one.risk is None or one.risk < 0.15:
        return same | days | {"lane": lane}, told | {
            "band_last_year": band, "reasons": [], "lowering_reason": f"{facts} Lowers the estimate."}  # fmt: skip
    fewer = "Missed 1 of the last 60 days of 2025-26 (typical in grade 5 here: 3). Lowers the estimate."
    monday = [f"Missed {last['weekdays']['1'][0]} of 36 Mondays in 2025-26 (typical in grade 5 here: 2). "
              "Raises the estimate."]  # fmt: skip
    reasons = [f"{facts} Raises the estimate.", *(monday if one.habit.startswith("mondays") else ())]
    return same | days | {"lane": lane}, told | {"band_last_year": band, "reasons": reasons, "lowering_reason": fewer}


def attendance() -> str:
    year = {"school_year": 2026, "school_id": "014", "grade_level": "02", "days_enrolled": 180, "days_absent": 9,
            "days_excused": 4, "days_unexcused": 5, "days_suspended": 0, "days_tardy": 2,
            "months": {"09": [1, 20]}, "weekdays": {"1": [3, 36]}}  # fmt: skip
    days = [["2026-01-09", "unexcused"], ["2026-02-11", "tardy"]]
    return json.dumps({"years": [year], "days": days, "days_enrolled_so_far": 30, "data_through": "2026-06-12"})


def keep_model(home: Home) -> str:
    """Put a bundle into the home, and give its hash."""
    folder = home.path / "written"
    typical = {name: {"03": 9.0} for name in FEATURE_NAMES}
    sha256 = write_bundle(folder, small_model(), {}, Policy(), typical, {"district": "test"})
    home.bundles.mkdir()
    folder.rename(bundle_folder(home, sha256))
    return sha256


@cache
def small_model() -> Model:
    """A model of three features."""
    random = np.random.default_rng(7)
    rows = 400
    absent = random.integers(0, 60, rows)
    frame = pd.DataFrame(
        {
            "student_id": [f"S{number}" for number in range(rows)],
            "school_id": [f"A{number % 8}" for number in range(rows)],
            "grade_level": ["03", "04"] * (rows // 2),
            "school_year": 2026,
            "absence_rate_last_year": absent / 180,
            "days_absent_last_year": absent.astype("float64"),
            "days_enrolled_last_year": random.integers(150, 181, rows).astype("float64"),
        }
    )
    days = np.clip(absent + random.integers(-8, 9, rows), 0, 180)
    outcomes = {
        f"outcome_reaches_{percent:02d}": days * 100 >= 180 * percent for percent in Policy().threshold_percents
    }
    frame = frame.assign(**outcomes, outcome_is_chronic=days * 10 >= 180, outcome_rate=days / 180)
    return fit(Dataset(frame, FEATURE_NAMES, 0), Parameters(rounds=10, threads=1), Policy())


def client_of(app: Any, token: str | None) -> Client:
    """Sends one request at a time to an application, with a token where there is one."""

    def send(method: str, path: str, **what: Any) -> httpx.Response:
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **what.pop("headers", {})}

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
                return await client.request(method, path, headers=headers, **what)

        return asyncio.run(once())

    return send


def without_id(response: httpx.Response) -> dict[str, Any]:
    """A problem without the one thing that differs from answer to answer."""
    return {name: value for name, value in response.json().items() if name != "correlation_id"}
