"""uvicorn waits for ever for a request head (W10); ours does not."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
import uvicorn

from ews_serve.connections import PromptProtocol

SECONDS = 0.5
SILENT = 1_000
REQUEST = b"GET / HTTP/1.1\r\nHost: ews\r\n\r\n"


async def hello(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[int]:
    config = uvicorn.Config(
        hello, port=0, http=PromptProtocol, ws="none", lifespan="off", log_level="error", timeout_keep_alive=SECONDS
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running


async def seconds_until_closed(reader: asyncio.StreamReader, begin: float) -> float:
    await asyncio.wait_for(reader.read(), timeout=10 * SECONDS)
    return time.monotonic() - begin


async def closed_after(port: int, *pieces: bytes, pause: float = 0.1) -> float:
    """Seconds from opening a connection, and sending some bytes now and then, until the service closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begin = time.monotonic()
    closing = asyncio.create_task(seconds_until_closed(reader, begin))
    for piece in pieces:
        if closing.done():
            break
        writer.write(piece)
        await asyncio.sleep(pause)
    seconds = await closing
    writer.close()
    return seconds


@pytest.mark.parametrize(
    "pieces",
    [(), (b"GET / HT",), (REQUEST[:-2],), tuple(bytes([byte]) for byte in REQUEST[:-2])],
    ids=["silent", "part of a line", "head without its end", "a byte now and then"],
)
def test_a_connection_without_a_whole_head_is_closed_in_time_W10(pieces: tuple[bytes, ...]):
    async def scenario() -> float:
        async with listening() as port:
            return await closed_after(port, *pieces)

    assert SECONDS * 0.9 <= asyncio.run(scenario()) < SECONDS * 3


def test_after_an_answer_half_a_head_is_not_waited_for_either_W10():
    async def scenario() -> float:
        async with listening() as port:
            return await closed_after(port, REQUEST, *([b"G"] * 30))

    assert asyncio.run(scenario()) < SECONDS * 4


def test_whoever_keeps_asking_is_not_cut_off():
    async def scenario() -> int:
        async with listening() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            answers = 0
            for _ in range(5):
                writer.write(REQUEST)
                answers += (await reader.readuntil(b"hi")).endswith(b"hi")
                await asyncio.sleep(SECONDS * 0.5)
            writer.close()
            return answers

    assert asyncio.run(scenario()) == 5


def test_a_thousand_silent_connections_starve_nobody_and_are_closed_W10():
    async def scenario() -> tuple[float, int]:
        async with listening() as port:
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(SILENT)]
            begin = time.monotonic()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(REQUEST)
            await reader.readuntil(b"hi")
            answered = time.monotonic() - begin
            writer.close()
            closed = await asyncio.gather(*(asyncio.wait_for(one.read(), 10) for one, _ in silent))
            for _, silent_writer in silent:
                silent_writer.close()
            return answered, closed.count(b"")

    answered, closed = asyncio.run(scenario())
    assert answered < SECONDS
    assert closed == SILENT
