"""A new user of the running service: a link, a password, a code, a list that opens in a spreadsheet (A09, A11, E04)."""

import io
import os
import re
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest
from openpyxl import load_workbook

from tests.browsers import hidden_fields
from tests.functional.conftest import Service, alone, ews

LOGIN = f"ida-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
"""One account a test process: they share the home."""

PASSWORD = "violet tractor under seven moons 4711"
CODE = re.compile(r"^\d{6}$")


@dataclass
class Clerk:
    """Somebody at a browser, and every secret that went through it."""

    browser: httpx.Client
    link: str
    totp: str = ""

    def post(self, path: str, form: dict[str, str]) -> httpx.Response:
        return self.browser.post(path, data=form, headers={"Sec-Fetch-Site": "same-origin"})

    @property
    def secrets(self) -> list[str]:
        return [PASSWORD, self.link.partition("=")[2], *self.browser.cookies.values()]


@pytest.fixture(scope="module")
def clerk(service: Service, places: dict[str, list[str]]):
    """A school lead who got a link by hand, with a password and a second factor; nobody else's link is touched."""
    with alone(service.home.path.parent):
        told = ews("staff", "add", LOGIN, "--name", "Ida Berg", "--url", service.url, "--home", service.home.path)
        at = ("--role", "school_lead", "--school", min(places), "--home", service.home.path)
        ews("staff", "grant", LOGIN, *at, "--by", "Ana Reyes", "--why", "leads the school")
    address = urlsplit(next(line.strip() for line in told.splitlines() if "/set-up" in line))
    with httpx.Client(base_url=service.url, trust_env=False, timeout=60) as browser:
        made = Clerk(browser, f"{address.path}?{address.query}")
        held = hidden_fields(browser.get(made.link).text)
        made.totp = held["totp_secret"]
        code = pyotp.TOTP(made.totp).now()
        done = made.post("/set-up", held | {"password": PASSWORD, "again": PASSWORD, "code": code})
        assert done.status_code == 303, done.text
        yield made


def test_the_list_of_the_own_school_opens_in_a_spreadsheet_with_its_zeros_E04(
    clerk: Clerk, places: dict[str, list[str]]
):
    schools = [one["school_id"] for one in clerk.browser.get("/v1/schools").json()["schools"]]
    assert len(schools) == 1
    file = clerk.browser.get(f"/v1/schools/{schools[0]}/export", params={"format": "xlsx"})
    assert file.status_code == 200
    cells = [cell for row in load_workbook(io.BytesIO(file.content)).active.iter_rows() for cell in row]
    shown = {str(cell.value) for cell in cells if cell.data_type == "s"}
    assert places[schools[0]]
    assert set(places[schools[0]]) <= shown
    assert not [cell for cell in cells if cell.data_type == "f"]


def test_another_school_does_not_exist_for_the_clerk(clerk: Clerk, places: dict[str, list[str]]):
    own = clerk.browser.get("/v1/schools").json()["schools"][0]["school_id"]
    other = next(school for school in places if school != own)
    assert clerk.browser.get(f"/v1/schools/{other}/risk-list").status_code == 404


def test_the_link_opens_once_A09(clerk: Clerk):
    assert clerk.browser.get(clerk.link).status_code == 404


def test_signing_in_again_needs_password_and_a_fresh_code(clerk: Clerk, service: Service):
    with httpx.Client(base_url=service.url, trust_env=False, timeout=60) as browser:
        other = Clerk(browser, clerk.link)
        form = {"login": LOGIN, "password": PASSWORD, "code": ""}
        assert other.post("/sign-in", form).status_code == 401
        assert other.post("/sign-in", form | {"code": next_code(clerk.totp)}).status_code == 303
        assert browser.get("/v1/me").json()["login"] == LOGIN


def next_code(secret: str) -> str:
    """The code of the next half minute, which is taken already and was not used yet."""
    code = pyotp.TOTP(secret).at(int(time.time()) + 30)
    assert CODE.match(code)
    return code


def test_no_secret_is_in_a_log_or_in_a_file_of_the_home_A11(clerk: Clerk, service: Service):
    files = [path for path in service.home.path.glob("*.db*") if path.name.startswith(("store", "audit"))]
    assert {path.name for path in files} >= {"store.db", "audit.db"}
    kept = b"".join(path.read_bytes() for path in files) + service.log.read_bytes()
    assert len(clerk.secrets) >= 4
    for secret in (*clerk.secrets, service.token):
        assert len(secret) > 20
        assert secret.encode() not in kept


def test_who_saw_the_list_is_told_to_the_operator_PRV_4(clerk: Clerk, service: Service, places: dict[str, list[str]]):
    own = clerk.browser.get("/v1/schools").json()["schools"][0]["school_id"]
    clerk.browser.get(f"/v1/schools/{own}/risk-list")
    with alone(service.home.path.parent):
        report = ews("access-report", places[own][0], "--home", service.home.path)
        assert "each as it was written" in ews("audit-log", "verify", "--home", service.home.path)
    assert re.search(rf"{LOGIN} +school_lead +risk_list +shown +school", report)
