"""How the booster learns: what a person may set, and what LightGBM is told of it."""

from dataclasses import asdict, dataclass

from ews.errors import InvalidPolicy
from ews.policy import read_toml


@dataclass(frozen=True)
class Parameters:
    """How the booster learns; the defaults are chosen in `docs/experiments.md`.

    Attributes:
        rounds: trees.
        learning_rate: share of each tree that is kept.
        leaves: leaves a tree.
        min_rows_in_leaf: students a leaf must speak for.
        l2: shrinkage of leaf values.
        feature_share: share of the features each tree may look at.
        row_share: share of the rows each tree learns from.
        random_cuts: whether each tree tries one random cut a feature instead of all: steadier with few students.
        half_life_years: school years after which a student's row counts half, for most trees.
        recent_share: share of the trees, the last ones, that go by the years just past: base rates and habits of
            recording move, and a few trees mend what all years taught and is otherwise by now.
        recent_half_life_years: school years after which a student's row counts half for those.
        seed: of every random choice.
        threads: processor threads; they change the time and never the bytes.
    """

    rounds: int = 1000
    learning_rate: float = 0.03
    leaves: int = 5
    min_rows_in_leaf: int = 80
    l2: float = 20.0
    feature_share: float = 0.6
    row_share: float = 1.0
    random_cuts: bool = True
    half_life_years: float = 4.0
    recent_share: float = 0.25
    recent_half_life_years: float = 0.4
    seed: int = 20260
    threads: int = 2

    def __post_init__(self) -> None:
        if min(self.rounds, self.min_rows_in_leaf, self.threads) < 1 or self.leaves < 2:
            raise InvalidPolicy("rounds, min_rows_in_leaf and threads must be at least 1, leaves at least 2.")
        if not (0 < self.learning_rate <= 1 and 0 < self.feature_share <= 1 and 0 < self.row_share <= 1):
            raise InvalidPolicy("learning_rate, feature_share and row_share must be above 0 and at most 1.")
        if self.l2 < 0 or self.seed < 0 or not 0 <= self.recent_share < 1:
            raise InvalidPolicy("l2 and seed must not be negative, and recent_share must be from 0 to below 1.")
        if min(self.half_life_years, self.recent_half_life_years) <= 0:
            raise InvalidPolicy("half_life_years and recent_half_life_years must be above 0.")

    @classmethod
    def from_toml(cls, text: str) -> "Parameters":
        """Read parameters; keys left out keep their default.

        Raises:
            InvalidPolicy: not TOML, an unknown key, or a value of the wrong kind.
        """
        return read_toml(cls, text, "parameters")

    def to_toml(self) -> str:
        """The same parameters as TOML: `Parameters.from_toml(parameters.to_toml()) == parameters`."""
        return "".join(f"{name} = {str(value).lower()}\n" for name, value in asdict(self).items())

    def phases(self) -> list[tuple[int, float]]:
        """Trees and the half-life in school years by which they learn, the one after the other."""
        recent = round(self.rounds * self.recent_share)
        phases = [(self.rounds - recent, self.half_life_years), (recent, self.recent_half_life_years)]
        return [phase for phase in phases if phase[0]]

    def for_lightgbm(self, directions: list[int], threads: int) -> dict[str, object]:
        """The same under LightGBM's names, with one monotone direction a feature."""
        return {
            "objective": "cross_entropy",  # of an outcome between 0 and 1
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.min_rows_in_leaf,
            "lambda_l2": self.l2,
            "feature_fraction": self.feature_share,
            "bagging_fraction": self.row_share,
            "bagging_freq": int(self.row_share < 1),
            "extra_trees": self.random_cuts,
            "monotone_constraints": directions,
            "deterministic": True,
            "force_col_wise": True,
            "seed": self.seed,
            "num_threads": threads,
            "verbosity": -1,
        }
