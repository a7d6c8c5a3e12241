"""The three pages as files."""

from collections.abc import Callable
from pathlib import Path

from ews.document import Document, write
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


def hand_out(run: Training, folder: Path) -> list[Path]:
    """Write each page as Markdown and as HTML into `folder`, with the card's pictures beside it.

    Raises:
        NotEnoughData: a field would be empty.
    """
    return [path for name, make in DOCUMENTS.items() for path in write(make(run), folder, name)]
