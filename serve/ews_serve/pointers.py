"""Something made from a small file, made anew only after the file was replaced."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """What `make` returns, kept until the file at `path` is another one.

    Files of a home are replaced by renaming, so inode, size and time of change tell versions apart. Whoever holds an
    earlier value keeps it whole: a request that started on one run ends on it.
    """

    def __init__(self, path: Path, make: Callable[[], T]) -> None:
        self._path = path
        self._make = make
        self._lock = Lock()
        self._seen: tuple[int, int, int, int] | None = None
        self._value: T | None = None

    def now(self) -> T:
        """The value of the file as it is now.

        Raises:
            FileNotFoundError: there is no such file.
        """
        with self._lock:
            seen = self._version()
            if self._value is None or seen != self._seen:
                self._value, self._seen = self._make(), seen
            return self._value

    def _version(self) -> tuple[int, int, int, int]:
        status = self._path.stat()
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode
