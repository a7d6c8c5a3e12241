"""What a counselor reads, as a table: feature | what is known of a student | the sentence (EX-1, EX-7).

The student is in grade 3 unless told otherwise (`grade`), and the last known school year is 2025-26;
`typical.x` is the median of x in the grade. A value of a feature left out is not known, and `-` is no sentence.
"""

import re

import numpy as np
import pandas as pd
import pytest

from ews.features import FEATURES
from ews.features.phrases import GRADE_WORDS, Readers, features_named, is_tellable, sentences
from ews.reasons import FOOTER, LOWERS, RAISES
from ews.tables import GRADES, PROTECTED

PHRASES = """
absence_rate_last_year      | self=.1 days_absent_last_year=17 days_enrolled_last_year=178 typical.days_absent_last_year=8 | Missed 17 of 178 days in 2025-26 (typical in grade 3 here: 8)
absence_rate_last_year      | self=0 days_absent_last_year=0 days_enrolled_last_year=1 | Missed 0 of 1 day in 2025-26
absence_rate_last_year      | year=unknown self=.1 days_absent_last_year=17 days_enrolled_last_year=178 | Missed 17 of 178 days in the last known school year
absence_rate_last_year      | | No attendance of earlier school years is known here
absence_ratio_last_year     | self=2 days_absent_last_year=17 days_enrolled_last_year=178 | Missed 17 of 178 days in 2025-26
days_absent_last_year       | self=17 days_enrolled_last_year=178 grade=KG typical.days_absent_last_year=8.5 | Missed 17 of 178 days in 2025-26 (typical in kindergarten here: 9)
shrunk_rate_last_year       | self=.1 days_absent_last_year=17 days_enrolled_last_year=178 | Missed 17 of 178 days in 2025-26
absence_rate_year_before    | self=.1 days_absent_year_before=12 days_enrolled_year_before=175 typical.days_absent_year_before=7 | Missed 12 of 175 days in the known year before 2025-26 (typical in grade 3 here: 7)
absence_rate_year_before    | | -
absence_rate_all_years      | self=.084 days_absent_all_years=45 days_enrolled_all_years=534 known_years=3 typical.absence_rate_all_years=.05 | Missed 45 of 534 days in 3 known school years through 2025-26, 8 of every 100 (typical in grade 3 here: 5)
absence_ratio_all_years     | self=1 absence_rate_all_years=.05 days_absent_all_years=9 days_enrolled_all_years=180 known_years=1 | Missed 9 of 180 days in 1 known school year through 2025-26, 5 of every 100
recent_weighted_rate        | self=.1 absence_rate_all_years=.05 days_absent_all_years=9 days_enrolled_all_years=180 known_years=1 | Missed 9 of 180 days in 1 known school year through 2025-26, 5 of every 100
highest_rate                | self=.106 typical.highest_rate=.07 | Missed 11 of every 100 days in the known school year with most absences (typical in grade 3 here: 7)
chronic_years               | self=2 known_years=3 | Missed at least 10 of every 100 days in 2 of 3 known school years
chronic_years               | self=0 known_years=1 | Missed at least 10 of every 100 days in 0 of 1 known school year
change_of_rate              | self=.02 days_absent_last_year=17 days_enrolled_last_year=178 days_absent_year_before=12 days_enrolled_year_before=175 | Missed 17 of 178 days in 2025-26, and 12 of 175 in the known year before
rise_in_last_60_days        | self=.1 days_absent_last_60_days=9 days_absent_last_year=17 days_enrolled_last_year=178 | Missed 9 of the last 60 school days of 2025-26, and 17 of 178 in the whole year
change_of_spells            | self=.1 spells_last_year=9 spells_all_years=20 known_years=3 | Was away 9 times in 2025-26, and 20 in 3 known school years together
change_of_spells            | self=.1 spells_last_year=1 spells_all_years=1 known_years=1 | Was away 1 time in 2025-26, and 1 in 1 known school year together
absence_rate_last_30_days   | self=.1 days_absent_last_30_days=3 typical.days_absent_last_30_days=1 | Missed 3 of the last 30 school days of 2025-26 (typical in grade 3 here: 1)
absence_rate_last_60_days   | self=.1 days_absent_last_60_days=6 typical.days_absent_last_60_days=2 | Missed 6 of the last 60 school days of 2025-26 (typical in grade 3 here: 2)
days_absent_last_30_days    | self=3 | Missed 3 of the last 30 school days of 2025-26
days_absent_last_60_days    | self=6 | Missed 6 of the last 60 school days of 2025-26
spells_last_year            | self=9 typical.spells_last_year=4 | Was away 9 separate times in 2025-26 (typical in grade 3 here: 4)
spells_last_year            | self=1 | Was away 1 separate time in 2025-26
spells_per_100_days_last_year | self=5 spells_last_year=9 | Was away 9 separate times in 2025-26
spell_ratio_all_years       | self=2 spells_per_100_days_all_years=4.96 spells_all_years=26 known_years=3 typical.spells_per_100_days_all_years=3.4 | Was away 26 separate times in 3 known school years through 2025-26, 5 in every 100 days (typical in grade 3 here: 3.4)
spells_per_100_days_all_years | self=.56 spells_all_years=1 known_years=1 | Was away 1 separate time in 1 known school year through 2025-26, 0.6 in every 100 days
days_absent_worst_month_last_year | self=7 typical.days_absent_worst_month_last_year=2.5 | Missed 7 days in the month of 2025-26 with most absences (typical in grade 3 here: 3)
days_absent_worst_month_last_year | self=1 | Missed 1 day in the month of 2025-26 with most absences
month_dispersion_last_year  | self=4.1 days_absent_last_year=17 days_absent_worst_month_last_year=9 | Of 17 missed days in 2025-26, 9 were in a single month
month_distance_last_year    | self=.4 days_absent_last_year=1 days_absent_worst_month_last_year=1 | Of 1 missed day in 2025-26, one was in a single month
month_distance_last_year    | self=.4 days_absent_last_year=17 | -
absence_rate_first_20_days_all_years | self=.083 typical.absence_rate_first_20_days_all_years=.04 | Missed 8 of every 100 among the first 20 school days of known school years through 2025-26 (typical in grade 3 here: 4)
mean_spell_length_last_year | self=1.88 typical.mean_spell_length_last_year=1.5 | Times away in 2025-26 lasted 1.9 days on average (typical in grade 3 here: 1.5)
mean_spell_length_last_year | self=1 | Times away in 2025-26 lasted 1 day on average
longest_spell_last_year     | self=6 typical.longest_spell_last_year=2 | The longest time away in 2025-26 was 6 days (typical in grade 3 here: 2)
single_day_share_last_year  | self=.6 spells_last_year=9 single_day_spells_last_year=5 | Of 9 times away in 2025-26, 5 were for a single day
single_day_share_last_year  | self=1 spells_last_year=1 single_day_spells_last_year=1 | Of 1 time away in 2025-26, one was for a single day
single_day_share_last_year  | spells_last_year=0 single_day_spells_last_year=0 | -
months_without_absence_last_year | self=4 typical.months_without_absence_last_year=3 | Had 4 months without any absence in 2025-26 (typical in grade 3 here: 3)
months_without_absence_last_year | self=1 | Had 1 month without any absence in 2025-26
months_without_absence_last_year | self=0 | Had no month without any absence in 2025-26
monday_friday_excess_last_year | self=.1 days_absent_last_year=17 days_absent_monday_friday_last_year=9 | Of 17 missed days in 2025-26, 9 were a Monday or a Friday
monday_friday_excess_last_year | self=-.1 days_absent_last_year=1 days_absent_monday_friday_last_year=0 | Of 1 missed day in 2025-26, none was a Monday or a Friday
before_break_excess_last_year | self=.1 days_absent_last_year=17 days_absent_before_break_last_year=4 | Of 17 missed days in 2025-26, 4 were on the last school day before a break
before_break_excess_last_year | self=-.03 days_absent_last_year=1 days_absent_before_break_last_year=0 | Of 1 missed day in 2025-26, none was on the last school day before a break
before_break_excess_last_year | days_absent_last_year=0 days_absent_before_break_last_year=0 | -
monday_spell_share_last_year | self=.4 spells_last_year=9 monday_spells_last_year=4 | Of 9 times away in 2025-26, 4 began on a Monday
excused_share_last_year     | self=.7 days_absent_last_year=17 days_excused_last_year=12 | Of 17 missed days in 2025-26, 12 were recorded as excused
unexcused_share_last_year   | self=.1 days_absent_last_year=17 days_unexcused_last_year=1 | Of 17 missed days in 2025-26, one was recorded as unexcused
unexcused_share_last_year   | days_absent_last_year=0 days_unexcused_last_year=0 | -
days_tardy_last_year        | self=9 typical.days_tardy_last_year=2 | Arrived late on 9 days in 2025-26 (typical in grade 3 here: 2)
tardy_per_100_days_last_year | self=0 days_tardy_last_year=0 | Arrived late on no day in 2025-26
days_early_departure_last_year | self=1 typical.days_early_departure_last_year=0 | Left early on 1 day in 2025-26 (typical in grade 3 here: 0)
early_departures_per_100_days_last_year | self=1 days_early_departure_last_year=2 | Left early on 2 days in 2025-26
part_days_missed_last_year  | self=3.5 typical.part_days_missed_last_year=.2 | Missed parts of days that add up to 3.5 days in 2025-26 (typical in grade 3 here: 0.2)
enrolled_share_last_year    | self=.5 days_enrolled_last_year=90 typical.days_enrolled_last_year=178 | Was enrolled 90 days in 2025-26 (typical in grade 3 here: 178)
short_history               | self=1 days_enrolled_all_years=40 | Little is known of earlier school years: 40 days enrolled
short_history               | self=0 days_enrolled_all_years=400 | -
short_history               | self=1 | -
has_gap                     | self=1 | The last school year known here is 2025-26
has_gap                     | self=0 | -
schools_attended_last_year  | self=2 | Attended 2 schools in 2025-26
schools_attended_last_year  | self=1 | Attended 1 school in 2025-26
late_entry_days_last_year   | self=12 | Entered 12 school days after the start of 2025-26
late_entry_days_last_year   | self=0 | Entered on the first school day of 2025-26
early_exit_days_last_year   | self=1 | Was enrolled until 1 school day before the end of 2025-26
early_exit_days_last_year   | self=0 | Was enrolled until the last school day of 2025-26
changed_school              | self=1 | Attends another school than at the end of 2025-26
changed_school              | self=0 | -
absence_rate_first_20_days_last_year | self=.1 days_absent_first_20_days_last_year=2 typical.days_absent_first_20_days_last_year=1 | Missed 2 of the first 20 school days of 2025-26 (typical in grade 3 here: 1)
days_absent_first_20_days_last_year | self=2 | Missed 2 of the first 20 school days of 2025-26
absence_rate_so_far         | self=.15 days_absent_so_far=3 days_enrolled_so_far=20 typical.days_absent_so_far=1 | Missed 3 of 20 days so far this school year (typical in grade 3 here: 1)
days_absent_so_far          | self=3 days_enrolled_so_far=20 | Missed 3 of 20 days so far this school year
blended_rate_so_far         | self=.1 days_absent_so_far=3 days_enrolled_so_far=20 | Missed 3 of 20 days so far this school year
change_so_far               | self=.1 days_absent_so_far=3 days_enrolled_so_far=20 days_absent_last_year=17 days_enrolled_last_year=178 | Missed 3 of 20 days so far this school year, and 17 of 178 in 2025-26
days_absent_last_30_days_so_far | self=5 days_enrolled_last_30_days_so_far=20 typical.days_absent_last_30_days_so_far=1 | Missed 5 of the latest 20 school days (typical in grade 3 here: 1)
spells_so_far               | self=2 typical.spells_so_far=1 | Was away 2 separate times so far this school year (typical in grade 3 here: 1)
longest_spell_so_far        | self=1 | The longest time away so far this school year was 1 day
days_tardy_so_far           | self=0 | Arrived late on no day so far this school year
late_entry_days_so_far      | self=3 | Entered 3 school days after the start of this school year
school_grade_rate           | self=.094 grade=09 typical.school_grade_rate=.07 | Students in grade 9 at this school missed 9 of every 100 days in the last known year (typical in this district: 7)
school_grade_chronic_share  | self=.31 grade=KG typical.school_grade_chronic_share=.2 | Of every 100 students in kindergarten at this school, 31 missed at least 10 of every 100 days in the last known year (typical in this district: 20)
school_rate                 | self=.08 | Students at this school missed 8 of every 100 days in the last known year
grade_number                | self=9 grade=09 | Is in grade 9
grade_number                | self=0 grade=KG | Is in kindergarten
enters_new_level            | self=1 grade=06 | Is in grade 6, for many students the first year at a new school
enters_new_level            | self=0 | -
"""  # noqa: E501 - a row of the table is one line, whatever its length

