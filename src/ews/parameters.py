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
        half_life_years: school years after which a student's row counts half; base rates and habits of recording
            move, and last year's are the nearest.
        seed: of every random choice.
        threads: processor threads; they change the time and never the bytes.
    """

    rounds: int = 500
    learning_rate: float = 0.03
    leaves: int = 6
    min_rows_in_leaf: int = 80
    l2: float = 20.0
    feature_share: float = 0.6
    row_share: float = 1.0
    random_cuts: bool = True
    half_life_years: float = 1.0
    seed: int = 20260
    threads: int = 2

    def __post_init__(self) -> None:
        if min(self.rounds, self.min_rows_in_leaf, self.threads) < 1 or self.leaves < 2:
            raise InvalidPolicy("rounds, min_rows_in_leaf and threads must be at least 1, leaves at least 2.")
        if not (0 < self.learning_rate <= 1 and 0 < self.feature_share <= 1 and 0 < self.row_share <= 1):
            raise InvalidPolicy("learning_rate, feature_share and row_share must be above 0 and at most 1.")
        if self.l2 < 0 or self.seed < 0 or self.half_life_years <= 0:
            raise InvalidPolicy("l2 and seed must not be negative, and half_life_years must be above 0.")

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
