"""An error of a Python verb: its message and the user's own lines, without our frames."""

from __future__ import annotations

import re
import traceback
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


def test_a_function_of_the_user_that_ours_call_is_shown_without_what_lies_between(
    shell: Any,
) -> None:
    shown = _shown(
        shell,
        "import re\nfrom jupyter_mlinfra.core.errors import raise_all, tried\n"
        "import jupyter_mlinfra as ml",
        'def load(found):\n    return ml.dataset("nope")',
        'raise_all(tried(lambda: re.sub("x", load, "x")))',
    )
    lines = [
        '----> 1 raise_all(tried(lambda: re.sub("x", load, "x")))',  # in the cell
        '----> 1 raise_all(tried(lambda: re.sub("x", load, "x")))',  # in its lambda
        '----> 2     return ml.dataset("nope")',
        "BadRequest: 'nope'",
    ]
    assert _in_order(shown, lines)
    assert "jupyter_mlinfra/" not in shown
    assert "re/__init__.py" not in shown


def _in_order(text: str, words: list[str]) -> bool:
    """Whether each of these words comes after the one before."""
    at = 0
    for word in words:
        at = text.find(word, at) + len(word)
        if at < len(word):
            return False
    return True


_OURS = """
from jupyter_mlinfra.core.errors import Unavailable
def from_it(call):
    try:
        call()
    except ValueError as error:
        raise Unavailable("Not made.") from error
def while_handled(call):
    try:
        call()
    except ValueError:
        raise Unavailable("Not made.")
def from_none(call):
    try:
        call()
    except ValueError:
        raise Unavailable("Not made.") from None
def from_ours(call):
    try:
        from_it(call)
    except Unavailable as error:
        raise Unavailable("Not begun.") from error
def from_another(call):
    try:
        call()
    except ValueError:
        try:
            raise KeyError("a cause of ours")
        except KeyError as error:
            raise Unavailable("Not made.") from error
"""
_DIRECT, _MEANWHILE = "direct cause of the following", "another exception occurred"


@pytest.fixture
def ours(shell: Any) -> Any:
    """Functions of this package, as far as a traceback can tell, that call the user's."""
    names: dict[str, Any] = {"__name__": "jupyter_mlinfra.made_up"}
    exec(_OURS, names)
    shell.user_ns.update({name: names[name] for name in names if "from" in name or "while" in name})
    _shown(shell, 'def read():\n    raise ValueError("no number")')
    return shell


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("from_it", ["ValueError: no number", _DIRECT, "----> 1 from_it(read)", "Not made."]),
        ("while_handled", ["ValueError: no number", _MEANWHILE, "Not made."]),
        # What lies between is hidden, not what the user raised below it.
        ("from_ours", ["ValueError: no number", _DIRECT, "----> 1 from_ours(read)", "Not begun."]),
        # As Python does, the context of an error with a cause is shown as that of the cause.
        ("from_another", ["ValueError: no number", _MEANWHILE, "Not made."]),
    ],
)
def test_what_the_user_raised_below_ours_is_shown_before_it(
    ours: Any, call: str, words: list[str]
) -> None:
    shown = _shown(ours, f"{call}(read)")
    assert _in_order(shown, ['----> 2     raise ValueError("no number")', *words])
    assert (shown.count(_DIRECT) + shown.count(_MEANWHILE), shown.count("Traceback")) == (1, 2)
    assert shown.count("raise ValueError") == 1
    assert "KeyError" not in shown


def test_what_was_raised_from_none_stays_alone(ours: Any) -> None:
    shown = _shown(ours, "from_none(read)")
    assert "ValueError" not in shown
    assert "----> 1 from_none(read)" in shown


def test_what_the_user_caught_is_shown_with_its_own_causes(shell: Any) -> None:
    shown = _shown(
        shell,
        "import json\nimport jupyter_mlinfra as ml",
        'try:\n    json.loads("{")\nexcept ValueError:\n    ml.dataset("nope")',
    )
    assert _in_order(shown, ["json/decoder.py", "JSONDecodeError", _MEANWHILE, "BadRequest"])


def test_the_error_itself_stays_as_it_was_raised(ours: Any) -> None:
    _shown(ours, "try:\n    from_ours(read)\nexcept Exception as error:\n    kept = error")
    kept = ours.user_ns["kept"]

    def links(error: BaseException | None) -> list[Any]:
        if error is None:
            return []
        frames = traceback.format_tb(error.__traceback__)
        link = (error.__cause__, error.__context__, error.__suppress_context__)
        return [error, frames, *link, *links(error.__cause__)]

    before = links(kept)
    assert "ValueError: no number" in _shown(ours, "raise kept")
    after = links(kept)
    assert len(before) == len(after) == 15
    assert [value for n, value in enumerate(after) if n != 1] == [
        value for n, value in enumerate(before) if n != 1
    ]
    assert after[1][-len(before[1]) :] == before[1]  # it was raised once more


def test_an_error_that_forbids_changes_is_shown_too(ours: Any) -> None:
    frozen = "@dataclass(frozen=True)\nclass Frozen(ValueError):\n    what: str"
    shown = _shown(
        ours,
        "from dataclasses import dataclass\n" + frozen,
        'def read():\n    raise Frozen("no number")',
        "from_it(read)",
    )
    assert _in_order(shown, ["raise Frozen", _DIRECT, "----> 1 from_it(read)", "Not made."])


@pytest.mark.parametrize("link", ["__cause__", "__suppress_context__", "__traceback__"])
def test_an_error_with_links_of_its_own_is_shown_in_full_and_unchanged(
    ours: Any, link: str
) -> None:
    own = f"class Own(ValueError):\n    {link} = property(lambda self: None)"
    shown = _shown(
        ours,
        own,
        'def read():\n    raise Own("no number")',
        "try:\n    from_it(read)\nexcept Exception as error:\n    kept = error",
        "raise kept",
    )
    assert _in_order(shown, ["from_it(read)", "Not made."])
    assert "Unexpected exception" not in shown
    kept = ours.user_ns["kept"]
    assert type(kept.__cause__).__name__ == "Own"
    assert kept.__suppress_context__


@pytest.mark.parametrize("cells", [[_CALL, "%tb Verbose"], ["%xmode Verbose", _CALL]])
def test_mode_verbose_shows_all_frames(shell: Any, cells: list[str]) -> None:
    shown = _shown(shell, *cells)
    assert "jupyter_mlinfra/nouns/catalog.py" in shown


def test_errors_of_others_are_shown_as_ever(shell: Any) -> None:
    shown = _shown(shell, "from jupyter_mlinfra.core.refs import Ref\nRef.parse(None)")
    assert "jupyter_mlinfra/core/refs.py" in shown
