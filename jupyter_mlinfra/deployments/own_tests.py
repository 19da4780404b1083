"""Tests before traffic that a project adds: functions that ask the version and judge its answers.

# checks.py, in the project's folder; in mlinfra.toml: tests = ["checks:no_negative_price"]
def no_negative_price(trial):
    worst = min(trial.ask(trial.sample))
    return f"lowest price {worst:g}", worst >= 0
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ..core.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Trial:
    """The version under test, as a test of the project sees it. sample: rows that it is known to
    answer, as mappings. ask: sends rows through the gateway and returns the predictions; raises
    the error that a refused request stands for.
    """

    deployment: str
    version: str
    model: str
    sample: Sequence[Mapping[str, Any]]
    ask: Callable[[Sequence[Mapping[str, Any]]], Sequence[Any]]


OwnTest = Callable[[Trial], tuple[str, bool]]


def own_tests(root: Path, names: Sequence[str]) -> dict[str, OwnTest]:
    """The functions by name. root: the project's folder. Raises BadRequest for one that cannot be
    imported.
    """
    found: dict[str, OwnTest] = {}
    for name in names:
        module, colon, function = name.partition(":")
        sys.path.insert(0, str(root))
        try:
            test = getattr(import_module(module), function) if colon and function else None
        except Exception as error:
            raise BadRequest(
                f"The test before traffic {name!r} cannot be imported.",
                f"{type(error).__name__}: {str(error)[:200]}.",
                "Correct it, or take it out of [deployments] tests.",
            ) from error
        finally:
            sys.path.remove(str(root))
        if not callable(test):
            raise BadRequest(
                f"{name!r} names no test before traffic.",
                "It must be module:function.",
                'For example tests = ["checks:no_negative_price"].',
            )
        found[name] = test
    return found
