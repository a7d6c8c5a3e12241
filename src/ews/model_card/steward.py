"""What only people know: who answers for the model, who reviews it, where a family writes."""

from dataclasses import dataclass

from ews.districts import is_pretend
from ews.errors import InvalidPolicy
from ews.home import Home
from ews.policy import read_toml

CARD_FILE = "card.toml"


@dataclass(frozen=True)
class Steward:
    """The fields of `card.toml`.

    Attributes:
        contact: who answers for the model, and how to reach them.
        families_write_to: where a family asks or objects; the contact where left out.
        answered_within: how soon a family hears back.
        review_group: who signs the yearly review.
        review_due: when the next review is due.
    """

    contact: str = ""
    families_write_to: str = ""
    answered_within: str = "ten school days"
    review_group: str = (
        "a counselor, a parent, someone for students with disabilities and English learners, a data person"
    )
    review_due: str = "before the lists of the next school year are made"

    @classmethod
    def from_toml(cls, text: str) -> "Steward":
        """Read the fields; keys left out keep their default.

        Raises:
            InvalidPolicy: not TOML, an unknown key, or a value that is no text.
        """
        return read_toml(cls, text, CARD_FILE)


_NOBODY = "the people who run the demo, since no student of this district is real"


def steward_of(home: Home) -> Steward:
    """Who answers for the models of a home: its `card.toml`; a simulated district needs none.

    Raises:
        InvalidPolicy: a required field is empty; the message says how to set it.
    """
    path = home.path / CARD_FILE
    told = Steward.from_toml(path.read_text(encoding="utf-8")) if path.exists() else Steward()
    if not told.contact.strip() and is_pretend(home.ingested()):
        told = Steward.from_toml(f'contact = "{_NOBODY}"')
    empty = [name for name, value in vars(told).items() if not value.strip() and name != "families_write_to"]
    if empty:
        raise InvalidPolicy(
            f"A model card needs: {', '.join(empty)}. Write into {path} a line such as "
            f'{empty[0]} = "Office of Attendance, attendance@district.example" (docs/cards.md lists the fields).'
        )
    return told
