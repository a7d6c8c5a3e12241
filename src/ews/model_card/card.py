"""The model card: what the model is for, what it was made from, how good it is, for whom, and what it cannot know."""

import hashlib
from collections import Counter
from typing import Any

from ews.charts import in_words, recall_chart, reliability_chart
from ews.document import Block, Document, Points, Section, Table
from ews.model_card.attributes import attributes
from ews.model_card.training import Training
from ews.reliability import calibration_table
from ews.result_tables import (
    audit_tables,
    calibration_facts,
    difference_tables,
    in_a_sentence,
    of_everybody,
    result_tables,
)
from ews.school_year import SchoolYear
from ews.subgroups import ATTRIBUTES
from ews.tables import PRETEND, PROTECTED

PURPOSE = (
    "To find students to whom a voluntary mentor could be offered in time. Mentors are few; the model orders students "
    "of one school, and a person who knows them decides whom to ask."
)

FORBIDDEN = (
    "discipline",
    "truancy referral",
    "grading",
    "placement",
    "admission",
    "evaluation of staff",
    "sharing with police or immigration authorities",
    "as the sole basis for anything",
)
"""Uses that are forbidden (FAIR-1)."""

ALWAYS_UNKNOWN = (
    "It knows nothing of health, family or transport. Reasons are patterns the model used, not causes.",
    "Whether a mentor helps is not measured here. Students with high numbers one year have lower ones the next without "
    "any help, so before and after says nothing.",
    "When absence moves for everybody, every probability is off until it is recalibrated; the order suffers less.",
    "Excused and unexcused are partly a school's paperwork. What is recorded late or not at all is not seen.",
    "Leaving attributes out does not make a model blind to them: attendance carries traces of them.",
)
"""Gaps of every model of this kind."""

_METRIC_WORDS = (
    "AUC: how often a chronically absent student is placed above another one; 0.5 is by lot.",
    "Average precision: the mean share of right listings over lists of all lengths.",
    "Brier: mean squared distance of probability and outcome; lower is better.",
    "Precision at k, recall at k: of the listed the share who became chronically absent, and of these the share who "
    "were listed, when each school lists its k students.",
    "Said minus came: mean probability minus observed share; 0 is right.",
)


def model_card(run: Training) -> Document:
    """The card; its first line says whether the model beats last year's rate at the lists' length (FAIR-8)."""
    return Document(
        f"Model card: chronic absence in {run.target_year.label}, {run.as_of}",
        in_a_sentence(run.differences),
        (
            Section("Model details", _details(run)),
            Section("Intended use", _use()),
            Section("What is predicted", _label(run)),
            Section("Factors", _factors(run)),
            Section("Training data", _training_data(run)),
            Section("Evaluation data", _evaluation_data(run)),
            Section("Metrics", (Points(_METRIC_WORDS),)),
            Section("Results beside four rules", _results(run)),
            Section("Calibration", _calibration(run)),
            Section("Results by group", _groups(run)),
            Section("Protected attributes", attributes(run)),
            Section("Ethical considerations", _ethics()),
            Section("Known gaps", (Points((*_gaps(run), *ALWAYS_UNKNOWN)),)),
            Section("Contact", (run.steward.contact, "Families: see the family page for how to ask and to object.")),
            Section("Yearly review", _review(run)),
            Section("Change log", (Points(_changes(run)),)),
        ),
    )


def feature_hash(run: Training) -> str:
    """The SHA-256 of the features' names in order, which tells two lists of features apart."""
    return hashlib.sha256("\n".join(run.bundle.model.feature_names).encode()).hexdigest()


def _details(run: Training) -> tuple[Block, ...]:
    made, versions = run.made, run.bundle.manifest["versions"]
    groups = Counter(str(entry["group"]) for entry in run.bundle.features)
    facts = {
        "version": str(run.version.version) if run.version else "numbered by the registry when training ends",
        "trained": run.version.trained_at if run.version else "in the run that holds this card",
        "bundle": run.bundle.sha256,
        "kind": f"LightGBM {versions['lightgbm']}: {made['rounds']} trees of at most {made['leaves']} leaves, "
        "which learn how far past the line a year ended; last steps over how many years are known, and calibration, on "
        "school years held out; monotone where sense demands",
        "settings": ", ".join(f"{in_words(name)} {made[name]}" for name in _SETTINGS),
        "features": f"{len(run.bundle.features)}: " + ", ".join(f"{name} {count}" for name, count in groups.items()),
        "features' hash": feature_hash(run),
        "code": f"ews {versions['ews']}, {made['code'] or 'not a checkout'}",
        "licence": "Apache-2.0 for the code; the model stays in the district",
    }
    return (Table("The model", ("what", "value"), tuple(facts.items())),)


