"""docs/sources.md names every source, resource and map there is, and its TOML can be read."""

from importlib import resources
from pathlib import Path
from typing import get_args

from ews.sis.edfi.descriptors import read_descriptors
from ews.sis.edfi.resources import RESOURCES
from ews.sis.ingest import SourceName
from ews.sis.positive import read_positive_map
from tests.docs.pages import blocks, read

PAGE = read("docs/sources.md")


def test_every_source_map_and_resource_is_named() -> None:
    for source in get_args(SourceName):
        assert f"| `{source}` |" in PAGE
    for shipped in (resources.files("ews.sis") / "maps").iterdir():
        assert f"| `{shipped.name.removesuffix('.toml')}` |" in PAGE
    for resource in RESOURCES:
        assert f"| {resource.name} (" in PAGE


def test_its_maps_are_read_as_they_are_written(tmp_path: Path) -> None:
    descriptors, positive = blocks(PAGE, "toml")
    (tmp_path / "descriptors.toml").write_text(descriptors)
    (tmp_path / "positive.toml").write_text(positive)
    known = read_descriptors(tmp_path / "descriptors.toml")
    assert known.meaning("AttendanceEventCategoryDescriptor", "uri://any#Remote absent") == "unexcused"
    assert known.meaning("AttendanceEventCategoryDescriptor", "uri://any#Tardy") == "tardy", "ours stays below it"
    assert read_positive_map(tmp_path / "positive.toml").periods_a_day == 7
