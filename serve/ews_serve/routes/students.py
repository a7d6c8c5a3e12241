"""One student's explanation."""

from fastapi import APIRouter

from ews.reasons import FOOTER
from ews_serve.answers import contributions_of, feature_row, listed_student, run_of
from ews_serve.problems import Refused
from ews_serve.requests import InForce
from ews_serve.schemas import Explanation

router = APIRouter(prefix="/v1/students", tags=["students"])


@router.get("/{student_id}/explanation")
def explanation(student_id: str, published: InForce) -> Explanation:
    """The student's estimate in the scoring run in force, its reasons, and the features it was made of."""
    run = published.scoring_run()
    rows = run.student(student_id)
    if rows is None:
        raise Refused(404)
    line, explained = rows
    return Explanation(
        run=run_of(run.provenance),
        school_id=line["school_id"],
        student=listed_student(line),
        base=explained["base"],
        raw_score=explained["raw_score"],
        contributions=contributions_of(explained),
        row=feature_row(line, explained),
        footer=FOOTER,
    )
