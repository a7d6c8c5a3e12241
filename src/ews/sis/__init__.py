"""Bringing records in: sources, one validator, and the tables that everything else reads."""

from ews.sis.ingest import IngestReport, ingest
from ews.sis.rejects import Counts

__all__ = ["Counts", "IngestReport", "ingest"]
