"""Stage *score*: exactly what `ews score` does, with the same options."""

import sys

from ews.cli import main

main(["score", *sys.argv[1:]])
