"""Bringing records in: sources, one validator, and the tables that everything else reads."""

from ews.sis.in_force import withdrawn_students
from ews.sis.ingest import IngestReport, ingest
from ews.sis.refusals import Override
from ews.sis.rejects import Counts

__all__ = ["Counts", "IngestReport", "Override", "ingest", "withdrawn_students"]
