"""A home made by hand: one scoring run of two schools, and a promoted bundle of three features."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest

from ews.bundle import write_bundle
from ews.dataset import Dataset
from ews.home import Home, read_json, to_json, write_atomically
from ews.model import Parameters, fit
from ews.policy import Policy
from ews_serve import Settings, create_app

TOKEN = "token-of-the-test"
FEATURE_NAMES = ("days_absent_last_year", "absence_rate_last_year", "days_enrolled_last_year")
CALM, AWAY = (
    {"absence_rate_last_year": 0.01, "days_absent_last_year": 2, "days_enrolled_last_year": 180},
    {"absence_rate_last_year": 0.2, "days_absent_last_year": 36, "days_enrolled_last_year": 180},
)

Client = Callable[..., httpx.Response]


def listed(rank: int, student_id: str, school_id: str, risk: float) -> dict[str, Any]:
    return {
        "rank": rank, "student_id": student_id, "school_id": school_id, "grade_level": "03", "risk": risk,
        "probability_08": min(1.0, risk + 0.1), "probability_10": risk, "lane": "prevent", "band_last_year": "at risk",
        "last_school_year": 2026, "days_absent_last_year": 9, "days_enrolled_last_year": 180,
        "reason_1": "Missed 9 of 180 days. Raises the estimate.", "reason_2": "", "reason_3": "", "lowering_reason": "",
    }  # fmt: skip


def explained(row: dict[str, Any]) -> dict[str, Any]:
    same = {name: row[name] for name in ("student_id", "school_id", "reason_1", "reason_2", "reason_3")}
    amounts = {"base": -2.0, "raw_score": -1.5, "contribution_recent_level": 0.5, "contribution_trend": 0.0}
    return {**same, "lowering_reason": "", **amounts, **CALM, "days_absent_year_before": float("nan")}


def write_run(home: Home, run_id: str, rows: list[dict[str, Any]]) -> None:
    folder = home.scoring_runs / run_id
    folder.mkdir(parents=True)
    pd.DataFrame(rows).to_parquet(folder / "risk_list.parquet", index=False)
    pd.DataFrame([explained(row) for row in rows]).to_parquet(folder / "explanations.parquet", index=False)
    provenance = {"run_id": run_id, "target_year": 2027, "after_day": 0, "model_version": 1, "bundle_sha256": "0" * 64}
    write_atomically(folder / "provenance.json", to_json({**provenance, "made_with": "ews", "counts": {}}))
    write_atomically(home.current_scoring_run, to_json({"run_id": run_id}))


def pin(home: Home, run_id: str, version: int, sha256: str) -> None:
    """Say that a run was made with this model."""
    path = home.scoring_runs / run_id / "provenance.json"
    write_atomically(path, to_json({**read_json(path), "model_version": version, "bundle_sha256": sha256}))


def write_tokens(home: Home, *tokens: str) -> Path:
    path = home.path / "service_tokens.json"
    hashes = [hashlib.sha256(token.encode()).hexdigest() for token in tokens]
    write_atomically(
        path, json.dumps([{"sha256": value, "created": "2026-08-01", "label": "test"} for value in hashes])
    )
    path.chmod(0o600)
    return path


def small_dataset(rows: int = 400) -> Dataset:
    random = np.random.default_rng(7)
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
    frame = frame.assign(**outcomes, outcome_is_chronic=days * 10 >= 180)
    return Dataset(frame, FEATURE_NAMES, 0)


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    model = fit(small_dataset(), Parameters(rounds=10, threads=1), Policy())
    typical = {name: {"03": 9.0} for name in FEATURE_NAMES}
    return folder, write_bundle(folder, model, {}, Policy(), typical, {"district": "test"})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a token and a scoring run, and without a model."""
    home = Home(tmp_path / "home")
    rows = [listed(1, "007", "A", 0.6), listed(2, "=8", "A", 0.2), listed(1, "9", "B", 0.3)]
    write_run(home, "run-1", rows)
    write_tokens(home, TOKEN)
    return home


@pytest.fixture
def promoted(home: Home, bundle_folder: tuple[Path, str]) -> Home:
    """The same home with a promoted model, which made its scoring run."""
    folder, sha256 = bundle_folder
    home.bundles.mkdir()
    for file in folder.iterdir():
        write_atomically(home.bundles / sha256 / file.name, file.read_text(encoding="utf-8"))
    write_atomically(home.champion, to_json({"version": 3, "bundle_sha256": sha256}))
    pin(home, "run-1", 3, sha256)
    return home


@pytest.fixture
def client(home: Home) -> Client:
    """Sends one request to the application on `home`, by default with the token."""
    return client_of(
        create_app(Settings(home.path, hosts=("ews.test",), max_body_bytes=50_000, body_timeout_seconds=0.2))
    )


def client_of(app: Any) -> Client:
    def send(method: str, path: str, token: str | None = TOKEN, **what: Any) -> httpx.Response:
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **what.pop("headers", {})}

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://ews.test") as client:
                return await client.request(method, path, headers=headers, **what)

        return asyncio.run(once())

    return send
