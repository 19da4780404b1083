"""`mlinfra features …`: a module for each room of verbs."""

from __future__ import annotations

from . import browsing, defining, knowing, labelling, online, training
from .noun import features

__all__ = ["browsing", "defining", "features", "knowing", "labelling", "online", "training"]
