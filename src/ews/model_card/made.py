"""The three pages as files, and the parameters that train the same model again."""

from collections.abc import Callable
from pathlib import Path

from ews.document import Document, write
from ews.home import write_atomically
from ews.model import Parameters
from ews.model_card.card import model_card
from ews.model_card.datasheet import datasheet
from ews.model_card.family import family_page
from ews.model_card.training import Training

DOCUMENTS: dict[str, Callable[[Training], Document]] = {
    "model-card": model_card,
    "datasheet": datasheet,
    "family": family_page,
}
"""Name of the files and what makes them."""


PARAMETERS = "parameters.toml"
"""How the booster learned, for `ews train --parameters`."""


def hand_out(run: Training, folder: Path) -> list[Path]:
    """Write each page as Markdown and as HTML into `folder`, with the card's pictures and parameters beside it.

    Raises:
        NotEnoughData: a field would be empty.
    """
    pages = [path for name, make in DOCUMENTS.items() for path in write(make(run), folder, name)]
    write_atomically(folder / PARAMETERS, parameters_of(run).to_toml())
    return [*pages, folder / PARAMETERS]


def parameters_of(run: Training) -> Parameters:
    """How the booster learned; the number of threads, which changes no byte, is the default."""
    return Parameters(**{name: run.made[name] for name in vars(Parameters()) if name in run.made})
