"""Writing the folder: one file a table, area after area: memory stays bounded, and bytes do not depend on chunks."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from ews.errors import InputRefused

FileFormat = Literal["csv", "parquet"]


class FolderWriter:
    """One open file per table; every call appends one area."""

    def __init__(self, folder: Path, file_format: FileFormat) -> None:
        self._folder = folder
        self._format = file_format
        self._files: dict[str, pa.csv.CSVWriter | pa.parquet.ParquetWriter] = {}

    def __enter__(self) -> "FolderWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.close()

    def append(self, tables: dict[str, pa.Table]) -> None:
        """Append one area's tables; a parquet file gets one row group per area."""
        for name, table in tables.items():
            file = self._files.get(name) or self._open(name, table.schema)
            if table.num_rows:
                file.write_table(table.combine_chunks())

    def _open(self, name: str, schema: pa.Schema) -> pa.csv.CSVWriter | pa.parquet.ParquetWriter:
        path = self._folder / f"{name}.{self._format}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._format == "csv":
            file = pa.csv.CSVWriter(path, schema, write_options=pa.csv.WriteOptions(quoting_style="needed"))
        else:
            file = pa.parquet.ParquetWriter(path, schema, compression="zstd")
        self._files[name] = file
        return file


@contextlib.contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder to fill, which appears at `out` when the block ends, and not at all when it fails.

    Raises:
        InputRefused: there is something at `out` already.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputRefused(f"{out} is not empty. Name a new folder for the simulated records, or remove it first.")
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        yield temporary
        temporary.chmod(0o755)
        temporary.replace(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
