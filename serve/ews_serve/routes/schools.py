"""A school's risk list."""

from fastapi import APIRouter

from ews.reasons import FOOTER
from ews_serve.answers import listed_student, run_of
from ews_serve.problems import Refused
from ews_serve.requests import InForce
from ews_serve.schemas import RiskList

router = APIRouter(prefix="/v1/schools", tags=["schools"])


@router.get("/{school_id}/risk-list")
def risk_list(school_id: str, published: InForce) -> RiskList:
    """The school's students in the scoring run in force, first the one most likely to miss a tenth of the year."""
    run = published.scoring_run()
    rows = run.school(school_id)
    if rows is None:
        raise Refused(404)
    return RiskList(
        run=run_of(run.provenance), school_id=school_id, students=[listed_student(row) for row in rows], footer=FOOTER
    )
