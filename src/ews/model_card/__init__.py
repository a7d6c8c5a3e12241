"""The model card, the datasheet and the family page of a training, made from what it kept.

After Mitchell et al. 2019 (model cards) and Gebru et al. 2021 (datasheets). Nothing in them is typed in but what only
people know, in `card.toml` of the home; a field that would be empty is an error.
"""

from ews.model_card.card import model_card
from ews.model_card.datasheet import datasheet
from ews.model_card.family import family_page
from ews.model_card.made import DOCUMENTS, PARAMETERS, hand_out, parameters_of
from ews.model_card.steward import CARD_FILE, Steward, steward_of
from ews.model_card.training import Training, manifest_of, training_of

__all__ = [
    "CARD_FILE",
    "DOCUMENTS",
    "PARAMETERS",
    "Steward",
    "Training",
    "datasheet",
    "family_page",
    "hand_out",
    "manifest_of",
    "model_card",
    "parameters_of",
    "steward_of",
    "training_of",
]
