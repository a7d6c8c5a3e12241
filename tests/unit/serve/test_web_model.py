"""The model's page: how often it was wrong in words and numbers, whether what it says comes true, for whom."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ews.home import Home
from ews.store.reading import Run, run_in_force
from ews_serve.web.evidence import evidence_of
from ews_serve.web.model import model_page
from tests import evidence
from tests.cast import DANA, INES, MO, NOON, ROSA, STUDENTS, TOMAS, VAL, WEI
from tests.services import Running, run_service

PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = run_service(tmp_path_factory.mktemp("model"), with_model=True)
    home = Home(running.service.settings.home)
    evidence.keep_evidence(home.evidence / next(home.bundles.iterdir()).name)
    yield running
    running.service.close()


@pytest.fixture
def run(shown: Running) -> Run:
    with shown.service.store.reading() as connection:
        found = run_in_force(connection)
    assert found is not None
    return found


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.parametrize("who", [DANA, WEI, ROSA, TOMAS, INES])
def test_it_says_how_often_it_was_wrong_in_words_and_numbers_FAIR_8_FAIR_9(shown: Running, who):
    text = text_of(shown.client(who)("GET", "/model", headers=PAGE).text)
    assert "Of the students on the lists, about 9 in 10 went on to miss a tenth" in text
    assert "about 2 in 10 were on a list" in text
    assert "86 of 100" in text
    assert "Its lists found more" in text
    assert "came true as often as was said" in text


@pytest.mark.parametrize("who", [MO, VAL])
def test_it_does_not_exist_for_who_has_no_view_of_runs(shown: Running, who):
    assert shown.client(who)("GET", "/model", headers=PAGE).status_code == 404


def test_small_groups_are_not_told_of_FAIR_5(shown: Running):
    text = text_of(shown.client(WEI)("GET", "/model", headers=PAGE).text)
    assert "New here" not in text
    assert re.search(r"nonbinary\s+hidden\s+hidden", text)


def test_no_student_is_on_it(shown: Running):
    text = shown.client(DANA)("GET", "/model", headers=PAGE).text
    assert not [one for one in STUDENTS if one.key in text or one.name in text]
    assert not re.search(r">S\d+<", text)


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.01, 0.03, "found more"), (-0.03, -0.01, "fewer"), (-0.01, 0.02, "not shown")]
)
def test_line_one_says_whether_it_beats_last_years_days_FAIR_8(tmp_path: Path, run: Run, low, high, said):
    home = Home(tmp_path)
    evidence.keep_evidence(home.evidence / run.bundle_sha256)
    evidence.differences(low, high).to_csv(home.evidence / run.bundle_sha256 / "differences.csv", index=False)
    assert said in model_page(run, evidence_of(home, run.bundle_sha256)).verdict


def test_bars_stand_beside_the_share_of_all_and_say_what_may_be_chance(tmp_path: Path, run: Run):
    home = Home(tmp_path)
    evidence.keep_evidence(home.evidence / run.bundle_sha256)
    gender, history = model_page(run, evidence_of(home, run.bundle_sha256)).gaps
    assert [bar.tick for bar in gender.bars] == [24.0, 24.0, None]
    assert gender.summary.endswith("may be chance.")
    assert history.summary.endswith("More than chance.")


def test_an_audit_made_anew_is_read_anew(tmp_path: Path, run: Run):
    home, folder = Home(tmp_path), Home(tmp_path).evidence / run.bundle_sha256
    evidence.keep_evidence(folder)
    assert evidence_of(home, run.bundle_sha256) is evidence_of(home, run.bundle_sha256)
    (folder / "audit.csv").unlink()
    assert model_page(run, evidence_of(home, run.bundle_sha256)).gaps == ()


def test_without_evidence_here_the_page_says_where_to_ask_UX_8(running: Running):
    text = running.client(WEI)("GET", "/model", headers=PAGE).text
    assert "not on this machine" in text
    assert '<svg class="plot' not in text


def test_the_read_is_in_the_log(shown: Running):
    shown.client(INES)("GET", "/model", headers=PAGE)
    found = shown.service.audit.between(NOON - timedelta(hours=1), NOON + timedelta(hours=1))
    assert ("ines.aumann", "runs") in [(one.entry.login, one.entry.view) for one in found]
