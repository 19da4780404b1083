"""The names of the room, and what is said when their library is not there."""

from __future__ import annotations

import sys

import pytest

from jupyter_mlinfra import training
from jupyter_mlinfra.core.errors import Unavailable


def test_without_lightning_its_names_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in ("lightning", "torch") or name.startswith("jupyter_mlinfra.training.l")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lightning", None)
    for name in ("fit", "PreemptionCheckpoint"):
        with pytest.raises(Unavailable, match=r"pip install 'jupyter-mlinfra\[train\]'"):
            getattr(training, name)


def test_every_other_name_is_there_without_it() -> None:
    for name in set(training.__all__) - {"fit", "PreemptionCheckpoint"}:
        assert callable(getattr(training, name))
