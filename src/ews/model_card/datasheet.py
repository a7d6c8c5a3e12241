"""The datasheet: where the records come from, what is in them, what was done to them, and what they may be used for."""

from ews.charts import in_words
from ews.document import Block, Document, Points, Section, Table
from ews.model_card.card import FORBIDDEN, PURPOSE
from ews.model_card.training import Training
from ews.school_year import SchoolYear
from ews.tables import PROTECTED


def datasheet(run: Training) -> Document:
    """The datasheet of the records a model learned from, after the seven questions of Gebru et al. 2021."""
    manifest = run.manifest
    years = [SchoolYear(int(year)).label for year in manifest["school_years"]]
    districts = ", ".join(run.made["districts"]) or "a district that the records do not name"
    return Document(
        f"Datasheet: attendance records {manifest['id']}",
        f"Records of {districts}, school years {years[0]} to {years[-1]}, "
        f"{'through ' + str(manifest['data_through']) if manifest['data_through'] else 'as yearly totals'}.",
        (
            Section("Motivation", _motivation()),
            Section("Composition", _composition(run)),
            Section("Collection process", _collection(run)),
            Section("Preprocessing, cleaning and labeling", _cleaning(run)),
            Section("Uses", (PURPOSE, "Never for:", Points(FORBIDDEN))),
            Section("Distribution", _distribution()),
            Section("Maintenance", _maintenance(run)),
        ),
    )


def _motivation() -> tuple[Block, ...]:
    return (
        "Schools record attendance because the law and their care for students ask for it, not for this model. The "
        "district that holds the records hands them in for one purpose: to offer mentors in time.",
    )


def _composition(run: Training) -> tuple[Block, ...]:
    return (
        "One row a student, stay, instructional day or attendance mark. Ids are those of the student information "
        "system, kept as text; there are no names, addresses or health records. A household has an id where "
        "siblings are known, and a day away says how it was coded: excused, unexcused or suspended.",
        Table(
            "Rows of each table: read = accepted + rejected + duplicates",
            ("table", "read", "accepted", "rejected", "duplicates"),
            tuple(
                (in_words(name), *(f"{count[key]:,}" for key in ("read", "accepted", "rejected", "duplicates")))
                for name, count in run.manifest["counts"].items()
            ),
        ),
        f"Protected attributes, where they are handed in, stand in a table of their own: "
        f"{', '.join(in_words(name) for name in PROTECTED)}.",
    )


def _collection(run: Training) -> tuple[Block, ...]:
    return (
        f"Exported from the district's system as {_KINDS.get(run.manifest['source'], run.manifest['source'])}. Schools "
        "mark attendance by their own habits; codes and calendars differ between schools and years.",
        Table(
            "Files, by the first digits of their SHA-256",
            ("file", "bytes", "SHA-256"),
            tuple((name, f"{about['bytes']:,}", about["sha256"][:16]) for name, about in run.manifest["files"].items()),
        ),
    )


_KINDS = {"flat": "flat files, one a table", "yearly": "a sheet of yearly totals"}


def _cleaning(run: Training) -> tuple[Block, ...]:
    dropped = run.manifest["dropped_columns"]
    named = [f"{file}: {', '.join(columns)}" for file, columns in dropped.items() if columns]
    return (
        "Every row that was not taken is listed with file, line, rule and what to do; nothing is guessed or filled in. "
        "Whatever is unknown stays unknown.",
        Points(tuple(named) and ("Columns left unread:", *named) or ("No column was left unread.",)),
        f"Student years without any record: {run.manifest['empty_student_years']:,}.",
        f"Labels: {run.bundle.policy.chronic_percent} % of the enrolled days or more, on exact counts, with at least "
        f"{run.bundle.policy.min_days_enrolled} enrolled days; the model card has all parameters.",
    )


def _distribution() -> tuple[Block, ...]:
    return (
        "The records stay in the district's home folder and are handed to nobody. This sheet holds counts and no "
        "student.",
    )


def _maintenance(run: Training) -> tuple[Block, ...]:
    return (
        f"Kept and corrected by the district. Contact: {run.steward.contact}.",
        "A correction in the student information system comes in with the next ingest; a feed that is much smaller or "
        "older than the one before is refused. Earlier ingests stay until the district removes them.",
    )
