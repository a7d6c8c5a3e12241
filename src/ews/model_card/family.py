"""The family version: one page in plain words, with what is asked most and how to say no."""

from ews.document import Document, Points, Section
from ews.model_card.training import Training


def family_page(run: Training) -> Document:
    """One page for families (FAIR-10, B3): plain words, nothing about any one student."""
    write_to = run.steward.families_write_to.strip() or run.steward.contact
    days = run.bundle.policy.chronic_percent
    return Document(
        f"How your school offers mentors in {run.target_year.label}",
        "Good attendance can be built. A mentor is a friendly adult at school who can help.",
        (
            Section(
                "What we do",
                (
                    f"Most students miss a day now and then. When a student misses {days} days out of 100, it gets "
                    "hard to keep up. So we look for students who may need support this year, before it adds up.",
                    "A computer reads school records and puts students in order. Then a person at school, who knows "
                    "the students, picks whom to ask. You and your child can say yes or no.",
                ),
            ),
            Section(
                "What we look at",
                (
                    Points(
                        (
                            "How many school days were missed in past years, and when.",
                            "The grade and moves between schools.",
                            "How often others at the school, in the grade and at home were in school.",
                        )
                    ),
                    "We do not use race, gender, home language, special needs, income or housing to put students in "
                    "order. We do use them, as counts, to check that the help is shared in a fair way.",
                ),
            ),
            Section(
                "What it is for",
                (
                    "It is for one thing: to offer a mentor. It is never used to punish, to grade, to place a student "
                    "in a class, or to report a family to a court or the police.",
                    "It can be wrong. It does not know your child. You do. So a person makes each choice.",
                ),
            ),
            Section(
                "What you can ask for",
                (
                    Points(
                        (
                            "Ask what was used for your child. We will show you.",
                            "Ask us to fix a record that is not right.",
                            "Ask that your child be left out. You need not say why. It changes nothing else.",
                            "Ask for a mentor, on the list or not.",
                        )
                    ),
                    f"Where to write: {write_to}. You will hear from us within {run.steward.answered_within}.",
                ),
            ),
            Section(
                "Who checks it",
                (f"Each year a group looks at how it went and signs to go on, to change it or to stop. In it are: "
                 f"{run.steward.review_group}.",),
            ),
        ),
    )  # fmt: skip
