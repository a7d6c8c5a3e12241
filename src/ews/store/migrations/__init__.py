"""Migrations of the store's tables, oldest first; run by `ews.store.versions`."""