ROWS = [tuple(cell.strip() for cell in line.split("|")) for line in PHRASES.strip().splitlines()]

NEVER = (
    # causes and certainty
    r"becaus\w*", r"caus\w+", r"due to", r"leads? to", r"led to", r"result\w*", r"will", r"would", r"certain\w*",
    r"likely", r"risk\w*", r"predict\w*", r"%", r"percent", r"should", r"must", r"needs? to",
    # words about people, and moral words
    r"absentees?", r"truan\w+", r"offend\w+", r"dropouts?", r"problem\w*", r"fail\w*", r"bad", r"poor\w*", r"worse",
    r"non-?complian\w+", r"deficit\w*", r"discipl\w+", r"suspen\w+", r"famil\w+", r"parents?", r"health", r"ill\w*",
    # protected attributes and proxies
    r"race", r"ethnic\w*", r"gender", r"boys?", r"girls?", r"he", r"she", r"english", r"language", r"disab\w+",
    r"econom\w+", r"homeless\w*", r"income", r"citizen\w*", r"address", r"neighbou?rhood",
    # machinery
    r"\w*_\w*", r"nan", r"null", r"feature\w*", r"ratio", r"spells?", r"!",
)  # fmt: skip
"""What no sentence may hold (requirements B3 and B5)."""


