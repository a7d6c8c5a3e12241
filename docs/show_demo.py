"""Put the output of a real demo into the README: `make demo > demo.txt; python docs/show_demo.py demo.txt`."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
SCHOOL = re.compile(r"SCHOOL=\S+")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the README anew with the demo that was printed to a file."""
    (name,) = sys.argv[1:] if arguments is None else arguments
    printed = Path(name).read_text(encoding="utf-8").splitlines()
    README.write_text(shown(README.read_text(encoding="utf-8"), printed), encoding="utf-8")


def shown(readme: str, printed: list[str]) -> str:
    """The README with the lines of this demo, and its school in the calls of the service."""
    group = _starting(printed, "not yet chronic:")
    school = _starting(printed, "School ")
    lines = ["$ make demo", "...", *printed[group : group + 4], "...", *printed[school : school + 9], "..."]
    school_id = printed[school].split()[1].rstrip(",")
    readme = BLOCK.sub(lambda _: "".join(f"{line}\n" for line in lines), readme, count=1)
    return SCHOOL.sub(lambda _: f"SCHOOL={school_id}", readme, count=1)


def _starting(lines: list[str], words: str) -> int:
    return next(number for number, line in enumerate(lines) if line.startswith(words))


if __name__ == "__main__":
    main()
