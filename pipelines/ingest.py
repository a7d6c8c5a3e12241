"""Stage *ingest*: exactly what `ews ingest` does, with the same options."""

import sys

from ews.cli import main

main(["ingest", *sys.argv[1:]])
