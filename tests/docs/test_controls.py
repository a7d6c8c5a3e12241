"""Pages for a reviewer name tests that are there: controls (SEC-2, SEC-3, SEC-7), law (GOV-2), risks (GOV-4)."""

import ast
import re
import tomllib
from functools import cache

import pytest

from ews.access import AccessPolicy
from ews.access.rights import LEAST_LOG_DAYS
from tests.docs.pages import ROOT, read, table

PAGE = read("docs/controls.md")
NIST, API, ASVS, AI_ACT = "NIST SP 800-53", "OWASP API Security Top 10, 2023", "OWASP ASVS 5.0", "EU AI Act"

ASKED = {
    NIST: "AC-3 AC-6 AU-2 AU-9 SI-10 SC-28",
    API: "API1 API3 API4 API5",
    ASVS: (
        "1.2.10 1.5.2 5.2.1 5.3.2 7.3.1 7.4.1 8.2.1 8.2.2 8.2.3 8.3.1 11.2.4 14.2.1 14.2.7 14.3.2 15.3.1 15.3.3 "
        "16.2.5 16.3.2 16.4.1 16.4.2 16.5.1 16.5.3"
    ),
}
"""What the requirements ask of each catalogue: SEC-2, SEC-3 to SEC-6, SEC-7."""

SIX_MONTHS = 184


@cache
def known_tests(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def named_tests(cell: str) -> list[tuple[str, str]]:
    return re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", cell)


def missing(rows: list[dict[str, str]]) -> list[str]:
    """Lines that name no test, and tests that are not there."""
    bare = [str(row) for row in rows if not named_tests(row["tests"])]
    named = [pair for row in rows for pair in named_tests(row["tests"])]
    return bare + [f"{file}::{name}" for file, name in named if name not in known_tests(file)]


@pytest.mark.parametrize("catalogue", ASKED)
def test_every_control_that_is_asked_for_has_its_line_SEC_2_SEC_3_SEC_7(catalogue: str):
    first = next(iter(table(PAGE, catalogue)[0]))
    told = [row[first].split()[0] for row in table(PAGE, catalogue)]
    assert len(told) == len(set(told))
    assert set(ASKED[catalogue].split()) <= set(told)


@pytest.mark.parametrize("catalogue", [*ASKED, AI_ACT])
def test_every_line_of_controls_names_tests_that_are_there_SEC_2_SEC_7_GOV_2(catalogue: str):
    assert missing(table(PAGE, catalogue)) == []


def test_the_class_of_the_use_is_for_the_deployers_counsel_and_each_duty_has_its_line_GOV_2():
    section = " ".join(PAGE.split(f"## {AI_ACT}\n")[1].split("\n## ")[0].split())
    assert "for the deployer's counsel to say" in section
    assert "built as if it were high-risk" in section
    duties = [row["article"] for row in table(PAGE, AI_ACT)]
    for duty in ("12, 26 logs", "13 instructions", "understand", "automation bias", "override", "stop", "86 "):
        assert any(duty in one for one in duties), duty


def test_no_district_can_choose_to_keep_the_log_for_less_than_six_months_GOV_2():
    assert LEAST_LOG_DAYS >= SIX_MONTHS


def test_every_risk_says_what_is_left_who_decides_and_which_tests_hold_the_rest_GOV_4():
    register = table(read("docs/risks.md"), "The register")
    assert len(register) >= 10
    assert [row["risk"] for row in register if not all(row.values())] == []
    assert missing(register) == []


def test_card_risks_and_changes_go_with_every_release_GOV_4():
    """CI runs `make test`: this, tests/docs/test_models.py for the card, and the links between the three."""
    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    newest = re.findall(r"^## (.+)$", read("CHANGELOG.md"), re.MULTILINE)[0]
    assert newest == "Unreleased" or newest.startswith(version)
    risks = read("docs/risks.md")
    assert "models/model-card.md" in risks
    assert "CHANGELOG.md" in risks
    assert "make test" in read(".ci/run")


def test_a_data_agreement_is_told_who_processes_how_it_is_encrypted_and_what_it_is_never_used_for_PRV_16():
    answers = {row["asked"]: row["answer"] for row in table(read("SECURITY.md"), "For a data agreement")}
    assert answers["Who else processes the records (sub-processors)?"].startswith("None.")
    assert "TLS" in answers["Encryption on the way"]
    assert "disk" in answers["Encryption at rest"]
    assert f"{AccessPolicy().breach_hours} unless set" in answers["When something leaked, told within"]
    assert all(word in answers["Used for"] for word in ("sold", "advertising", "profile"))
