import stat
from pathlib import Path

import pytest

from ews.errors import Busy, InputRefused, NotEnoughData
from ews.home import Home, new_folder, read_json, remove_leftovers, sha256, to_json, write_atomically


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_only_one_command_at_a_time_may_write(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with home.locked(), pytest.raises(Busy, match="Wait until it ends"), Home(tmp_path / "home").locked():
        pass
    with home.locked():
        assert stat.S_IMODE(home.path.stat().st_mode) == 0o700


def test_a_home_without_records_says_how_to_bring_them_in(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(NotEnoughData, match="ews ingest"):
        home.ingested()
    write_atomically(home.current_tables, to_json({"id": "abc"}))
    assert home.ingested() == home.tables / "abc"


@pytest.mark.parametrize("name", ["north*", "district [pilot]", "a?b"])
def test_a_home_whose_name_is_a_pattern_is_refused_and_would_else_read_its_neighbour(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputRefused, match="Rename the folder"):
        Home(tmp_path / name / "home")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "champion.json"
    write_atomically(path, to_json({"version": 1}))
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "half of it \ud800")
    assert read_json(path) == {"version": 1}
    assert names(path.parent) == ["champion.json"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def fill_and_fail() -> None:
        with new_folder(tmp_path / "run") as folder:
            (folder / "half.csv").write_text("1", encoding="utf-8")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_and_fail()
    assert names(tmp_path) == []
    with new_folder(tmp_path / "run") as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "whole.csv").write_text("1", encoding="utf-8")
        assert not (tmp_path / "run").exists()
    assert names(tmp_path) == ["run"]
    assert (tmp_path / "run" / "deep" / "whole.csv").read_text(encoding="utf-8") == "1"


def test_a_folder_that_is_there_already_stays(tmp_path: Path) -> None:
    for content in ("first", "second"):
        with new_folder(tmp_path / "run") as folder:
            (folder / "rows.csv").write_text(content, encoding="utf-8")
    assert (tmp_path / "run" / "rows.csv").read_text(encoding="utf-8") == "first"
    assert names(tmp_path) == ["run"]


def test_what_an_interrupted_command_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".tmp-folder").mkdir()
    (tmp_path / ".tmp-file").write_text("half", encoding="utf-8")
    (tmp_path / "kept.json").write_text("{}", encoding="utf-8")
    remove_leftovers(tmp_path)
    assert names(tmp_path) == ["kept.json"]


def test_json_is_the_same_bytes_for_the_same_object_and_never_holds_a_nan() -> None:
    assert to_json({"b": 1, "a": "ü"}) == to_json({"a": "ü", "b": 1}) == '{\n  "a": "ü",\n  "b": 1\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"rate": float("nan")})


def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert sha256(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
