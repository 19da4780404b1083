"""Alembic migrations of `state.db`; one file a change, in `versions`, never edited after a
release.
"""
