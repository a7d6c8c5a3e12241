"""A school year unlike others is named in the policy, and no model learns what came of it."""

from pathlib import Path

import pytest

from ews.dataset import dataset_for, target_years_with_outcomes
from ews.errors import InvalidPolicy
from ews.policy import Policy
from ews.school_year import SchoolYear
from tests.districts import Day, District, Stay, absences, school_days, write_ingest

YEARS = (2024, 2025, 2026)
FLAGGED = Policy.from_toml("flagged_years = [2025]\nmin_days_enrolled = 1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    days: list[Day] = [day for year in YEARS for day in school_days("oak", year, 20)]
    stays = [Stay("ann", "oak", days[0].date, days[-1].date, "05")]
    return write_ingest(tmp_path_factory.mktemp("ingest"), District(days, stays, absences("ann", days[9::10])))


def test_outcomes_of_a_flagged_year_are_not_learned_I31(folder: Path) -> None:
    slack = {"closed_year_slack_days": 20, "min_days_enrolled": 1}
    usual = Policy(**slack)
    assert target_years_with_outcomes(folder, usual) == [SchoolYear(2025), SchoolYear(2026)]
    assert target_years_with_outcomes(folder, Policy(flagged_years=(2025,), **slack)) == [SchoolYear(2026)]


def test_what_is_known_of_a_flagged_year_is_still_history_I31(folder: Path) -> None:
    row = dataset_for(folder, [SchoolYear(2026)], FLAGGED, with_outcomes=False).frame.iloc[0]
    assert row["days_enrolled_last_year"] == 20
    assert row["last_school_year"] == 2025


def test_flagged_years_go_through_toml_and_must_be_years_I31() -> None:
    assert Policy.from_toml(FLAGGED.to_toml()) == FLAGGED
    assert FLAGGED.flagged_years == (2025,)
    with pytest.raises(InvalidPolicy, match="flagged_years must be school years"):
        Policy.from_toml('flagged_years = ["2025-26"]')
