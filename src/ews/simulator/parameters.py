"""Every number of the simulated world, read from commented TOML files; the source of each value stands beside it there.

`default.toml` holds all of them; the other presets and profiles hold only what they change.
A name such as ``district+nyc_like`` reads the default, then each named file in turn.
"""

import dataclasses
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from ews.errors import InvalidPolicy


@dataclass(frozen=True)
class Size:
    """How large the world is: students enrolled per year, school years, students per area and areas per district."""

    students: int
    years: int
    students_per_area: int
    areas_per_district: int


@dataclass(frozen=True)
class CalendarNumbers:
    """Instructional days planned, share of districts that start in August, snow closures, days one school is closed."""

    instructional_days: int
    august_start_share: float
    snow_closures_mean: float
    school_closures_mean: float


@dataclass(frozen=True)
class Years:
    """Per school year from the first, the last value going on: both log hazards' levels, and the scale of the news."""

    discretionary: tuple[float, ...]
    illness: tuple[float, ...]
    news_scale: tuple[float, ...]
    ordinary: int

    def at(self, name: str, count: int) -> tuple[float, ...]:
        """The values of `name` for `count` school years; the last value goes on."""
        values: tuple[float, ...] = getattr(self, name)
        return tuple(values[min(year, len(values) - 1)] for year in range(count))


@dataclass(frozen=True)
class Families:
    """Households, siblings, and how they come, move and go (probabilities a year)."""

    children_shares: tuple[float, ...]
    gap_shares: tuple[float, ...]
    pre_kindergarten_share: float
    leave: float
    leave_mid_year_share: float
    move_mid_year: float
    change_school_summer: float
    mobility_poverty: float
    mobility_homeless: float
    gap_days_mean: float


@dataclass(frozen=True)
class Need:
    """How need is spread, and what it adds to the discretionary log hazard."""

    poverty_mean_logit: float
    poverty_school_sd: float
    homeless_share_of_poor: float
    disability_share: float
    disability_poverty: float
    english_learner_share: float
    english_learner_poverty: float
    poverty: float
    homeless: float
    disability: float
    english_learner: float
    shock_poverty: float


@dataclass(frozen=True)
class Discretionary:
    """The log hazard of starting a discretionary spell on a day: all standard deviations on the log scale."""

    base: float
    grade: tuple[float, ...]
    district_sd: float
    school_sd: float
    school_poverty: float
    school_yearly_sd: float
    school_yearly_rho: float
    household_sd: float
    household_yearly_sd: float
    household_yearly_rho: float
    trait_sd: float
    yearly_sd: float
    yearly_rho: tuple[float, ...]
    weekly_sd: float
    weekly_rho: float
    summer_carry: float
    ramp_share: tuple[float, ...]
    ramp_trait: float
    ramp_size: float
    ramp_weeks: float
    ramp_carry: float
    lengths: tuple[int, ...]
    length_shares: tuple[float, ...]
    weekday_elementary: tuple[float, ...]
    weekday_secondary: tuple[float, ...]
    month: tuple[float, ...]
    before_long_break: float
    school_day_sd: float
    school_day_rho: float


@dataclass(frozen=True)
class Illness:
    """The log hazard of starting an illness spell on a day."""

    base: float
    grade: tuple[float, ...]
    school_sd: float
    school_follows: float
    household_sd: float
    frailty_sd: float
    yearly_sd: float
    yearly_rho: float
    follows: float
    asthma_share: float
    asthma: float
    poverty: float
    lengths: tuple[int, ...]
    length_shares: tuple[float, ...]
    weekday: tuple[float, ...]
    month: tuple[float, ...]
    city_sd: float
    city_rho: float
    outbreak_sd: float
    outbreak_rho: float


@dataclass(frozen=True)
class Other:
    """Everything else that keeps a student at home: a year's expected number, and how it follows the hazard."""

    follows: float
    disruptions: float
    disruption_days: float
    blocks: float
    block_days: tuple[int, ...]
    suspensions: tuple[float, ...]
    suspension_days: tuple[float, ...]
    move_days: float
    snow_open_days: int
    snow_open_intensity: float
    local_day_mean: float
    local_day_shape: float


@dataclass(frozen=True)
class Recording:
    """How absences become marks: excuses, parts of days, tardiness, and the errors of the register."""

    illness_excused: float
    discretionary_excused: float
    discretionary_excused_poverty: float
    half_day_share: float
    appointments: float
    lost: float
    wrong: float
    tardy: float
    tardy_follows: float
    tardy_sd: float
    early_departures: float


@dataclass(frozen=True)
class Mentoring:
    """Who is offered a mentor, and what a mentor truly changes."""

    share: float
    first_year: int
    chronic_share: float
    start_day: tuple[int, ...]
    accepted: float
    students_per_mentor: int
    effect: float
    illness_part: float
    grades: tuple[int, ...]


@dataclass(frozen=True)
class Truth:
    """How finely the within-year distribution is tabulated; zero simulated students per cell writes no truth."""

    students_per_cell: int


@dataclass(frozen=True)
class Parameters:
    """One simulated world."""

    size: Size
    calendar: CalendarNumbers
    years: Years
    families: Families
    need: Need
    discretionary: Discretionary
    illness: Illness
    other: Other
    recording: Recording
    mentoring: Mentoring
    truth: Truth

    def changed(self, **sections: dict[str, Any]) -> "Parameters":
        """The same world with some values changed: ``changed(mentoring={"effect": 0.0})``."""
        return dataclasses.replace(
            self, **{name: dataclasses.replace(getattr(self, name), **values) for name, values in sections.items()}
        )


def load_parameters(preset: str) -> Parameters:
    """The parameters a name such as ``demo`` or ``district+nyc_like`` stands for.

    Raises:
        InvalidPolicy: no such preset or profile, or a TOML of the package holds an unknown key.
    """
    values = _toml("default")
    for name in preset.split("+"):
        for section, changes in _toml(name).items():
            values.setdefault(section, {}).update(changes)
    return parameters_from(values)


def presets() -> tuple[str, ...]:
    """The names of all presets and profiles."""
    folder = files("ews.simulator") / "presets"
    return tuple(sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml")))


def parameters_from(values: dict[str, dict[str, Any]]) -> Parameters:
    """Parameters from parsed TOML, every key known and none left out.

    Raises:
        InvalidPolicy: a section or key is unknown or missing.
    """
    known = {field.name: field.type for field in dataclasses.fields(Parameters)}
    _same_keys("the parameters", set(values), set(known))
    return Parameters(**{name: _section(kind, name, values[name]) for name, kind in known.items()})


def _section(kind: Any, name: str, values: dict[str, Any]) -> Any:
    _same_keys(f"[{name}]", set(values), {field.name for field in dataclasses.fields(kind)})
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


def _same_keys(where: str, given: set[str], known: set[str]) -> None:
    if given != known:
        raise InvalidPolicy(
            f"The simulator's TOML is wrong in {where}: unknown {sorted(given - known)}, "
            f"missing {sorted(known - given)}."
        )


def _toml(name: str) -> dict[str, dict[str, Any]]:
    file = files("ews.simulator") / "presets" / f"{name}.toml"
    if not name.isidentifier() or not file.is_file():
        raise InvalidPolicy(f"No preset or profile named {name!r}. Known: {', '.join(presets())}; join two with a +.")
    return tomllib.loads(file.read_text(encoding="utf-8"))
