"""The commands of `serve/Containerfile` and `serve/compose.yaml`, run for real: the same words in this environment.

No container engine is asked for: what the image adds is a folder of packages first on the path, and variables.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml

from ews.store.upgrading import create_or_upgrade
from tests.docs.pages import read
from tests.postgres import new_database

PATIENCE_SECONDS = 120
SECRET = "/run/secrets/database_password"


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the image that is kept, with its words on one line."""
    text = re.sub(r"\\\n\s*", "", read("serve/Containerfile")).rpartition("\nFROM ")[2]
    lines = [line for line in text.splitlines()[1:] if line and not line.startswith("#")]
    return [(name, words) for name, _, words in (line.partition(" ") for line in lines)]


def image_environment() -> dict[str, str]:
    words = " ".join(words for name, words in instructions() if name == "ENV")
    return dict(word.split("=", 1) for word in words.split())


def image_command(instruction: str) -> list[str]:
    """The words of CMD, or of HEALTHCHECK's CMD."""
    (words,) = (words for name, words in instructions() if name == instruction)
    return [str(word) for word in json.loads(words[words.index("[") :])]


def environment(home: Path, port: int, **more: str) -> dict[str, str]:
    """As the image has it, but for where the home, the packages and the port are."""
    place = {"EWS_HOME": str(home), "EWS_PORT": str(port)}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"LANG": "C.UTF-8", **image_environment(), **place, "PATH": path, **more}


@contextmanager
def running(command: list[str], told: dict[str, str]) -> Iterator[str]:
    """The address, once the image's own health check says that it is well."""
    check = [word.replace("8000", told["EWS_PORT"]) for word in image_command("HEALTHCHECK")]
    with subprocess.Popen(command, env=told, stderr=subprocess.PIPE, text=True) as process:
        try:
            until = time.monotonic() + PATIENCE_SECONDS
            while subprocess.run(check, env=told, check=False, stderr=subprocess.DEVNULL).returncode:
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < until, "the health check never passed"
                time.sleep(0.2)
            yield f"http://127.0.0.1:{told['EWS_PORT']}"
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode in {0, -15}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_the_images_command_serves_and_its_health_check_tells_so(tmp_path: Path):
    create_or_upgrade(tmp_path).close()
    told = environment(tmp_path, free_port())
    refused = subprocess.run(image_command("HEALTHCHECK"), env=told, check=False, capture_output=True)
    assert refused.returncode != 0
    with running(image_command("CMD"), told) as address:
        assert httpx.get(f"{address}/livez", trust_env=False).json() == {"status": "alive"}
        assert httpx.get(f"{address}/readyz", trust_env=False).json()["checks"]["store"] is True


def test_compose_starts_two_workers_on_postgresql_with_the_password_from_its_file(tmp_path: Path):
    service = yaml.safe_load(read("serve/compose.yaml"))["services"]["service"]
    url = new_database()
    create_or_upgrade(url).close()
    password = tmp_path / "database_password"
    password.write_text("of no use where nobody is asked for one\n", encoding="utf-8")
    command = [word.replace("$$", "$").replace(SECRET, str(password)) for word in service["entrypoint"]]
    given = {name: value.replace("${EWS_NAME}", "ews.example") for name, value in service["environment"].items()}
    told = environment(tmp_path / "home", free_port(), **{**given, "EWS_STORE": url, "EWS_HOST": "127.0.0.1"})
    (tmp_path / "home").mkdir()
    with running([*command, *service["command"]], told) as address:
        checks = httpx.get(f"{address}/readyz", headers={"Host": "ews.example"}, trust_env=False).json()["checks"]
        assert (checks["store"], checks["audit_log"]) == (True, True)
        assert httpx.get(f"{address}/livez", headers={"Host": "evil.example"}, trust_env=False).status_code == 400
    password.unlink()
    without = subprocess.run([*command, *service["command"]], env=told, check=False, capture_output=True, timeout=60)
    assert without.returncode != 0
