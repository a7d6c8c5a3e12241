"""Evidence of a pretend training, as `ews train` and `ews audit` leave it in a home: made up, always the same."""

from pathlib import Path

import numpy as np
import pandas as pd

from ews.evaluation import MODEL
from ews.policy import Policy
from ews.reliability import probability_column, reached_column

METRICS = {"recall_at_k": 0.24, "precision_at_k": 0.86, "auc": 0.83}
GROUPS = {"all": (1_738, 609), "not yet chronic": (1_095, 215), "already chronic": (597, 360), "no history": (7, 3)}
AUDITED = {
    "all": {"all": (1_916, 0.24, False)},
    "gender": {"female": (881, 0.25, False), "male": (1_021, 0.24, False), "nonbinary": (14, 0.33, True)},
    "short_history": {"no": (1_728, 0.28, False), "yes": (188, 0.01, False)},
}
YEAR = 2026


def keep_evidence(folder: Path, students: int = 600) -> None:
    """Write evaluation, differences, audit, predictions and a card."""
    folder.mkdir(parents=True, exist_ok=True)
    evaluation().to_csv(folder / "evaluation.csv", index=False)
    differences().to_csv(folder / "differences.csv", index=False)
    audited().to_csv(folder / "audit.csv", index=False)
    predictions(students).to_parquet(folder / "predictions.parquet")
    (folder / "model-card.md").write_text("# A card\n", encoding="utf-8")


def evaluation() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"group": group, "method": method, "metric": metric, "value": value, "low": value - 0.02,
             "high": value + 0.02, "students": students, "positives": positives}
            for group, (students, positives) in GROUPS.items()
            for method in (MODEL, "last year's rate")
            for metric, value in METRICS.items()
        ]
    )  # fmt: skip


def differences(low: float = 0.01, high: float = 0.03) -> pd.DataFrame:
    about = {"method": MODEL, "minus": "last year's rate", "metric": "recall_at_k", "value": (low + high) / 2}
    return pd.DataFrame([{"group": group, **about, "low": low, "high": high} for group in GROUPS])


def audited() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"dimension": dimension, "group": group, "quantity": "recall_at_k", "value": np.nan if hidden else value,
             "low": np.nan if hidden else max(value - 0.03, 0), "high": np.nan if hidden else value + 0.03,
             "students": np.nan if hidden else students, "positives": np.nan if hidden else students // 3,
             "suppressed": hidden}
            for dimension, groups in AUDITED.items()
            for group, (students, value, hidden) in groups.items()
        ]
    )  # fmt: skip


def predictions(students: int) -> pd.DataFrame:
    random = np.random.default_rng(7)
    said = random.beta(1.2, 2.2, students)
    frame = pd.DataFrame({"student_id": [f"S{number}" for number in range(students)], "school_year": YEAR,
                          "grade_level": "04", "school_id": "014"})  # fmt: skip
    for percent in Policy().threshold_percents:
        frame[probability_column(percent)] = said
        frame[reached_column(percent)] = (random.random(students) < said).astype("int8")
    return frame
