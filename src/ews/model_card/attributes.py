"""The card's section on protected attributes: how far features tell them, and what leaving them out costs."""

import pandas as pd

from ews.document import Block
from ews.model_card.training import Training
from ews.result_tables import cost_sentences, cost_table, proxies_table

_NOT_MEASURED = "not measured on these records and this day when this page was written. To measure: ews audit"


def attributes(run: Training) -> tuple[Block, ...]:
    """How blind the model is to attributes it is not given (FAIR-3), and what that costs (FAIR-2)."""
    found = run.of_attributes
    told = found.proxies if found else None
    cost = found.cost if found else None
    return (
        "They are left out of the features. Leaving out makes no model blind, so it is measured how well they can be "
        "told from the features all the same; and what the lists would gain by them, so that it can be weighed.",
        *_told_from_features(told),
        *_cost(cost, run),
    )


def _told_from_features(told: pd.DataFrame | None) -> tuple[Block, ...]:
    if told is None:
        return (f"How well they can be told from the features: {_NOT_MEASURED} --proxies.",)
    if told.empty:
        return ("No attribute is known of enough students to measure how well it can be told from the features.",)
    return (
        proxies_table(told),
        "The school's id is no feature; rates of the school and the grade are.",
    )


def _cost(cost: pd.DataFrame | None, run: Training) -> tuple[Block, ...]:
    if cost is None:
        return (f"What leaving them out costs: {_NOT_MEASURED} --with-protected.",)
    policy = run.bundle.policy
    return cost_table(cost, run.evaluation, policy), *cost_sentences(cost, run.evaluation, policy)
