"""The page on mentoring names the columns a round has, and the commands there are."""

from ews.cli.effect import effect
from ews.effect.frames import COLUMNS
from tests.docs.pages import read

PAGE = read("docs/mentoring.md")


def test_the_columns_of_a_round_are_those_that_the_designs_take() -> None:
    rows = [
        f"| `{field.name}`{' (may be left out)' if field.optional else ''} | {field.meaning} |" for field in COLUMNS
    ]
    assert "\n".join(rows) in PAGE


def test_every_command_of_the_effect_is_told() -> None:
    for command in effect.registered_commands:
        name = command.name or command.callback.__name__
        assert f"`ews effect {name} " in PAGE
