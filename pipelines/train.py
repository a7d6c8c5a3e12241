"""Stage *train*: exactly what `ews train` does, with the same options."""

import sys

from ews.cli import main

main(["train", *sys.argv[1:]])
