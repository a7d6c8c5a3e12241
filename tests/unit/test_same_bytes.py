"""Same data, same lock, same seed: the same bundle, whoever trains it and on however many threads."""

from ews.backtest import backtest
from ews.bundle import write_bundle
from ews.evaluation import evaluate
from ews.model import Parameters, fit
from ews.policy import Policy
from ews.reasons import typical_values
from tests import pretend


def test_one_and_two_threads_give_the_same_bundle_twice_T14(tmp_path):
    """More rows than the size from which training uses its threads, from dataset to bundle as training goes."""
    dataset = pretend.dataset(years=(2025, 2026), students=20_500)

    def bundle(name: str, threads: int) -> str:
        parameters = Parameters(rounds=3, threads=threads)
        found = evaluate(backtest(dataset, parameters, Policy(), only_last=True), Policy(), replicates=1)
        metrics = {"evaluation": found.fillna(-1.0).to_dict(orient="list")}
        model = fit(dataset, parameters, Policy())
        return write_bundle(tmp_path / name, model, metrics, Policy(), typical_values(dataset), {})

    assert len({bundle("one", 1), bundle("two", 2), bundle("two again", 2)}) == 1
