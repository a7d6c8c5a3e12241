"""The risk list: one row per student of the cohort, ranked within the school, with reasons a school can read.

Ties are broken by a random key made from the model's hash and the student's id, so that nobody is always
first for their name or number, and the same model and records give the same list, byte for byte.
"""

import csv
import io
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ews.dataset import Dataset
from ews.exports import FORMULA
from ews.policy import Policy
from ews.reasons import Explanations

_FORMULA = FORMULA.replace("?=", "")
"""For DuckDB, whose expressions know no looking ahead."""

REASONS = ("reason_1", "reason_2", "reason_3", "lowering_reason")


def tie_keys(student_ids: pd.Series, secret: str) -> np.ndarray:
    """A random but repeatable key a student, shape (rows,), unsigned 64 bits.

    Args:
        student_ids: ids as text.
        secret: at least 16 hex digits, as of a bundle's hash; another secret gives another order.
    """
    return pd.util.hash_array(student_ids.to_numpy(dtype=object), hash_key=secret[:16], categorize=False)


def risk_list(
    dataset: Dataset, probabilities: pd.DataFrame, explanations: Explanations, policy: Policy, *, secret: str
) -> pd.DataFrame:
    """The list, sorted by school and rank.

    Args:
        dataset: the cohort with its features.
        probabilities: columns `probability_08` …, rows as in `dataset`.
        explanations: the reasons, rows as in `dataset`.
        policy: names the threshold that is the risk.
        secret: hash that breaks ties (see `tie_keys`).

    Returns:
        rank (1 = first in the school), student_id, school_id, grade_level, risk, probability_08 …, lane,
        band_last_year, last_school_year, days_absent_last_year, days_enrolled_last_year, the reasons.
        Null in a last-year column: no earlier year is known.
    """
    return ranked(list_rows(dataset, probabilities, explanations, policy), secret)


def list_rows(
    dataset: Dataset, probabilities: pd.DataFrame, explanations: Explanations, policy: Policy
) -> pd.DataFrame:
    """The rows of the list, as in `risk_list`, without rank and in the order of `dataset`."""
    columns = dataset.frame.reset_index(drop=True)
    about = columns[["student_id", "school_id", "grade_level"]]
    risk = pd.Series(probabilities[f"probability_{policy.chronic_percent:02d}"].to_numpy(), name="risk")
    history = columns[["lane", "band_last_year", "last_school_year"]].assign(
        **{name: _whole(columns[name]) for name in ("days_absent_last_year", "days_enrolled_last_year")}
    )
    history["last_school_year"] = _whole(history["last_school_year"])
    parts = [about, risk, probabilities.reset_index(drop=True), history, explanations.sentences.reset_index(drop=True)]
    return pd.concat(parts, axis=1)


def ranked(rows: pd.DataFrame, secret: str) -> pd.DataFrame:
    """Rows sorted by school and rank, with `rank` as first column: highest risk first, ties by `tie_keys`."""
    keyed = rows.assign(tie_key=tie_keys(rows["student_id"], secret), descending=-rows["risk"])
    ordered = keyed.sort_values(["school_id", "descending", "tie_key", "student_id"], ignore_index=True)
    ordered.insert(0, "rank", ordered.groupby("school_id").cumcount() + 1)
    return ordered.drop(columns=["tie_key", "descending"])


def explanation_rows(dataset: Dataset, explanations: Explanations) -> pd.DataFrame:
    """What a student's page needs beyond the list: one row per student, in the order of `dataset`.

    Returns:
        student_id, school_id, base, raw_score, contribution_<group> (log-odds; base and contributions sum to
        raw_score), the reasons, and every feature's value (null = unknown).
    """
    groups = explanations.groups.reset_index(drop=True)
    scores = pd.DataFrame({"base": np.asarray(explanations.base), "raw_score": np.asarray(explanations.raw)})
    return pd.concat(
        [
            dataset.frame[["student_id", "school_id"]].reset_index(drop=True),
            scores,
            groups.rename(columns={name: contribution_column(name) for name in groups.columns}),
            explanations.sentences.reset_index(drop=True),
            dataset.x.reset_index(drop=True),
        ],
        axis=1,
    )


def contribution_column(group: str) -> str:
    """The column of a group's contribution.

    >>> contribution_column("recent level")
    'contribution_recent_level'
    """
    return "contribution_" + group.replace(" ", "_")


def to_csv(rows: pd.DataFrame) -> str:
    """The list as CSV: text that a spreadsheet would run as a formula gets an apostrophe, numbers stay numbers."""
    safe = rows.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = safe[name].astype("string").str.replace(FORMULA, "'", regex=True)
    buffer = io.StringIO(newline="")
    safe.to_csv(buffer, index=False, float_format="%.4f", lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    return buffer.getvalue()


def parquet_to_csv(source: Path, target: Path) -> None:
    """A list's Parquet file as CSV, by the rules of `to_csv`, without holding its rows."""
    rows = duckdb.read_parquet(str(source))
    cells = (f"{_cell(name, str(kind))} as {_name(name)}" for name, kind in zip(rows.columns, rows.types, strict=True))
    rows.project(", ".join(cells)).to_csv(str(target), header=True, quotechar='"', escapechar='"')


def _cell(column: str, kind: str) -> str:
    name = _name(column)
    if kind in ("DOUBLE", "FLOAT"):
        return f"printf('%.4f', {name})"
    if kind == "VARCHAR":
        return f"nullif(regexp_replace({name}, '{_FORMULA}', chr(39) || '\\1'), '')"
    return name


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


class RowGroups:
    """A Parquet file written some rows at a time; the first rows give it its columns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> "RowGroups":
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, rows: pd.DataFrame) -> None:
        """Add some rows."""
        schema = None if self._writer is None else self._writer.schema
        table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table)


def _whole(values: pd.Series) -> pd.Series:
    return values.astype("Float64").round().astype("Int64")
