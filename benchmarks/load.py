"""Ask a service over and over on some connections: requests a second, and the seconds one took.

It runs in a process of its own, `python -m benchmarks.load …`, so that its work does not slow what it measures.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections import Counter
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Load:
    """What was measured.

    Attributes:
        requests: answered in the measured seconds.
        per_second: requests a second.
        p50: median seconds of a request.
        p99: seconds that 99 of 100 did not exceed.
        statuses: answers by status.
        client_seconds: processor seconds that asking took this process, which is no part of the service.
    """

    requests: int
    per_second: float
    p50: float
    p99: float
    statuses: dict[str, int]
    client_seconds: float


class Asker(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, requests: list[bytes], first: int, until: float, taken: list[float], statuses: Counter) -> None:
        self._requests = requests
        self._next = first
        self._until = until
        self._taken = taken
        self._statuses = statuses
        self._got = bytearray()
        self._missing = -1
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Count the answer's bytes; when it is whole, ask again."""
        self._got += data
        if self._missing < 0:
            end = self._got.find(b"\r\n\r\n")
            if end < 0:
                return
            self._missing = end + 4 + _length(bytes(self._got[:end]))
        if len(self._got) >= self._missing:
            self._taken.append(time.perf_counter() - self._asked_at)
            self._statuses[self._got[9:12].decode()] += 1
            self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        """The service closed it, or it is done."""
        if not self.done.done():
            self._statuses["lost"] += 1
            self.done.set_result(None)

    def _ask(self) -> None:
        self._got.clear()
        self._missing = -1
        self._asked_at = time.perf_counter()
        if self._asked_at >= self._until:
            self.done.set_result(None)
            self._transport.close()
            return
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1


async def load(host: str, port: int, requests: list[bytes], connections: int, seconds: float) -> Load:
    """Ask on so many connections for so long, each going round the requests from another place."""
    loop = asyncio.get_running_loop()
    taken: list[float] = []
    statuses: Counter = Counter()
    begin, client_begin = time.perf_counter(), time.process_time()
    until = begin + seconds
    askers = [
        (await loop.create_connection(lambda n=n: Asker(requests, n * 7919, until, taken, statuses), host, port))[1]
        for n in range(connections)
    ]
    await asyncio.gather(*(asker.done for asker in askers))
    spent = time.perf_counter() - begin
    client = time.process_time() - client_begin
    cuts = statistics.quantiles(taken, n=100)
    return Load(len(taken), len(taken) / spent, statistics.median(taken), cuts[98], dict(statuses), client)


def get(host: str, path: str, token: str = "") -> bytes:
    """The bytes of one GET."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{authorization}\r\n".encode()


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def main() -> None:
    """Read what to ask from a file of JSON (host, port, requests), and print what was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", type=argparse.FileType())
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    plan = json.load(options.plan)
    requests = [request.encode() for request in plan["requests"]]
    found = asyncio.run(load(plan["host"], plan["port"], requests, options.connections, options.seconds))
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
