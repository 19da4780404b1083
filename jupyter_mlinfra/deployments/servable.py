"""What can be served so far, told from a model's `MLmodel` alone: before it is registered, on its page, and again when it is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

MODEL_FILES = (".ubj", ".json")
"""Formats that hold no code; others could run some when they are loaded."""


def unservable(document: Mapping[str, Any]) -> str:
    """Why a model cannot be deployed; empty when nothing here speaks against it."""
    flavors = document.get("flavors")
    if not isinstance(flavors, Mapping):
        return "Its MLmodel names no flavor."
    xgboost = flavors.get("xgboost")
    if not isinstance(xgboost, Mapping):
        known = ", ".join(sorted(str(name) for name in flavors if name != "python_function")) or "python_function"
        return f"It is of flavor {known}; so far only XGBoost models can be deployed."
    data = str(xgboost.get("data") or "")
    if data and PurePosixPath(data).suffix not in MODEL_FILES:
        return f"Its file {data[:80]} is neither UBJ nor JSON; other formats could run code when they are loaded."
    return ""


def fix_of(document: Mapping[str, Any]) -> str:
    """What to do with a model that cannot be deployed: how to log it, or how else to use it."""
    flavors = document.get("flavors")
    if isinstance(flavors, Mapping) and isinstance(flavors.get("xgboost"), Mapping):
        return 'Log it with model_format="ubj".'
    return "It can be used in a notebook or a job: ml.model(…).load()."
