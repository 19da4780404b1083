"""An error of a Python verb: its message and the user's own lines, without our frames."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from IPython.utils.capture import capture_output

from jupyter_mlinfra.core.project import Project

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_CALL = 'import jupyter_mlinfra as ml\nml.dataset("nope")'


@pytest.fixture(autouse=True)
def in_the_project(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.root)


def _shown(shell: Any, *cells: str) -> str:
    """What the last cell prints."""
    for cell in cells:
        with capture_output() as printed:
            shell.run_cell(cell)
    return _COLOURS.sub("", printed.stdout + printed.stderr)


def test_an_error_shows_its_message_and_the_line_of_the_cell(shell: Any) -> None:
    shown = _shown(shell, _CALL)
    assert '----> 2 ml.dataset("nope")' in shown
    last = shown.rstrip().splitlines()[-1]
    assert last.startswith("BadRequest: 'nope' is not the name of a dataset.")
    assert last.endswith("Write, for example, flights.departures.")
    assert "jupyter_mlinfra/" not in shown


def test_what_an_error_was_raised_from_is_not_shown(shell: Any) -> None:
    shown = _shown(shell, "import jupyter_mlinfra as ml", 'ml.sql("SELECT")')
    assert '----> 1 ml.sql("SELECT")' in shown
    assert shown.count("Traceback") == 1
    assert "site-packages" not in shown


def test_a_function_of_the_user_on_the_way_is_shown(shell: Any) -> None:
    Path("helpers.py").write_text(
        'import jupyter_mlinfra as ml\n\ndef load():\n    return ml.dataset("nope")\n'
    )
    shown = _shown(shell, "import sys; sys.path.insert(0, '')", "from helpers import load\nload()")
    assert "----> 2 load()" in shown
    assert "helpers.py:4" in shown
    assert "jupyter_mlinfra/" not in shown


def test_an_error_that_the_user_caught_before_is_shown_too(shell: Any) -> None:
    shown = _shown(
        shell,
        "import jupyter_mlinfra as ml",
        'try:\n    1 / 0\nexcept ArithmeticError:\n    ml.dataset("nope")',
    )
    assert "----> 2     1 / 0" in shown
    assert '----> 4     ml.dataset("nope")' in shown


@pytest.mark.parametrize("cells", [[_CALL, "%tb Verbose"], ["%xmode Verbose", _CALL]])
def test_mode_verbose_shows_all_frames(shell: Any, cells: list[str]) -> None:
    shown = _shown(shell, *cells)
    assert "jupyter_mlinfra/nouns/catalog.py" in shown


def test_errors_of_others_are_shown_as_ever(shell: Any) -> None:
    shown = _shown(shell, "from jupyter_mlinfra.core.refs import Ref\nRef.parse(None)")
    assert "jupyter_mlinfra/core/refs.py" in shown
