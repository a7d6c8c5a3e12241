"""The store: what the service answers from, in SQLite or PostgreSQL."""
