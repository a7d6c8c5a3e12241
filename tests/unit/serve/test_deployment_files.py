"""What lies in serve/ to start from: it names settings that exist, opens nothing it should not, and holds no secret."""

import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from ews_serve import Settings
from ews_serve.provider import ProviderSettings
from tests.docs.pages import ROOT, read

FILES = ("serve/compose.yaml", "serve/Containerfile", "serve/ews.service", "serve/nginx.conf")
NOT_SETTINGS = {"EWS_NAME", "EWS_TLS", "EWS_UPSTREAM"}
"""Of the proxy alone."""


@pytest.fixture
def services() -> dict[str, Any]:
    return yaml.safe_load(read("serve/compose.yaml"))["services"]


def settings() -> set[str]:
    of_service = {f"EWS_{field.name.upper()}" for field in fields(Settings)}
    return of_service | {f"EWS_OIDC_{field.name.upper()}" for field in fields(ProviderSettings)}


@pytest.mark.parametrize("file", FILES)
def test_every_variable_of_a_file_is_a_setting(file: str):
    named = set(re.findall(r"\bEWS_[A-Z_]+\b", read(file)))
    assert named - settings() - NOT_SETTINGS == set()


def test_the_page_names_every_setting():
    page = read("docs/deployment.md")
    assert {f"EWS_{field.name.upper()}" for field in fields(Settings)} <= set(re.findall(r"\bEWS_[A-Z_]+\b", page))


@pytest.mark.parametrize("file", FILES)
def test_no_file_holds_a_secret_A11(file: str):
    assert not re.findall(r"(?i)(password|secret|token)\s*[:=]\s*[A-Za-z0-9+/]{8,}", read(file))


KEYS = {
    "image", "build", "depends_on", "ports", "environment", "volumes", "networks", "restart", "entrypoint", "command",
    "secrets", "read_only", "tmpfs", "cap_drop", "security_opt", "healthcheck", "profiles",
}  # fmt: skip
"""Of a service, those of the Compose Specification that are used."""


def test_compose_names_only_what_it_declares_and_what_is_there(services: dict[str, Any]):
    whole = yaml.safe_load(read("serve/compose.yaml"))
    assert set(whole) == {"name", "services", "networks", "volumes", "secrets"}
    for name, one in services.items():
        assert set(one) <= KEYS, name
        assert ("image" in one) != ("build" in one), name
        assert set(one.get("depends_on", ())) <= set(services), name
        assert set(one["networks"]) <= set(whole["networks"]), name
        assert set(one.get("secrets", ())) <= set(whole["secrets"]), name
        assert all(isinstance(value, str) for value in one.get("environment", {}).values()), name
        for mounted in one.get("volumes", ()):
            source = mounted.split(":")[0] if not mounted.startswith("$") else ""
            is_there = source in whole["volumes"] or (ROOT / "serve" / source).exists()
            assert is_there, f"{name}: {mounted}"
        if "build" in one:
            context = ROOT / "serve" / one["build"]["context"]
            assert (context / one["build"]["dockerfile"]).is_file(), name
        for waited, how in dict(one["depends_on"]).items() if isinstance(one.get("depends_on"), dict) else ():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in services[waited], "nobody would ever be healthy"


def test_every_variable_of_compose_is_asked_for_where_it_is_missing():
    """`$$` is a dollar of the shell's; a variable without a default stops `docker compose` with our sentence, once."""
    text = read("serve/compose.yaml").replace("$$", "")
    used = re.findall(r"\$\{(\w+)(:\?[^}]+)?\}", text)
    assert text.count("$") - text.partition("name: ews")[0].count("$") == len(used)
    assert {name for name, _ in used} == {name for name, asked in used if asked} == {"EWS_NAME", "EWS_TLS"}


def test_what_the_image_copies_is_in_the_repository():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", read("serve/Containerfile"), re.MULTILINE)
    sources = [source for words in copied for source in words.split()]
    assert len(sources) > 4
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_only_the_proxy_is_reached_from_elsewhere_SEC_15(services: dict[str, Any]):
    open_to_others = {
        name: one["ports"] for name, one in services.items()
        if any(not str(port).startswith("127.0.0.1:") for port in one.get("ports", []))
    }  # fmt: skip
    assert open_to_others == {"proxy": ["443:443"]}
    assert "front" not in services["database"]["networks"] + services["mlflow"]["networks"]
    assert services["mlflow"]["profiles"] == ["training"]


def test_the_service_believes_only_its_proxy_and_answers_only_by_its_name_W18(services: dict[str, Any]):
    environment = services["service"]["environment"]
    told = {name: str(value).replace("${EWS_NAME}", "ews.example") for name, value in environment.items()}
    read_back = Settings.read({"EWS_HOME": "h", **told})
    assert read_back.hosts == ("ews.example", "localhost")
    assert read_back.proxies == ("172.30.0.0/24",)
    assert services["service"]["read_only"] is True


def test_the_proxy_overwrites_what_a_caller_claims_of_itself():
    proxy = read("serve/nginx.conf")
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in proxy
    assert "$proxy_add_x_forwarded_for" not in proxy
    assert "access_log off;" in proxy


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path):
    unit = tmp_path / "ews.service"
    unit.write_text(read("serve/ews.service").replace("/opt/ews/bin/python", "/bin/true"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False, timeout=60)
    assert [line for line in done.stderr.splitlines() if "ews.service" in line] == []


def test_the_image_runs_as_nobody_in_particular_and_installs_by_hash():
    image = read("serve/Containerfile")
    assert "USER ews" in image
    assert "--require-hashes" in image
    assert (ROOT / "requirements.lock").exists()