def readers(known: str, feature: str) -> Readers:
    """One student, of whom the table tells."""
    cells = dict(cell.split("=") for cell in known.split())
    grade, year = cells.pop("grade", "03"), cells.pop("year", "2026")
    typical = {name[8:]: {grade: float(value)} for name, value in cells.items() if name.startswith("typical.")}
    values = {name: float(value) for name, value in cells.items() if not name.startswith("typical.")}
    if "self" in values:
        values[feature] = values.pop("self")
    x = pd.DataFrame([{**dict.fromkeys(FEATURES, np.nan), **values}])
    years = pd.Series([np.nan if year == "unknown" else float(year)])
    return Readers(x, pd.Series([grade]), years, typical, 10, FEATURES)


def words_of_phrases() -> list[str]:
    """Every wording of every phrase, with all choices, without placeholders."""
    texts = [re.sub(r"\{([^{}:]*):?([^{}]*)\}", _choices, feature.phrase or "") for feature in FEATURES.values()]
    return [*texts, *GRADE_WORDS.values(), RAISES, LOWERS]


def _choices(placeholder: re.Match) -> str:
    return "" if placeholder[1] == "typical" else f" {placeholder[2]} "


@pytest.mark.parametrize(("feature", "known", "sentence"), ROWS)
def test_a_value_reads_as(feature: str, known: str, sentence: str) -> None:
    student = readers(known, feature)
    expected = "" if sentence == "-" else sentence
    assert sentences(FEATURES[feature], student).tolist() == [expected]
    assert is_tellable(FEATURES[feature], student).tolist() == [bool(expected)]


