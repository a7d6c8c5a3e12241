"""Records of a live Ed-Fi ODS/API, fetched into a folder that the Ed-Fi source reads.

The first fetch brings everything, each later one what was changed and deleted since (change queries). What was fetched
is kept as the API sent it, one JSON object a line, so that an ingest can be repeated without the network.
"""

import contextlib
import functools
import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ews.errors import EngineNotInstalled, InputRefused
from ews.home import new_folder, read_json, to_json, write_atomically
from ews.sis.edfi.resources import RESOURCES, Resource

_PAGE = 500
_SECONDS = 120
_RETRIES = 5
_NOT_OPEN = (403, 404)
_LOCAL = ("localhost", "127.0.0.1", "::1")
_STATE = "fetched.json"
_WHOLE = "version=whole"


@dataclass(frozen=True)
class Ods:
    """A live ODS/API and the credentials of one client of it.

    Attributes:
        url: its base, without `/data/v3`.
        key: the client's key.
        secret: the client's secret; never shown, kept or logged.
        school_year: for an ODS that keeps each year apart.
        instance: for an ODS that keeps districts apart by a code.
    """

    url: str
    key: str
    secret: str
    school_year: int | None = None
    instance: str | None = None

    def __repr__(self) -> str:
        return f"Ods({self.url})"


@dataclass(frozen=True)
class Fetched:
    """What a fetch brought.

    Attributes:
        records: by resource, new or changed records.
        deletes: by resource, records that were deleted.
        change_version: what the ODS had reached; None where it offers no change queries and everything was fetched.
    """

    records: Mapping[str, int]
    deletes: Mapping[str, int]
    change_version: int | None


def fetch(ods: Ods, folder: Path, *, progress: Callable[[str], None] = lambda _: None) -> Fetched:
    """Fetch what is new into `folder`; it holds a whole fetch more when this returns, and nothing new when this raises.

    Raises:
        InputRefused: not a safe address, no answer, credentials not taken, or fewer records than the ODS counts.
        EngineNotInstalled: the client library is not on this machine.
    """
    _check_address(ods)
    known = _known(ods, folder)
    _check_installed()
    with _answers(ods):
        _check_alive(ods)
        client = _connect(ods)
        progress(f"Signed in at {urlsplit(ods.url).hostname}")
        reached = _newest_change(client)
        since = known.get("change_version")
        if reached is not None and since == reached:
            return Fetched({}, {}, reached)
        window = {} if reached is None else {"minChangeVersion": 0 if since is None else since + 1,
                                             "maxChangeVersion": reached}  # fmt: skip
        name = _WHOLE if reached is None else f"version={reached:020d}"
        if reached is None:
            shutil.rmtree(folder / _WHOLE, ignore_errors=True)
        with new_folder(folder / name) as fresh:
            fetched = _fetch_all(client, fresh, window, with_deletes=since is not None, progress=progress)
        write_atomically(folder / _STATE, to_json({"url": ods.url, "change_version": reached}))
    return Fetched(*fetched, reached)


def _check_address(ods: Ods) -> None:
    parts = urlsplit(ods.url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise InputRefused(
            f"{ods.url} is no https address. Records of students and the client's secret go over https only."
        )
    if not ods.key or not ods.secret:
        raise InputRefused(
            "The key and secret of an Ed-Fi API client are needed. Ask the ODS's administrator for them."
        )


def _known(ods: Ods, folder: Path) -> dict[str, Any]:
    if not (folder / _STATE).exists():
        return {}
    known = read_json(folder / _STATE)
    if known["url"] != ods.url:
        raise InputRefused(
            f"{folder} holds records of another ODS. Fetch each ODS into a folder of its own, or remove the old folder."
        )
    return known


@contextlib.contextmanager
def _answers(ods: Ods) -> Iterator[None]:
    # The client is made of requests; what it raises may hold the address but never the secret.
    import requests

    host = urlsplit(ods.url).hostname
    try:
        yield
    except requests.HTTPError as error:
        status = getattr(error.response, "status_code", "no")
        raise InputRefused(
            f"The ODS at {host} answered with status {status}. Nothing was changed. With 401 the key or secret is not "
            "taken; with 403 the client may not read a resource; with 5xx or 429 try again later."
        ) from error
    except requests.RequestException as error:
        raise InputRefused(
            f"The ODS at {host} did not answer as an Ed-Fi API does. Nothing was changed. Check its address."
        ) from error


def _check_installed() -> None:
    if importlib.util.find_spec("edfi_api_client") is None:
        raise EngineNotInstalled(
            "Fetching from a live ODS needs edfi-api-client. Install it with: pip install 'ews[edfi]'"
        )


def _connect(ods: Ods) -> Any:
    from edfi_api_client import EdFiClient

    client = EdFiClient(
        ods.url, ods.key, ods.secret, api_year=ods.school_year, instance_code=ods.instance, retry_on_failure=True,
        max_retries=_RETRIES,
    )  # fmt: skip
    http = client.connect(retry_on_failure=True, max_retries=_RETRIES).session
    http.request = functools.partial(http.request, timeout=_SECONDS)
    return client


def _check_alive(ods: Ods) -> None:
    # The client waits for ever for a server that takes a connection and says nothing; so it is asked first.
    import requests

    requests.get(ods.url, timeout=_SECONDS).raise_for_status()


def _newest_change(client: Any) -> int | None:
    import requests

    try:
        return int(client.get_newest_change_version())
    except requests.HTTPError as error:
        if error.response is not None and error.response.status_code == 404:
            return None
        raise


def _fetch_all(
    client: Any, folder: Path, window: Mapping[str, int], *, with_deletes: bool, progress: Callable[[str], None]
) -> tuple[dict[str, int], dict[str, int]]:
    import requests

    records, deletes = {}, {}
    for resource in RESOURCES:
        progress(f"Fetching {resource.name}")
        try:
            records[resource.name] = _fetch(client, resource, folder / f"{resource.name}.jsonl", window)
        except requests.HTTPError as error:
            if resource.required or error.response is None or error.response.status_code not in _NOT_OPEN:
                raise
            (folder / f"{resource.name}.jsonl").unlink()
            progress(f"{resource.name} is not open to this client and is left out")
            continue
        if with_deletes:
            gone = folder / f"{resource.name}_deletes.jsonl"
            deletes[resource.name] = _fetch(client, resource, gone, window, deletes=True)
    return records, deletes


def _fetch(client: Any, resource: Resource, path: Path, window: Mapping[str, int], *, deletes: bool = False) -> int:
    endpoint = client.resource(resource.name, get_deletes=deletes, params=dict(window))
    ids: set[str] = set()
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for page in _pages(endpoint, window):
            ids.update(str(record.get("id") or record.get("Id")) for record in page)
            file.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in page)
    # Counted afterwards: what was changed meanwhile has left the window and comes with the next fetch.
    there = endpoint.get_total_count()
    if len(ids) < there:
        raise InputRefused(
            f"The ODS counts {there} records of {path.stem}, and {len(ids)} came. Nothing was changed. Fetch again."
        )
    return len(ids)


def _pages(endpoint: Any, window: Mapping[str, int]) -> Iterator[list[dict[str, Any]]]:
    if not window:
        yield from endpoint.get_pages(page_size=_PAGE)
        return
    # From the last page to the first: a record that leaves the window meanwhile moves no unread one out of sight.
    step = window["maxChangeVersion"] - window["minChangeVersion"] + 1
    yield from endpoint.get_pages(
        page_size=_PAGE, step_change_version=True, reverse_paging=True, change_version_step_size=step
    )
