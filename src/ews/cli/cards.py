"""The command that writes a version's model card, its datasheet and the page for families."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ews.cli.common import HomeOption, say, steps
from ews.home import Home

VersionOption = Annotated[
    str, typer.Option("--version", metavar="N", help="A registered version: its number, or latest.")
]


def card(
    home: HomeOption,
    folder: Annotated[Path, typer.Option("--out", help="Folder for the pages, as Markdown and as HTML.")],
    version: VersionOption = "latest",
) -> None:
    """Write model card, datasheet and family page of a version, with its change log up to now.

    Who answers for the model stands in card.toml of the home.
    """
    from ews.model_card import hand_out, steward_of, training_of
    from ews.registry import find_version

    place = Home(home)
    with steps() as progress:
        progress("reading what training kept")
        training = training_of(place, find_version(place, _number(version)), steward_of(place))
        progress("writing the pages")
        written = hand_out(training, folder)
    say("\n".join(str(path) for path in written if path.suffix == ".html"))


def _number(text: str) -> int | Literal["latest"]:
    if text == "latest":
        return "latest"
    if not text.isdigit():
        raise typer.BadParameter(f"'{text}' is neither a number nor latest. See: ews versions")
    return int(text)
