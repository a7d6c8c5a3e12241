"""What Prometheus may know: how many requests of which route, how long, how they ended. No path, id or person."""

import logging
import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import Scope

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Where worker processes put their counts together; `ews_serve.__main__` sets it before it starts several."""

log = logging.getLogger("ews_serve")

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Measures:
    """The counters of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        about = ("route", "method", "status")
        self._requests = Counter("ews_requests", "Requests answered.", about, registry=self._registry)
        self._seconds = Histogram(
            "ews_request_seconds", "Seconds to the end of the answer.", ("route",), buckets=_BUCKETS,
            registry=self._registry,
        )  # fmt: skip
        self._of_kind: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._large_exports = Counter("ews_large_exports", "Exports above the step-up size.", registry=self._registry)

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """One request; an address that is no route counts as `other`, so that no path reaches a label."""
        route = getattr(scope.get("route"), "path", "other")
        kind = (route, scope["method"] if route != "other" else "other", status)
        requests, histogram = self._of_kind.get(kind) or self._begin(kind)
        requests.inc()
        histogram.observe(seconds)

    def _begin(self, kind: tuple[str, str, int]) -> tuple[Counter, Histogram]:
        route, method, status = kind
        made = (self._requests.labels(route, method, str(status)), self._seconds.labels(route))
        self._of_kind[kind] = made
        return made

    def tell_large_export(self, rows: int, large: int, correlation_id: str) -> None:
        """Tell the operator of an export of more rows than `large` (E06); the log of reads has who and what."""
        if rows > large:
            self._large_exports.inc()
            log.warning("%s an export of %d rows was taken", correlation_id, rows)

    def text(self) -> bytes:
        """Everything counted, by all worker processes, in Prometheus' text form."""
        if SHARED_FOLDER not in os.environ:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)
        return generate_latest(together)
