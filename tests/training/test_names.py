"""The names of the room, and what is said when their library is not there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jupyter_mlinfra import training


@pytest.mark.parametrize("name", ["fit", "PreemptionCheckpoint"])
def test_without_lightning_its_names_say_what_to_install(name: str) -> None:
    code = (
        "import sys; sys.modules['lightning'] = None; from jupyter_mlinfra import training;"
        f" training.{name}"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.stderr.splitlines()[-1].endswith(
        "Lightning is not installed. The base installation is light. pip install"
        " 'jupyter-mlinfra[train]'"
    )


def test_every_other_name_is_there_without_it() -> None:
    for name in set(training.__all__) - {"fit", "PreemptionCheckpoint"}:
        assert callable(getattr(training, name))
