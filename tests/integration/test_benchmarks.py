"""Benchmarks run rarely; what they import must be there all the same."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

BENCHMARKS = sorted(Path(__file__).parents[2].glob("benchmarks/**/*.py"))
IMPORT = re.compile(r"^\s*from (jupyter_mlinfra[\w.]*) import (?:\(([^)]*)\)|(.*))", re.MULTILINE)


@pytest.mark.parametrize("file", BENCHMARKS, ids=lambda file: file.stem)
def test_what_a_benchmark_takes_from_the_package_is_there(file: Path) -> None:
    """Also in the programs that it holds as text and runs in processes of their own."""
    missing = [
        f"{module}.{name}"
        for module, inner, line in IMPORT.findall(file.read_text())
        for name in re.findall(r"(\w+)(?: as \w+)?(?:,|\s|$)", re.sub(r"#.*", "", inner or line))
        if not _is_there(module, name)
    ]
    assert missing == []


def _is_there(module: str, name: str) -> bool:
    try:
        if hasattr(import_module(module), name):
            return True
        import_module(f"{module}.{name}")
    except ImportError:
        return False
    return True
