"""Schools, their risk lists, and the lists as files."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response

from ews.access import Scope, Stay, View
from ews.exports import attachment
from ews.store.reading import MOST_ROWS, After, Line, Order, Page, Run, Wanted, risk_list_page, schools_seen
from ews.store.reading import School as SeenSchool
from ews_serve import cursors
from ews_serve.answers import list_text, notices_of
from ews_serve.asked import Asked, Asking, json_text, of_run
from ews_serve.files import Format, list_file
from ews_serve.problems import Refused
from ews_serve.schemas import Grade, Lane, RiskList, School, Schools

router = APIRouter(prefix="/v1/schools", tags=["schools"])

SchoolId = Annotated[str, Path(pattern=r"^[^\x00-\x1f\x7f]{1,64}$", description="The district's id, as given.")]
Grades = Annotated[list[Grade], Query(alias="grade", max_length=14, description="Only these grades.")]
OfLane = Annotated[Lane | None, Query(description="Only this lane.")]
Caseload = Annotated[Literal["mine"] | None, Query(description="Only your own caseload. A filter, not a permission.")]
Sort = Annotated[Order, Query(description="Within equal values by the random key.")]


@router.get("")
def schools(asked: Asking) -> Schools:
    """The schools whose lists you may see."""
    scope = asked.scope(View.RISK_LIST)
    with asked.service.store.reading() as connection:
        found = schools_of(connection, scope)
    return Schools(schools=[School(school_id=one.school_id, name=one.name, level=one.level) for one in found])


@router.get("/{school_id}/risk-list", response_model=RiskList)
def risk_list(
    asked: Asking,
    school_id: SchoolId,
    grade: Grades = [],  # noqa: B006  # the framework copies it
    lane: OfLane = None,
    caseload: Caseload = None,
    sort: Sort = Order.RANK,
    after: Annotated[str | None, Query(max_length=cursors.MOST_CHARACTERS, description="`next` of a page.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = MOST_ROWS,
    if_none_match: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """The school's students in the run in force, first the one most likely to miss a tenth of the year.

    Only students you may see are in it. `ETag` changes when the answer does; send it back as `If-None-Match`.
    """
    scope = asked.scope(View.RISK_LIST)
    wanted = _wanted(asked, school_id, grade, lane, caseload, sort)
    place = cursors.place_of(after, sort)
    with asked.service.store.reading() as connection:
        run = asked.run_in_force(connection)
        page = risk_list_page(connection, run.run_id, scope, wanted, after=place, limit=limit)
        refuse_unseen_school(connection, scope, school_id, page.lines)
    text = list_text(run, school_id, page, cursors.cursor_of(page.after, sort), _notices(asked, run))
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    asked.log_list(scope, "shown", page.lines, school_id=school_id, **of_run(run))
    if tag in if_none_match:
        return Response(status_code=304, headers={"ETag": tag})
    return json_text(text, {"ETag": tag})


@router.get("/{school_id}/export", response_class=Response, responses={200: {"content": Format.media_types()}})
def export(
    asked: Asking,
    school_id: SchoolId,
    format: Annotated[Format, Query(description="xlsx for people, csv and json for programs.")] = Format.XLSX,
    grade: Grades = [],  # noqa: B006  # the framework copies it
    lane: OfLane = None,
    caseload: Caseload = None,
) -> Response:
    """The school's list as a file, whole and of one run, with a block on top that says what it is.

    It holds education records; the export is in the log with the name of who took it.
    """
    scope = asked.scope(View.EXPORT)
    wanted = _wanted(asked, school_id, grade, lane, caseload, Order.RANK)
    with asked.service.store.reading() as connection:
        run = asked.run_in_force(connection)
        lines = list(every_line(connection, run, scope, wanted))
        refuse_unseen_school(connection, scope, school_id, lines)
    file = list_file(format, run, wanted, lines, asked, _notices(asked, run))
    asked.log_list(scope, "exported", lines, school_id=school_id, **of_run(run))
    asked.service.measures.tell_large_export(len(lines), asked.service.settings.large_export_rows, asked.correlation_id)
    name = f"risk list {school_id} {run.run_id}.{format.value}"
    return Response(file, media_type=format.media_type, headers={"Content-Disposition": attachment(name)})


def every_line(connection: Any, run: Run, scope: Scope, wanted: Wanted) -> Iterator[Line]:
    """All lines, page by page, within the transaction of the connection: of one run, whatever is published (E07)."""
    after: After | None = None
    while True:
        page: Page = risk_list_page(connection, run.run_id, scope, wanted, after=after, limit=MOST_ROWS)
        yield from page.lines
        after = page.after
        if after is None:
            return


def schools_of(connection: Any, scope: Scope) -> list[SeenSchool]:
    """The schools where the viewer has a role, with some student who may be seen.

    A student who is enrolled at another school as well does not open that one's list.
    """
    return [school for school in schools_seen(connection, scope) if _covers(scope, school)]


def refuse_unseen_school(connection: Any, scope: Scope, school_id: str, lines: Sequence[Line]) -> None:
    """A list without lines is shown of a school whose students may be seen; any other school does not exist (SEC-12).

    Raises:
        Refused: 404.
    """
    has_role = any(part.grant.school_id in (None, school_id) for part in scope.parts)
    if not has_role or (not lines and school_id not in {school.school_id for school in schools_of(connection, scope)}):
        raise Refused(404)


def _covers(scope: Scope, school: SeenSchool) -> bool:
    here = Stay(school.school_id, scope.on, None, school.district_id)
    also = scope.and_also is None or _covers(scope.and_also, school)
    return also and any(part.grant.covers(here) for part in scope.parts)


def _wanted(
    asked: Asked, school_id: str, grades: list[Grade], lane: Lane | None, caseload: str | None, order: Order
) -> Wanted:
    return Wanted(school_id, tuple(grades), lane, asked.viewer.staff_key if caseload else None, order)


def _notices(asked: Asked, run: Run) -> list[str]:
    return notices_of(run, asked.at, asked.service.live.trouble)