_SETTINGS = (
    "learning_rate", "min_rows_in_leaf", "l2", "feature_share", "row_share", "random_cuts", "half_life_years",
    "recent_share", "recent_half_life_years", "seed",
)  # fmt: skip


def _use() -> tuple[Block, ...]:
    return (
        PURPOSE,
        "Users: counselors, school teams and those who coordinate mentors. Families may ask what was used.",
        "Never for:",
        Points(FORBIDDEN),
    )


def _label(run: Training) -> tuple[Block, ...]:
    policy = run.bundle.policy
    return (
        f"The probability that a student misses at least {policy.chronic_percent} % of the enrolled days of "
        f"{run.target_year.label}, for any reason, on exact counts; and that of each other threshold below. A day "
        "counts as missed when half of it or more is.",
        Table(
            "The numbers behind the definition",
            ("parameter", "value"),
            tuple((in_words(name), _plain(value)) for name, value in vars(policy).items()),
        ),
    )


def _factors(run: Training) -> tuple[Block, ...]:
    audited = [name for name in run.audited["dimension"].unique() if name != "all"]
    return (
        f"Protected attributes are never features: {_words(PROTECTED)}. They are used for one thing, to compare how "
        "well each group is served. Rates of the school, the grade and other students of the household are features.",
        f"Results are told by: {_words(audited) or 'no dimension, since the records tell none'}.",
    )


def _training_data(run: Training) -> tuple[Block, ...]:
    made, policy = run.made, run.bundle.policy
    years = ", ".join(SchoolYear(int(year)).label for year in made["learned_from"])
    return (
        f"{made['student_years']:,} students and target years, of {years}, from the records {made['data_id']} of "
        f"{', '.join(made['districts']) or 'a district that the records do not name'}. The datasheet describes them.",
        "Left out:",
        Points(
            (
                f"student years with fewer than {policy.min_days_enrolled} enrolled days, whose outcome is unknown",
                f"grades below {policy.listed_grades_from}",
                "school years that had not ended, and the first one, before which nothing is known",
                f"whatever was recorded on or after the as-of point: estimates are made {run.as_of}",
            )
        ),
        _of_recent_years(made),
        *_of_a_prior(made.get("prior")),
        *_with_a_mentor(made.get("treated_students")),
    )


def _of_recent_years(made: dict[str, Any]) -> str:
    """How much years past count."""
    said = f"Recent years count more: after {made['half_life_years']:g} school years a row counts half"
    if not made["recent_share"]:
        return f"{said}."
    return f"{said}, and for the last {made['recent_share']:.0%} of the trees after {made['recent_half_life_years']:g}."


def _of_a_prior(told: dict[str, Any] | None) -> tuple[str, ...]:
    """On whose trees learning went on; most models have no prior."""
    if told is None:
        return ()
    years = ", ".join(SchoolYear(int(year)).label for year in told["learned_from"])
    return (
        f"Learning went on from a prior: the model {told['sha256'][:12]}, trained on {told['student_years']:,} student "
        f"years of other districts ({', '.join(told['districts']) or 'not named'}), target years {years}. What these "
        "records tell is learned on top of it; the figures of this card hold for both together.",
    )


def _with_a_mentor(told: dict[str, Any] | None) -> tuple[str, ...]:
    """What was done with students who had a mentor (FAIR-21); a bundle of before that was asked says nothing of it."""
    if told is None:
        return ("Students who had a mentor are learned from like the others.",)
    did = {
        "exclude": "are not learned from",
        "weight": "are not learned from; others count more in their stead",
        "keep": f"are learned from like the others. Why: {told['why_kept'] or 'nobody is known to have had one'}",
    }[told["rule"]]
    unknown = [year for year, of_year in told["by_year"].items() if of_year["treatment"] == "treatment unknown"]
    where = ", ".join(SchoolYear.parse(year).label for year in unknown)
    gap = (f"Treatment unknown, since mentoring is not recorded: {where}.",) if unknown else ()
    return (f"Students who had a mentor in a target year {did}.", *gap)


