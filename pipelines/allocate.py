"""Stage *allocate*: exactly what `ews allocate` does, with the same options."""

import sys

from ews.cli import main

main(["allocate", *sys.argv[1:]])
