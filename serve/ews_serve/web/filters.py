"""What of a school's list is shown, and in which order: a form that is sent as an address."""

from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import Query

from ews.follow_up import State
from ews_serve.schemas import Grade, Lane
from ews_serve.web.wording import LANES, STATES, grade_text

ALL_GRADES = ("PK", "KG", *(f"{number:02d}" for number in range(1, 13)))

OfGrade = Annotated[Grade | Literal[""], Query(alias="grade")]
OfLane = Annotated[Lane | Literal[""], Query()]
OfState = Annotated[State | Literal[""], Query()]
Whose = Annotated[Literal["", "mine"], Query()]
Show = Annotated[Literal["to-do", "all"], Query()]
Sort = Annotated[Literal["priority", "grade", "name"], Query()]
Number = Annotated[int, Query(ge=1, le=10_000)]


def school_path(school_id: str) -> str:
    """The address of a school's list; an id may hold anything that can be printed.

    >>> school_path("033"), school_path("K 1?ü")
    ('/schools/033', '/schools/K%201%3F%C3%BC')
    """
    return f"/schools/{quote(school_id, safe='')}"


@dataclass(frozen=True)
class Choice:
    """One value of a filter."""

    value: str
    text: str
    is_chosen: bool


@dataclass(frozen=True)
class Filters:
    """What of a list is shown.

    Attributes:
        grade, lane, state, whose: empty leaves nothing out.
        show: the to-do, or everybody on the list.
        sort: by priority, grade or name.
    """

    grade: str = ""
    lane: str = ""
    state: str = ""
    whose: str = ""
    show: str = "to-do"
    sort: str = "priority"

    def query(self, number: int = 1) -> str:
        """The same as an address has it."""
        values = {"grade": self.grade, "lane": self.lane, "state": self.state, "whose": self.whose}
        told = {name: value for name, value in values.items() if value}
        told |= {"show": self.show} if self.show != "to-do" else {}
        told |= {"sort": self.sort} if self.sort != "priority" else {}
        told |= {"number": str(number)} if number > 1 else {}
        return f"?{urlencode(told)}" if told else ""

    def choices(self, *, may_choose_state: bool) -> tuple[tuple[str, str, tuple[Choice, ...]], ...]:
        """Every filter: name, label and its values."""
        states = {"": "Any", **{state.value: text for state, text in STATES.items()}} if may_choose_state else {}
        grades = {"": "All", **{grade: grade_text(grade) for grade in ALL_GRADES}}
        found = (
            ("show", "Show", {"to-do": "Still to reach", "all": "Everyone on the list"}, self.show),
            ("grade", "Grade", grades, self.grade),
            ("whose", "Whose", {"": "All I may see", "mine": "My caseload"}, self.whose),
            ("lane", "Last year", {"": "All", **LANES}, self.lane),
            ("state", "Where it stands", states, self.state),
            ("sort", "Order", {"priority": "Whom to reach first", "grade": "Grade", "name": "Name"}, self.sort),
        )
        return tuple(
            (name, label, tuple(Choice(value, text, value == chosen) for value, text in values.items()))
            for name, label, values, chosen in found
            if values
        )
