"""Stage *monitor*: exactly what `ews monitor` does, with the same options."""

import sys

from ews.cli import main

main(["monitor", *sys.argv[1:]])
