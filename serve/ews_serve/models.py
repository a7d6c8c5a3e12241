"""The model that made the lists in force."""

import json

from ews.store.reading import Run, provenance_of
from ews_serve.asked import Asked
from ews_serve.live import LiveModel


def model_in_force(asked: Asked) -> tuple[Run, LiveModel]:
    """The run in force and its model, so that live estimates and lists never come from two (W27).

    Raises:
        Refused: 503, nothing was published yet.
        UntrustedBundle: the model's files are not the ones that were promoted.
    """
    with asked.service.store.reading() as connection:
        run = asked.run_in_force(connection)
        provenance = provenance_of(connection, run.run_id)
    return run, asked.service.live.of(json.loads(provenance or "{}"))
