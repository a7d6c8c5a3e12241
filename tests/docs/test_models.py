"""The pages in models/ belong to the code beside them (GOV-4). `make demo cards` writes them."""

import hashlib
import re

from ews.features import features_for
from ews.model import Parameters
from ews.model_card.card import FORBIDDEN
from tests.docs.pages import ROOT, read


def test_the_card_in_models_is_of_the_features_the_code_makes_today():
    names = "\n".join(feature.name for feature in features_for(0))
    assert hashlib.sha256(names.encode()).hexdigest() in read("models/model-card.md"), "run: make demo cards"


def test_the_parameters_in_models_are_the_defaults():
    assert Parameters.from_toml(read("models/parameters.toml")) == Parameters(), "run: make demo cards"


def test_the_card_in_models_says_in_line_one_how_the_model_stands_beside_last_years_rate_FAIR_8():
    line_one = read("models/model-card.md").splitlines()[2]
    assert re.match(
        r"\*\*LightGBM (beats|is worse than|is not shown to beat) last year's rate in recall at k", line_one
    )


def test_the_pages_in_models_name_the_forbidden_uses_and_that_no_student_is_real_FAIR_1():
    for page in ("model-card", "datasheet"):
        text = read(f"models/{page}.md")
        assert [use for use in FORBIDDEN if f"- {use}" not in text] == []
        assert "pretend-" in text
    assert "No real student is in these records" in read("models/model-card.md")


def test_every_picture_a_page_in_models_shows_is_there_and_no_other():
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "models").glob("*.md"))
    assert set(re.findall(r"\]\(([\w-]+\.png)\)", text)) == {path.name for path in (ROOT / "models").glob("*.png")}


def test_the_folder_is_small_and_holds_no_model():
    files = [path for path in (ROOT / "models").iterdir() if path.suffix != ".html"]
    assert {path.suffix for path in files} == {".md", ".png", ".toml"}
    assert sum(path.stat().st_size for path in files) < 400_000
