"""Stage *evaluate*: exactly what `ews backtest` does, with the same options."""

import sys

from ews.cli import main

main(["backtest", *sys.argv[1:]])