def _evaluation_data(run: Training) -> tuple[Block, ...]:
    year = SchoolYear(int(run.predictions["school_year"].max()))
    return (
        f"{len(run.predictions):,} students of {year.label}, predicted by a model that had learned from earlier target "
        "years only (or, where there is one target year, from other schools of it). The model of this card then "
        "learned from that year, too.",
        f"k is {run.bundle.policy.slots_percent} % of each school's students in the group. Intervals are 95 %, from "
        "resampling whole schools.",
    )


def _results(run: Training) -> tuple[Block, ...]:
    policy = run.bundle.policy
    known = "not yet chronic" in set(run.differences["group"])
    of_main_group = (in_a_sentence(run.differences, group="not yet chronic"),) if known else ()
    return (
        *of_main_group,
        *result_tables(run.evaluation, policy),
        *difference_tables(run.differences, run.evaluation, policy),
    )


def _calibration(run: Training) -> tuple[Block, ...]:
    policy = run.bundle.policy
    return (
        reliability_chart(run.predictions, policy),
        calibration_facts(of_everybody(calibration_table(run.predictions, policy))),
    )


def _groups(run: Training) -> tuple[Block, ...]:
    said = tuple(finding.text for finding in run.findings) or ("It found nothing.",)
    return (
        f"Nothing is told of fewer than {run.bundle.policy.min_n} students, nor of a group by which such a group could "
        "be worked out: hidden. Groups differ in need, so equal recall and equal calibration cannot both hold; recall "
        "is chosen, and both are told.",
        recall_chart(run.audited),
        *audit_tables(run.audited),
        "What the gate says:",
        Points(said),
    )


def _ethics() -> tuple[Block, ...]:
    return (
        "A slot with a mentor is help, and there are few: the harm to avoid is a student who needs support and is "
        "passed over, more often in one group than in another. A wasted slot is a cost, and can be felt as a label.",
        "A gap is mended in this order: data, more history, a look by people, slots by rule. Scores are never adjusted "
        "in silence by group.",
        "Estimates are shown as an order with reasons that can be checked against the record, never as a verdict. "
        "Anyone may say that no estimate be made of a student.",
    )


def _gaps(run: Training) -> tuple[str, ...]:
    """What this very training leaves open."""
    missing = [name for name in ATTRIBUTES if name not in set(run.audited["dimension"])]
    constant = [str(name) for name in run.bundle.manifest["constant_features"]]
    hidden = run.audited[run.audited["suppressed"]].drop_duplicates(["dimension", "group"])
    told = {
        f"Not audited, since the records do not tell: {_words(missing)}.": missing,
        f"Unknown or the same for everybody in training, so never used: {_words(constant)}.": constant,
        f"{len(hidden)} groups are too small to be told of, or would give one away.": len(hidden),
        "Mentoring is not recorded: whether students had a mentor is not known, and estimates of those who had one "
        "may be too low without.": "mentored" not in set(run.audited["dimension"]),
        "No real student is in these records: the district is simulated, and shows that the machinery works, not how "
        "well.": _is_pretend(run),
        "Measured on one school year. Another year can be better or worse than its interval, which holds schools "
        "apart and not years.": True,
    }
    return tuple(text for text, holds in told.items() if holds)


def _is_pretend(run: Training) -> bool:
    districts = run.made["districts"]
    return bool(districts) and all(name.startswith(PRETEND) for name in districts)


def _review(run: Training) -> tuple[Block, ...]:
    line = "________________"
    return (
        f"Once a year, {run.steward.review_due}, these people look at this card, the audit and what came of the lists, "
        f"and sign: {run.steward.review_group}.",
        Table(
            "Signed for, by name and date",
            ("decision", "name", "date"),
            tuple((choice, line, line) for choice in ("continue", "change: what", "stop")),
        ),
        "To stop: make no more lists and take back those handed out. Records and attendance need no model.",
    )


def _changes(run: Training) -> tuple[str, ...]:
    trained = run.version.trained_at if run.version else "in this run"
    first = f"{trained}: trained on the records {run.made['data_id']}."
    return (first, *(_change(line) for line in run.promotions)) if run.promotions else (first, "Not yet in force.")


def _change(line: dict[str, Any]) -> str:
    did = "put in force" if line["action"] == "promote" else "put back in force"
    instead = f" instead of version {line['instead_of']}" if line["instead_of"] else ""
    signed = f" Signed for: {line['evidence']['sign_off']}." if line["evidence"].get("sign_off") else ""
    return f"{line['promoted_at']}: {did}{instead} by {line['promoted_by']}. Why: {line['why']}.{signed}"


def _plain(value: object) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)


def _words(names: Any) -> str:
    return ", ".join(in_words(str(name)) for name in names)
