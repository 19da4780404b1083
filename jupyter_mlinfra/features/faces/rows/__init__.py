"""Rows and cards of the records of the feature store: a module for each room."""

from __future__ import annotations

from . import browsing, defining, knowing, labelling, online, training

__all__ = ["browsing", "defining", "knowing", "labelling", "online", "training"]
