"""A typed client of the service, for programs: `Client(url, token).risk_list("00101")`.

Answers are the service's own schemas, checked on arrival; a refusal raises what the service said.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel

from ews_serve import schemas
from ews_serve.schemas import FeatureRow, Grade, Lane, ListedStudent

Answer = TypeVar("Answer", bound=BaseModel)
Parameters = Mapping[str, str | int | Sequence[str]]


class ServiceRefused(Exception):
    """The service said no.

    Attributes:
        status: of the answer.
        detail: the service's sentence.
        correlation_id: finds the case in the service's log.
    """

    def __init__(self, status: int, detail: str, correlation_id: str) -> None:
        super().__init__(f"{status}: {detail} ({correlation_id})")
        self.status = status
        self.detail = detail
        self.correlation_id = correlation_id


class Client:
    """One connection to a service, as one account."""

    def __init__(self, url: str, token: str, *, purpose: str = "", seconds: float = 30.0) -> None:
        """Connect.

        Args:
            url: where the service is reached, without ``/v1``.
            token: of ``ews token make``.
            purpose: why students outside the account's caseload are looked at, where that is asked for.
            seconds: to wait for an answer.
        """
        headers = {"Authorization": f"Bearer {token}", **({"Ews-Purpose": purpose} if purpose else {})}
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=seconds)

    def __enter__(self) -> Self:
        """Open."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def me(self) -> schemas.Me:
        """Who asks, and what they may ask."""
        return self._get(schemas.Me, "/v1/me")

    def schools(self) -> list[schemas.School]:
        """The schools whose lists may be seen."""
        return self._get(schemas.Schools, "/v1/schools").schools

    def risk_list(
        self, school_id: str, *, grades: Sequence[Grade] = (), lane: Lane | None = None, mine: bool = False
    ) -> Iterator[ListedStudent]:
        """A school's students, first place first, page by page.

        Raises:
            ServiceRefused: there is no such school, or none that may be seen.
        """
        wanted: dict[str, str | int | Sequence[str]] = {"grade": list(grades)}
        wanted |= {name: value for name, value in {"lane": lane, "caseload": "mine" if mine else None}.items() if value}
        after: str | None = None
        while True:
            page = self.risk_list_page(school_id, {**wanted, **({"after": after} if after else {})})
            yield from page.students
            after = page.next
            if after is None:
                return

    def risk_list_page(self, school_id: str, parameters: Parameters = {}) -> schemas.RiskList:  # noqa: B006  # not changed
        """One page of a school's list, by the parameters of the address."""
        return self._get(schemas.RiskList, f"/v1/schools/{quote(school_id, safe='')}/risk-list", parameters)

    def export(self, school_id: str, format: str = "xlsx") -> bytes:
        """A school's list as a file."""
        return self._answered(
            "GET", f"/v1/schools/{quote(school_id, safe='')}/export", params={"format": format}
        ).content

    def student(self, student_key: str) -> schemas.Student:
        """A student's line of the list."""
        return self._get(schemas.Student, f"/v1/students/{quote(student_key, safe='')}")

    def explanation(self, student_key: str) -> schemas.Explanation:
        """A student's estimate and reasons."""
        return self._get(schemas.Explanation, f"/v1/students/{quote(student_key, safe='')}/explanation")

    def history(self, student_key: str) -> schemas.History:
        """A student's attendance."""
        return self._get(schemas.History, f"/v1/students/{quote(student_key, safe='')}/history")

    def who_can_see(self, student_key: str) -> schemas.WhoCanSee:
        """Everybody who may see a student, and why."""
        return self._get(schemas.WhoCanSee, f"/v1/students/{quote(student_key, safe='')}/who-can-see")

    def score(self, rows: Sequence[FeatureRow]) -> schemas.ScoreResponse:
        """Live estimates of feature rows."""
        body = schemas.ScoreRequest(rows=list(rows)).model_dump_json()
        headers = {"Content-Type": "application/json"}
        response = self._answered("POST", "/v1/score", content=body, headers=headers)
        return schemas.ScoreResponse.model_validate_json(response.content)

    def runs(self) -> schemas.Runs:
        """The published runs."""
        return self._get(schemas.Runs, "/v1/runs")

    def model(self) -> schemas.ModelInForce:
        """The model in force."""
        return self._get(schemas.ModelInForce, "/v1/model")

    def _get(self, kind: type[Answer], path: str, parameters: Parameters = {}) -> Answer:  # noqa: B006  # not changed
        return kind.model_validate_json(self._answered("GET", path, params=dict(parameters)).content)

    def _answered(self, method: str, path: str, **what: Any) -> httpx2.Response:
        response = self._http.request(method, path, **what)
        if response.status_code >= httpx2.codes.BAD_REQUEST:
            raise _refused(response)
        return response


def _refused(response: httpx2.Response) -> ServiceRefused:
    try:
        told = response.json()
        return ServiceRefused(response.status_code, str(told["detail"]), str(told["correlation_id"]))
    except (ValueError, KeyError, TypeError):
        return ServiceRefused(response.status_code, "The answer is not the service's own.", "")
