"""Thousands of requests that the API's description allows, or just forbids: no 5xx, no answer against its schema."""

import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from tests.cast import ANA, DANA, JUN, LEA, NOOR
from tests.services import RUN_ID, Running, run_service
from tests.stores import DATABASES

EACH = 75
"""Cases of each kind for each address."""

LEAST_CASES = 1_200
"""On each database."""
REAL = {
    "student_key": [one.key for one in (ANA, JUN, NOOR, LEA)],
    "school_id": ["014", "022", "901"],
    "run_id": [RUN_ID],
}  # fmt: skip

NAMES = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "negative_data_rejection", "ignored_auth",
)  # fmt: skip


@contextlib.contextmanager
def listening(running: Running) -> Iterator[str]:
    """The application behind a real socket; its address."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        config = uvicorn.Config(running.app, log_level="error", lifespan="off", access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module", params=DATABASES)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str]]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    running = run_service(folder, request.param, with_model=True)
    with listening(running) as url:
        yield running, url
    running.service.close()


def test_no_request_that_can_be_described_breaks_the_service_or_its_description(served: tuple[Running, str]):
    running, url = served
    headers = {"Authorization": f"Bearer {running.tokens[DANA.login]}"}
    description = requests.get(f"{url}/openapi.json", headers=headers, timeout=10).json()
    schema = schemathesis.openapi.from_dict(description)
    checks = [CHECKS.get_one(name) for name in NAMES]
    answered: Counter[int] = Counter()
    for found in schema.get_all_operations():
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            operation = found.ok()
            if mode is GenerationMode.POSITIVE or list(operation.iter_parameters()) or operation.body:
                _ask(operation, mode, url, headers, checks, answered)
    assert sum(answered.values()) >= LEAST_CASES
    assert {200, 404, 422} <= set(answered)
    assert not [status for status in answered if status >= 500]


def _ask(operation: Any, mode: GenerationMode, url: str, headers: dict, checks: list, answered: Counter[int]) -> None:
    @settings(
        max_examples=EACH, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def ask(case: Any, data: Any) -> None:
        for name in set(case.path_parameters or {}) & set(REAL):
            if mode is GenerationMode.POSITIVE and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(REAL[name]))
        response = case.call(base_url=url, headers=headers)
        answered[response.status_code] += 1
        case.validate_response(response, checks=checks, headers=headers)

    ask()
