"""The service: answers from a published run and the promoted bundle, and decides nothing."""

from ews_serve.app import create_app
from ews_serve.settings import Settings

__all__ = ["Settings", "create_app"]
