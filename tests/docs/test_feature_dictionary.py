"""The data dictionary says of each feature what it tells, to the model and to a counselor."""

import pytest

from ews.features import FEATURES
from ews.features.phrases import features_named
from tests.docs.pages import read, script


def row_of(name: str) -> tuple[str, str]:
    """What a larger value does, and what a counselor reads, as the page says it."""
    line = next(line for line in read("docs/data-dictionary.md").split("## Features")[1].splitlines()
                if line.startswith(f"| `{name}` |"))  # fmt: skip
    *_, moves, told = (cell.strip() for cell in line.strip("|").split(" | "))
    return moves, told.rstrip(" |")


@pytest.mark.parametrize("name", FEATURES)
def test_a_row_says_whether_the_model_learns_from_it_and_what_is_told(name: str):
    feature, (moves, told) = FEATURES[name], row_of(name)
    assert (moves == "not learned") is not feature.learned
    assert not set(told) & set("{}[]#|")
    if feature.phrase is None:
        assert told == (f"nothing: {feature.untold}" if feature.untold else "in other sentences")
        return
    if told.startswith("as `"):
        told = row_of(told.removeprefix("as `").removesuffix("`"))[1]
    assert [named for named in features_named(feature.phrase) if f"`{named}`" not in told and named != "typical"] == []


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("Missed {a:# day;# days} in {year}[ (typical in {grade}: {typical:a})]",
         "Missed `a` days in `year` (typical in `grade`: `typical`)"),
        ("Late on {a:no day;# day;on # days} of {b}", "Late on on `a` days of `b`"),
        ("Of {a:# day;# days}, {b:none was;one was;# were} excused", "Of `a` days, `b` were excused"),
    ],
)  # fmt: skip
def test_a_phrase_reads_with_names_for_values_and_words_for_several(phrase: str, words: str):
    assert script("generate")._in_words(phrase) == words
