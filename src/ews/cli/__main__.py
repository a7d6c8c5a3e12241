"""`python -m ews.cli` is `ews`."""

from ews.cli import main

main()