def test_every_phrase_of_the_catalogue_has_a_row_EX_7() -> None:
    told = {feature for feature, _, sentence in ROWS if sentence != "-"}
    assert told == {feature.name for feature in FEATURES.values() if feature.phrase}


@pytest.mark.parametrize("never", NEVER)
def test_no_sentence_holds_EX_7(never: str) -> None:
    spoken = [*words_of_phrases(), *(sentence for _, _, sentence in ROWS)]
    edged = rf"(?<![\w-]){never}(?![\w-])" if re.match(r"[\w\\]", never) else never
    assert [text for text in spoken if re.search(edged, text, re.IGNORECASE)] == []


def test_the_lint_would_find_a_banned_word() -> None:
    assert re.search(rf"(?<![\w-]){NEVER[0]}(?![\w-])", "Is away because of", re.IGNORECASE)


def test_no_phrase_takes_a_protected_attribute_FAIR_2() -> None:
    assert not {name for feature in FEATURES.values() for name in features_named(feature.phrase or "")} & set(PROTECTED)


def test_every_grade_has_words() -> None:
    assert set(GRADE_WORDS) == set(GRADES)


def test_sentences_end_with_their_direction_and_the_footer_denies_causes_EX_4() -> None:
    assert (RAISES, LOWERS) == (". Raises the estimate.", ". Lowers the estimate.")
    assert FOOTER == (
        "These are patterns the model used, not causes. It does not know about health, family or transport. You do."
    )
