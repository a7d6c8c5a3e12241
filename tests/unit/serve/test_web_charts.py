"""Charts of pages: each shape is where its number says, beside a sentence and a table of the same numbers (C3)."""

import re
from datetime import date

from ews_serve import pages
from ews_serve.web import charts
from ews_serve.web.charts import Month, Service, Share


def shown(macro: str, it: object) -> str:
    source = '{% import "parts/charts.html" as charts %}{{ charts.' + macro + "(it) }}"
    return pages.environment().from_string(source).render(it=it)


def test_a_bar_is_as_long_as_its_share_of_the_longest_tenth():
    it = charts.bars_chart("t", "s", ("School", "", "Share", "Students"), [
        Share("A", 0.20, "20 %", "100"), Share("B", 0.10, "10 %", "50", compared=0.2),
        Share("C", None, "hidden", "few"),
    ])  # fmt: skip
    assert [(bar.width, bar.tick) for bar in it.bars] == [(100.0, None), (50.0, 100.0), (None, None)]
    html = shown("bars", it)
    assert html.count('class="fill"') == 2
    assert "hidden" in html


def test_a_share_beyond_the_full_bar_does_not_leave_it():
    assert charts.bars_chart("t", "s", ("a", "", "b", ""), [Share("A", 1.4, "x")], full=1.0).bars[0].width == 100


def test_months_stand_on_the_floor_in_proportion_and_services_lie_over_their_time():
    months = [Month("Sep", 20, 2, 1), Month("Oct", 20, 4), Month("Nov", 0, 0)]
    it = charts.months_chart("Days missed", "Most in October.", months, [Service("Mentor", 1.0, None)])
    assert [bar.text for bar in it.bars] == ["2", "4"]
    assert it.bars[1].height == 2 * it.bars[0].height
    assert all(round(bar.y + bar.height, 1) == it.floor for bar in it.bars)
    (band,) = it.services
    assert it.bars[0].x < band.x < it.bars[1].x
    assert it.table.rows[2][:2] == ("Nov", "n/a")
    assert "Mentor" in shown("months", it)
    assert 'role="img"' in shown("months", it)


def test_a_calendar_tells_kinds_by_letter_and_class_and_known_days_from_others():
    marks = [(date(2026, 1, 9), "unexcused"), (date(2026, 2, 11), "tardy"), (date(2026, 2, 12), "new kind")]
    it = charts.calendar_chart("Days", "Three marks.", date(2026, 1, 5), date(2026, 2, 20), marks)
    assert [month.label for month in it.months] == ["January 2026", "February 2026"]
    days = {f"{month.label[:3]} {day.number}": day for month in it.months for week in month.weeks for day in week}
    assert [days[name].letter for name in ("Jan 9", "Feb 11", "Feb 12", "Jan 8")] == ["U", "L", "A", ""]
    assert [days[name].kind for name in ("Jan 2", "Jan 5", "Feb 20", "Feb 23")] == ["out", "here", "here", "out"]
    assert all(len(week) == 5 for month in it.months for week in month.weeks)
    html = shown("calendar", it)
    assert "9: missed, not excused" in html
    assert html.count("<table>") == 2


def test_letters_of_days_differ_by_what_was_missed():
    letters = [letter for letter, _ in charts.KINDS.values() if letter]
    assert len(set(letters)) == len(letters)


def test_a_line_of_years_is_broken_where_nothing_is_known():
    it = charts.years_chart("Share", "Up.", [("2023-24", 0.05), ("2024-25", None), ("2025-26", 0.12)])
    (line,) = it.lines
    assert len(line.points) == 2
    assert line.path.count("M") == 2
    assert line.points[1].y < it.limit.at < line.points[0].y
    assert it.table.rows == (("2023-24", "5 %"), ("2024-25", "n/a"), ("2025-26", "12 %"))


def test_a_curve_marks_where_one_is():
    it = charts.curve_chart(
        "Slots", "More help more.", "slots", [0, 10, 20], {"by gain": [0, 6, 9], "by chance": [0, 3, 6]}, here=10
    )
    first, second = it.lines
    assert (first.is_second, second.is_second) == (False, True)
    assert it.here.at == it.lines[0].points[1].x
    assert it.table.heads == ("slots", "by gain", "by chance")
    assert shown("curve", it).count("<path") == 2 + 2


def test_what_was_said_truly_lies_on_the_line_and_few_students_have_a_wide_range():
    it = charts.reliability_chart("Said", "Mostly true.", [(0.25, 0.25, 1000), (0.75, 0.5, 10)])
    (true, other) = it.dots
    assert true.x - 40 == 260 - true.y
    assert other.low - other.high > true.low - true.high
    assert it.table.rows[1] == ("75 %", "50 %", "10")


def test_every_chart_has_its_sentence_and_its_numbers_and_escapes_both():
    evil = "<b>x</b>"
    made = {
        "bars": charts.bars_chart(evil, evil, (evil, "", evil, evil), [Share(evil, 0.1, evil, evil)]),
        "months": charts.months_chart(evil, evil, [Month(evil, 20, 1)], [Service(evil, 0, 1)]),
        "calendar": charts.calendar_chart(evil, evil, date(2026, 1, 5), date(2026, 1, 9), []),
        "weekdays": charts.weekdays_chart(evil, evil, [(evil, 1, 20), ("Tue", 0, 0)]),
        "years": charts.years_chart(evil, evil, [(evil, 0.1), ("now", 0.2)], compared=[0.1, 0.1], compared_label=evil),
        "curve": charts.curve_chart(evil, evil, evil, [1, 2], {evil: [1, 2]}, here=1, here_text=evil),
        "reliability": charts.reliability_chart(evil, evil, [(0.1, 0.2, 30)]),
    }
    for macro, it in made.items():
        html = shown(macro, it)
        assert evil not in html
        assert "&lt;b&gt;" in html
        assert "<table" in html
        assert not re.search(r"\sstyle=|<script", html)
