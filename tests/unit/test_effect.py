"""What mentoring did: registered before, estimated by what a round allows, told with what has to stand beside it."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from ews.cli import main
from ews.document import to_html
from ews.effect import (
    Registration,
    checked,
    difference_in_differences,
    discontinuity,
    distance_to_cut,
    in_words,
    lottery,
    minimum_detectable,
    plan,
    read_registration,
    register,
    regression_to_the_mean,
    students_needed,
    study,
)
from ews.effect.before_after import before_and_after
from ews.effect.differences import BINS
from ews.effect.estimate import OFFERED, TOOK
from ews.effect.page import as_json, report
from ews.effect.study import subgroups
from ews.errors import EffectRefused, NotEnoughData
from ews.policy import Policy
from ews.school_year import SchoolYear
from tests.rounds import round_of

POLICY = Policy()
REGISTERED = Registration("autumn", "2026-09-14", "2026-09-01T09:00:00+00:00", "Ada Reyes", subgroups=("grade_band",))
LOT = checked(round_of(1), POLICY)
CUT = checked(round_of(1, with_lot=False, students=8_000), POLICY)


def test_what_is_measured_is_registered_before_the_round_starts_or_refused_MEN_9():
    assert replace(REGISTERED, made_at="2026-09-13T23:59:00+00:00").starts == "2026-09-14"
    for late in ("2026-09-14T00:00:00+00:00", "2027-01-01T00:00:00+00:00"):
        with pytest.raises(EffectRefused, match="written down before a round starts"):
            replace(REGISTERED, made_at=late)


def test_before_and_after_cannot_be_registered_nor_estimated_MEN_9():
    with pytest.raises(EffectRefused, match="no design"):
        replace(REGISTERED, designs=("before and after",))
    with pytest.raises(EffectRefused, match="no effect of mentoring"):
        before_and_after(LOT)


@pytest.mark.parametrize(
    "change",
    [
        {"designs": ("discontinuity", "lottery")},
        {"designs": ()},
        {"outcome": "chronic absence"},
        {"horizon": "next month"},
        {"covariates": ("risk",)},
        {"made_by": " "},
        {"made_at": "2026-09-01T09:00:00"},
        {"made_at": "soon"},
        {"starts": "autumn"},
    ],
)
def test_a_registration_that_leaves_something_open_or_another_outcome_is_refused(change: dict[str, object]):
    with pytest.raises(EffectRefused):
        replace(REGISTERED, **change)


def test_a_registration_is_written_once_and_read_back_as_it_was_made(tmp_path: Path):
    path = register(REGISTERED, tmp_path)
    assert read_registration(tmp_path) == REGISTERED
    register(REGISTERED, tmp_path)
    with pytest.raises(EffectRefused, match="stays as it was made"):
        register(replace(REGISTERED, horizon="next term"), tmp_path)
    changed = json.loads(path.read_text()) | {"horizon": "next term"}
    path.write_text(json.dumps(changed))
    with pytest.raises(EffectRefused, match="changed after it was made"):
        read_registration(tmp_path)
    path.write_text(json.dumps(changed | {"power": 0.9}))
    with pytest.raises(EffectRefused, match="no registration has"):
        read_registration(tmp_path)
    with pytest.raises(EffectRefused, match="No registration"):
        read_registration(tmp_path / "other")


def test_days_of_another_school_year_and_rounds_that_have_not_begun_are_refused():
    REGISTERED.refuse_other_year(SchoolYear(2027))
    with pytest.raises(EffectRefused, match="2025-26"):
        REGISTERED.refuse_other_year(SchoolYear(2026))
    REGISTERED.refuse_too_early(date(2026, 9, 15))
    with pytest.raises(EffectRefused, match="nothing to tell of it yet"):
        REGISTERED.refuse_too_early(date(2026, 9, 14))


@pytest.mark.parametrize("column", ["student_id", "days_absent", "accepted"])
def test_a_round_without_a_column_is_refused_by_its_name(column: str):
    with pytest.raises(EffectRefused, match=column):
        checked(round_of(1, students=200).drop(columns=column), POLICY)


def test_a_round_with_a_student_twice_or_more_days_absent_than_enrolled_is_refused():
    rows = round_of(1, students=200)
    with pytest.raises(EffectRefused, match="twice"):
        checked(pd.concat([rows, rows.head(1)]), POLICY)
    with pytest.raises(EffectRefused, match="days_absent must"):
        checked(rows.assign(days_absent=181), POLICY)


def test_below_the_policys_days_a_rate_is_unknown_and_such_students_are_told_apart():
    rows = round_of(1)
    few = rows["in_band"] & (rows.index % 10 == 0)
    rows.loc[few, ["days_absent", "days_enrolled"]] = [1.0, 9]
    found = lottery(checked(rows, POLICY))[0]
    assert found.without_outcome == few.sum()
    assert found.students == rows["in_band"].sum() - few.sum()


def test_each_school_has_its_own_cut_halfway_between_the_last_offered_and_the_first_not():
    school = pd.Series(list("aaabbbcc"))
    score = pd.Series([9.0, 5.0, 3.0, 30.0, 20.0, 16.0, 1.0, 2.0])
    found = distance_to_cut(score, school, pd.Series([True, False, False, True, True, False, True, True]))
    assert found[:6].tolist() == [2.0, -2.0, -4.0, 12.0, 2.0, -2.0]
    assert found[6:].isna().all(), "where all are offered a slot there is no cut"


def test_one_stratum_gives_the_difference_of_means_and_an_equal_share_of_each_the_mean_of_differences():
    band = LOT[LOT["in_band"]].assign(rate_before=np.nan)
    drawn = band["drawn"].astype(bool)
    one = lottery(band.assign(stratum="all"), ())[0]
    assert one.days == pytest.approx(band.loc[drawn, "rate"].mean() - band.loc[~drawn, "rate"].mean())
    means = band.groupby(["stratum", "drawn"])["rate"].mean().unstack()  # noqa: PD010 - one column a side
    weights = band.groupby("stratum").size()
    assert lottery(band, ())[0].days == pytest.approx(np.average(means[True] - means[False], weights=weights))


def test_a_stratum_counts_by_its_students_whatever_share_of_them_drew_a_slot():
    random = np.random.default_rng(3)
    rows = pd.concat(
        [
            LOT.head(300).assign(stratum="many", drawn=random.random(300) < 0.9, effect=-4.0),
            LOT.tail(300).assign(stratum="few", drawn=random.random(300) < 0.1, effect=0.0),
        ],
        ignore_index=True,
    )
    rows = rows.assign(in_band=True, rate=10 + rows["effect"] * rows["drawn"] + random.normal(0, 0.1, 600))
    rows = rows.assign(accepted=rows["drawn"], student_id=rows.index.astype(str))
    assert lottery(rows, ())[0].days == pytest.approx(-2.0, abs=0.05)


def test_the_year_before_makes_the_lottery_more_precise_and_changes_little_else():
    plain, adjusted = lottery(LOT, ())[0], lottery(LOT)[0]
    assert adjusted.high - adjusted.low < 0.98 * (plain.high - plain.low)
    assert abs(adjusted.days - plain.days) < plain.high - plain.low


def test_the_effect_of_a_mentor_is_that_of_the_offer_by_the_share_the_lot_gave_one():
    offer, mentor = lottery(LOT)
    assert (offer.of_whom, mentor.of_whom) == (OFFERED, TOOK)
    assert mentor.days == pytest.approx(offer.days / 0.85, rel=0.05)
    assert mentor.high - mentor.low == pytest.approx((offer.high - offer.low) / 0.85, rel=0.05)
    assert offer.contacts == 40


def test_where_the_lot_did_not_change_who_had_a_mentor_only_the_offer_is_told():
    random = np.random.default_rng(1)
    assert [one.of_whom for one in lottery(LOT.assign(accepted=random.random(len(LOT)) < 0.5))] == [OFFERED]
    assert [one.of_whom for one in lottery(LOT.assign(accepted=False))] == [OFFERED]


def test_siblings_drawn_together_count_together():
    alone = lottery(LOT)[0]
    together = lottery(LOT.assign(household_id=np.where(LOT["in_band"], LOT.index // 40, None)))[0]
    assert together.days == pytest.approx(alone.days)
    assert together.high - together.low != pytest.approx(alone.high - alone.low, rel=1e-3)


def test_robust_intervals_are_those_of_statsmodels_on_one_stratum():
    band = LOT[LOT["in_band"]].assign(stratum="all")
    drawn = band["drawn"].astype("float64").to_numpy()
    share = drawn.mean()
    fit = sm.WLS(band["rate"].to_numpy(), sm.add_constant(drawn), weights=drawn / share + (1 - drawn) / (1 - share))
    low, high = fit.fit(cov_type="HC2", use_t=True).conf_int()[1]
    found = lottery(band, ())[0]
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_too_few_drawn_or_no_lot_gives_no_lottery_estimate():
    with pytest.raises(NotEnoughData, match="no lottery estimate"):
        lottery(CUT)
    with pytest.raises(NotEnoughData):
        lottery(LOT.assign(in_band=LOT["in_band"] & (LOT["stratum"] == "school 1") & (LOT.index % 9 == 0)))


def test_at_the_cut_the_estimate_does_not_ask_how_far_schools_are_apart():
    found = discontinuity(CUT)[0]
    shifted = CUT.assign(rate=CUT["rate"] + 20 * (CUT["school_id"] == "school 3"))
    assert discontinuity(shifted)[0].days == pytest.approx(found.days)
    assert "at the cut" in found.note


def test_where_a_lot_decided_at_the_cut_or_nobody_is_near_it_nothing_is_told_of_it():
    with pytest.raises(NotEnoughData, match="the lottery is the design"):
        discontinuity(LOT)
    with pytest.raises(NotEnoughData, match="one side"):
        discontinuity(CUT.assign(distance=CUT["distance"].where(CUT["distance"] < 0)))


def test_students_are_matched_by_the_year_before_and_the_change_is_compared():
    random = np.random.default_rng(5)
    before = np.repeat([3.0, 13.0], 600)
    accepted = random.random(1200) < np.repeat([0.1, 0.6], 600)
    rows = checked(round_of(2, students=1200), POLICY).assign(
        rate_before=before, accepted=accepted, distance=np.nan,
        rate=before - 0.3 * (before - 8) - 1.0 * accepted + random.normal(0, 0.2, 1200),
    )  # fmt: skip
    (found,) = difference_in_differences(rows)
    assert found.days == pytest.approx(-1.0, abs=0.1)
    assert found.low < -1.0 < found.high
    with pytest.raises(NotEnoughData):
        difference_in_differences(rows.assign(accepted=before > 8))


def test_the_effect_is_that_on_those_who_had_a_mentor_where_it_differs_between_groups():
    random = np.random.default_rng(6)
    before = np.repeat([3.0, 13.0], 600)
    accepted = np.tile(np.arange(600) % 10, 2) < np.repeat([1, 6], 600)
    rows = checked(round_of(2, students=1200), POLICY).assign(
        rate_before=before, accepted=accepted, distance=np.nan,
        rate=before - 4.0 * accepted * (before < 8) + random.normal(0, 0.1, 1200),
    )  # fmt: skip
    assert difference_in_differences(rows)[0].days == pytest.approx(-4.0 * 60 / 420, abs=0.05)


def test_students_without_a_mentor_stand_for_as_many_with_one_who_had_missed_as_much():
    before = np.repeat([5.0, 20.0], 100)
    accepted = np.tile(np.arange(100) % 10, 2) < np.repeat([1, 9], 100)
    rows = checked(round_of(2, students=200), POLICY).assign(
        rate_before=before, rate=np.repeat([6.0, 10.0], 100), accepted=accepted
    )
    found = regression_to_the_mean(rows)
    assert found.without == pytest.approx(found.with_mentor)
    assert found.with_mentor == pytest.approx(100 * ((6 * 10 + 10 * 90) / (5 * 10 + 20 * 90) - 1))


def test_the_order_slots_were_offered_in_goes_into_the_differences():
    without_order = difference_in_differences(CUT.assign(distance=np.nan))[0]
    with_order = difference_in_differences(CUT)[0]
    assert abs(with_order.days + 1.5) < abs(without_order.days + 1.5)


def _in_order(effect: float, slope: float, seed: int = 7) -> pd.DataFrame:
    """A round by an order that tells of next year, in which a mentor changes more the higher a student is in it."""
    random = np.random.default_rng(seed)
    rows = checked(round_of(3, students=2_400, schools=12), POLICY)
    distance = random.uniform(-6, 6, 2_400)
    accepted = (distance >= 0) & (random.random(2_400) < 0.85)
    rate = 20 + 0.5 * distance + (effect + slope * distance) * accepted + random.normal(0, 0.5, 2_400)
    return rows.assign(rate_before=11.0, distance=distance, accepted=accepted, rate=rate)


def test_an_effect_that_grows_along_the_order_is_told_as_the_mean_of_those_who_had_a_mentor():
    rows = _in_order(-1.0, -0.5)
    true = (-1.0 - 0.5 * rows.loc[rows["accepted"], "distance"]).mean()
    (found,) = difference_in_differences(rows)
    assert found.days == pytest.approx(true, abs=0.15)
    assert found.low < true < found.high


def test_a_schools_own_year_is_no_effect_of_its_mentors():
    rows = _in_order(-1.0, 0.0)
    many = rows["school_id"].isin(["school 1", "school 2", "school 3"]) & (rows["distance"] > -1)
    given = rows.assign(accepted=rows["accepted"] | many)
    bad_year = np.where(given["school_id"].isin(["school 1", "school 2", "school 3"]), 8.0, 0.0)
    fair = difference_in_differences(given)[0]
    found = difference_in_differences(given.assign(rate=given["rate"] + bad_year))[0]
    assert found.days == pytest.approx(fair.days)
    assert (found.low, found.high) == (pytest.approx(fair.low), pytest.approx(fair.high))


def test_a_school_where_nobody_was_put_in_order_takes_no_estimate_away():
    rows = _in_order(-1.0, 0.0)
    by_other_means = rows["school_id"] == "school 4"
    accepted = np.where(by_other_means, rows.index % 3 == 0, rows["accepted"]).astype(bool)
    rows = rows.assign(
        accepted=accepted,
        distance=rows["distance"].mask(by_other_means),
        rate=np.where(by_other_means, 20 - 1.0 * accepted, rows["rate"]),
    )
    assert difference_in_differences(rows)[0].days == pytest.approx(-1.0, abs=0.2)


def test_differences_are_those_of_the_regression_with_every_school_and_group_and_the_order():
    found = difference_in_differences(CUT)[0]
    known = CUT[CUT["rate_before"].notna()].assign(
        bin=lambda rows: pd.cut(rows["rate_before"], BINS, right=False).astype(str)
    )
    share = known.groupby("bin")["accepted"].transform("mean")
    known = known.assign(share=share)[(share > 0) & (share < 1)]
    had = known["accepted"].to_numpy(dtype="float64")
    centred = (known["distance"] - known.loc[known["accepted"], "distance"].mean()).to_numpy()
    groups = [pd.get_dummies(known["bin"]), pd.get_dummies(known["school_id"], drop_first=True)]
    design = np.column_stack([had, centred, centred * had, *groups]).astype("float64")
    weights = np.where(had == 1, 1.0, known["share"] / (1 - known["share"]))
    change = (known["rate"] - known["rate_before"]).to_numpy()
    fit = sm.WLS(change, design, weights=weights).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(known["school_id"])[0]}, use_t=True
    )
    low, high = fit.conf_int()[0]
    assert (found.days, found.low, found.high) == pytest.approx((fit.params[0], low, high), rel=1e-3)


def test_where_whole_schools_had_a_mentor_and_others_nobody_there_is_nobody_to_compare():
    rows = _in_order(-1.0, 0.0)
    whole = rows["school_id"].isin(["school 1", "school 2", "school 3"])
    with pytest.raises(NotEnoughData, match="follows from school"):
        difference_in_differences(rows.assign(accepted=whole, distance=np.nan))


def test_before_and_after_is_shown_to_be_what_students_without_a_mentor_did_too_MEN_9():
    rows = checked(round_of(4, effect=0.0, students=8_000), POLICY)
    chronic = rows[rows["rate_before"] >= 10]
    found = regression_to_the_mean(chronic.assign(accepted=chronic.index % 2 == 0))
    assert found.with_mentor < -15
    assert found.without == pytest.approx(found.with_mentor, abs=4)
    assert "no effect of mentoring" in found.in_words()
    with pytest.raises(NotEnoughData):
        regression_to_the_mean(rows.assign(accepted=False))


def test_the_words_are_those_of_an_interval_and_say_when_no_effect_is_within_MEN_9():
    found = replace(lottery(LOT)[0], low=-2.34, high=-0.41)
    assert in_words(found) == (
        "Consistent with an effect between -2.3 and -0.4 days absent per 100 enrolled of having been offered a slot: "
        "fewer days absent."
    )
    assert in_words(replace(found, high=0.2)).endswith("no effect is among them.")
    assert in_words(replace(found, low=0.1, high=0.2, of_whom=TOOK)).endswith("more days absent.")


def test_a_study_answers_by_the_strongest_design_that_the_round_allows_and_says_why_not_by_others():
    by_lot = study(round_of(1), REGISTERED, POLICY)
    assert by_lot.answer.design == "lottery"
    assert set(by_lot.not_told) == {"discontinuity"}
    by_cut = study(round_of(1, with_lot=False), REGISTERED, POLICY)
    assert by_cut.answer.design == "discontinuity"
    assert set(by_cut.not_told) == {"lottery"}


def test_only_registered_designs_are_estimated():
    only = replace(REGISTERED, designs=("discontinuity",), subgroups=())
    with pytest.raises(NotEnoughData, match="none of the registered designs"):
        study(round_of(1), only, POLICY)


def test_nothing_is_told_of_fewer_students_than_the_policy_says():
    rows = round_of(1)
    rows["accepted"] = rows["student_id"].isin(rows.loc[rows["accepted"], "student_id"].head(POLICY.min_n - 1))
    with pytest.raises(NotEnoughData, match="so few"):
        study(rows, REGISTERED, POLICY)


def test_a_small_group_is_hidden_with_another_that_would_give_it_away_FAIR_6():
    rows = round_of(1)
    band = np.flatnonzero(rows["in_band"])
    rows.loc[band[:4], "grade_band"] = "6-8"
    found = subgroups(checked(rows, POLICY), REGISTERED, "lottery", POLICY).set_index("group")
    assert found.loc["6-8", "suppressed"]
    assert found["suppressed"].sum() == 2
    assert found.loc[found["suppressed"], ["students", "days", "low", "high"]].isna().all(axis=None)
    assert found.loc[~found["suppressed"], "low"].notna().all()


def test_a_registered_group_that_the_round_does_not_have_is_refused():
    with pytest.raises(EffectRefused, match="grade_band"):
        study(round_of(1).drop(columns="grade_band"), REGISTERED, POLICY)


def test_the_smallest_effect_found_falls_with_students_and_rises_with_those_who_say_no():
    assert minimum_detectable(400, 400, 8.0) == pytest.approx(minimum_detectable(100, 100, 8.0) / 2)
    assert minimum_detectable(100, 100, 8.0, takes_up=0.5) == pytest.approx(2 * minimum_detectable(100, 100, 8.0))
    needed = students_needed(1.0, 8.0, takes_up=0.8)
    assert minimum_detectable(needed / 2, needed / 2, 8.0, takes_up=0.8) <= 1.0
    assert minimum_detectable(needed / 2 - 1, needed / 2 - 1, 8.0, takes_up=0.8) > 1.0


def test_a_lottery_finds_the_smallest_effect_in_four_of_five_rounds():
    random, size = np.random.default_rng(8), 300
    effect = -minimum_detectable(size / 2, size / 2, 8.0)
    drawn = np.arange(size) % 2 == 0
    base = checked(round_of(1, students=size), POLICY).assign(in_band=True, drawn=drawn, accepted=drawn, stratum="all")
    found = [
        lottery(base.assign(rate=10 + effect * drawn + random.normal(0, 8, size)), ())[0].high < 0 for _ in range(300)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=0.06)


def test_a_plan_tells_how_wide_a_band_must_be_and_that_a_wider_one_finds_less():
    slots = CUT.groupby("school_id").size() // 10
    found = plan(CUT, slots)
    assert found.bands["mentor"].is_monotonic_decreasing
    assert found.bands["students"].is_monotonic_increasing
    widest = found.bands.iloc[-1]
    assert widest["students"] == pytest.approx(slots.sum(), rel=0.1)
    assert widest["drawn"] == pytest.approx(widest["students"] / 2)
    truth = CUT["rate"] - CUT["rate"].groupby(CUT["school_id"]).transform("mean")
    assert 0 < found.spread < truth[CUT["distance"] > 0].std() * 1.2
    assert "times in five" in found.in_words()
    with pytest.raises(NotEnoughData):
        plan(CUT, slots * 0)


def test_the_page_says_what_was_registered_found_and_why_before_and_after_is_none_MEN_9():
    found = study(round_of(1), REGISTERED, POLICY)
    html = to_html(report(found))
    for said in (in_words(found.answer), "Registered on 2026-09-01 by Ada Reyes", "no effect of mentoring", "K-2"):
        assert said in html
    numbers = as_json(found)
    assert json.dumps(numbers, allow_nan=False)
    assert numbers["answer"] == numbers["estimates"][0]["in_words"] == in_words(found.answer)
    assert "no effect of mentoring" in numbers["before_and_after"]["in_words"]
    assert "s00001" not in html + json.dumps(numbers)


def test_the_commands_register_plan_and_report_a_round(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    home, rows = tmp_path / "home", tmp_path / "round.parquet"
    round_of(1, with_lot=False).to_parquet(rows)
    common = ["--home", str(home), "--round", "autumn-2099"]
    with pytest.raises(SystemExit, match="26"):
        main(["effect", "report", *common, "--rows", str(rows), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="26"):
        main(["effect", "register", *common, "--starts", "2020-09-14", "--by", "Ada Reyes"])
    with pytest.raises(SystemExit, match="0"):
        main(["effect", "register", *common, "--starts", "2099-09-14", "--by", "Ada Reyes", "--subgroup", "grade_band"])
    with pytest.raises(SystemExit, match="0"):
        main(["effect", "minimum", "--home", str(home), "--rows", str(rows)])
    assert "four times in five" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="26"):
        main(["effect", "report", *common, "--rows", str(rows), "--out", str(tmp_path / "out")])
    assert "nothing to tell of it yet" in capsys.readouterr().err
    past = replace(REGISTERED, made_at="2025-09-01T09:00:00+00:00", starts="2025-09-14")
    register(past, home / "effect" / "past")
    common[-1] = "past"
    with pytest.raises(SystemExit, match="0"):
        main(["effect", "report", *common, "--rows", str(rows), "--out", str(tmp_path / "out")])
    assert "Consistent with an effect between" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "effect.html",
        "effect.md",
        "effect.png",
        "effect.json",
    }
    with pytest.raises(SystemExit, match="2"):
        main(["effect", "register", "--home", str(home), "--round", "../x", "--starts", "2099-09-14", "--by", "A"])
