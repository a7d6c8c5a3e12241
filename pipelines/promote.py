"""Stage *promote*: exactly what `ews promote` does, with the same options."""

import sys

from ews.cli import main

main(["promote", *sys.argv[1:]])
