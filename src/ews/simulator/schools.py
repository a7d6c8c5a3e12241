"""The schools of one area: their levels, names, need, and lasting and yearly effects."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ews.simulator.parameters import Parameters

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

ELEMENTARY, MIDDLE, HIGH, OTHER = range(4)
LEVEL_NAMES = ("elementary", "middle", "high", "other")

_ELEMENTARY_SHARE, _MIDDLE_SHARE, _HIGH_SHARE = 0.44, 0.20, 0.30
_ELEMENTARY_SIZE, _MIDDLE_SIZE, _HIGH_SIZE = 520, 600, 850

_NAMES = (
    "Alder", "Ashbrook", "Bellwether", "Birch Hill", "Bluestem", "Cedar Fork", "Clearwater", "Copper Ridge",
    "Cottonwood", "Dogwood", "Eastgate", "Elmhurst", "Fairhaven", "Falcon Crest", "Foxglove", "Garnet", "Glenrose",
    "Granite Bay", "Harvest Lane", "Hawthorn", "Hazel Grove", "Heron Lake", "Highmoor", "Hollis", "Indigo Hills",
    "Ironwood", "Juniper", "Kestrel", "Kingfisher", "Larkspur", "Laurel", "Lindenwood", "Long Meadow", "Maple Run",
    "Marigold", "Mill Creek", "Northgate", "Oak Hollow", "Orchard", "Osprey", "Pinecrest", "Prairie View", "Quarry",
    "Redwing", "Riverbend", "Rowan", "Sandpiper", "Silver Spring", "Sparrow Hill", "Stonebridge", "Sycamore",
    "Tamarack", "Thistle", "Trillium", "Valley", "Walnut", "Westgate", "Willow", "Windmill", "Wren",
)  # fmt: skip
_KINDS = ("Elementary School", "Middle School", "High School", "Academy")


@dataclass(frozen=True)
class Schools:
    """The schools of one area; arrays have one entry per school, yearly ones (schools, years).

    Elementary schools come first, then the one K-8 academy (level *other*), then middle and high schools.

    Attributes:
        poverty: share of households in poverty around an elementary school; of those it feeds for the others.
        lasting: effect on the discretionary log hazard that stays.
        yearly: effect of each school year, an AR(1).
        news: the part of `yearly` that no record of an earlier year can hold.
        illness: effect on the illness log hazard.
    """

    ids: NDArray[np.str_]
    names: NDArray[np.str_]
    level: Ints
    poverty: Floats
    lasting: Floats
    yearly: Floats
    news: Floats
    illness: Floats
    elementary: int
    middle: int
    high: int

    @property
    def count(self) -> int:
        """Schools in the area."""
        return len(self.ids)


def draw_schools(rng: np.random.Generator, area: int, students: int, years: int, world: Parameters) -> Schools:
    """The schools of area number `area` for about `students` students."""
    elementary = max(2, round(students * _ELEMENTARY_SHARE / _ELEMENTARY_SIZE))
    middle = max(1, round(students * _MIDDLE_SHARE / _MIDDLE_SIZE))
    high = max(1, round(students * _HIGH_SHARE / _HIGH_SIZE))
    level = np.repeat([ELEMENTARY, OTHER, MIDDLE, HIGH], [elementary, 1, middle, high])
    numbers, need = world.discretionary, world.need
    around = _logistic(need.poverty_mean_logit + need.poverty_school_sd * rng.standard_normal(elementary + 1))
    fed = [_fed(around, elementary, count) for count in (middle, high)]
    poverty = np.concatenate([around, *fed])
    yearly, news = yearly_states(
        rng, (len(level), years), numbers.school_yearly_rho, numbers.school_yearly_sd, np.ones(years)
    )
    return Schools(
        ids=np.array([f"{area + 1:03d}{position + 1:02d}" for position in range(len(level))]),
        names=_names(rng, level),
        level=level,
        poverty=poverty,
        lasting=numbers.school_sd * rng.standard_normal(len(level))
        + numbers.school_poverty * (poverty - around.mean()),
        yearly=yearly,
        news=news,
        illness=world.illness.school_sd * rng.standard_normal(len(level)),
        elementary=elementary,
        middle=middle,
        high=high,
    )


def yearly_states(
    rng: np.random.Generator, shape: tuple[int, int], rho: float | Floats, sd: float, news_scale: Floats
) -> tuple[Floats, Floats]:
    """AR(1) states over school years, started in their stationary law, and the news of each year.

    Args:
        rng: the stream.
        shape: (units, years).
        rho: persistence, one number or (units, years).
        sd: stationary standard deviation.
        news_scale: (years,), how much larger a year's news is than usual.
    """
    rho = np.broadcast_to(np.asarray(rho), shape)
    news = (sd * np.sqrt(1 - rho**2) * news_scale * rng.standard_normal(shape)).astype(np.float32)
    states = np.empty(shape, dtype=np.float32)
    states[:, 0] = sd * rng.standard_normal(shape[0])
    for year in range(1, shape[1]):
        states[:, year] = rho[:, year] * states[:, year - 1] + news[:, year]
    return states, news


def _fed(around: Floats, elementary: int, count: int) -> Floats:
    feeder = np.arange(elementary) % count
    return np.bincount(feeder, around[:elementary], count) / np.bincount(feeder, minlength=count)


def _names(rng: np.random.Generator, level: Ints) -> NDArray[np.str_]:
    first = rng.choice(np.array(_NAMES), len(level), replace=False)
    return np.char.add(np.char.add(first, " "), np.array(_KINDS)[level])


def _logistic(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))
