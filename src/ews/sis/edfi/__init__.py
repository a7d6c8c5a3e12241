"""The Ed-Fi source: bulk XML, records of the API as JSON, and a live ODS/API."""

from ews.sis.edfi.source import open_edfi

__all__ = ["open_edfi"]
