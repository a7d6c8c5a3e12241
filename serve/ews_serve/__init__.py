"""The service: answers from the store, asks `ews.access` about everything, and decides nothing."""

from ews_serve.app import create_app
from ews_serve.service import Service, open_service
from ews_serve.settings import Settings

__all__ = ["Service", "Settings", "create_app", "open_service"]
