"""A machine-learning workbench inside JupyterLab.

    import jupyter_mlinfra as ml

    ml.dataset("flights.departures").scan()
    ml.features(["origin_weather:*"]).training_set(entities)
    ml.deployment("flights").predict(frame)

Names are resolved when they are used, so a notebook pays only for what it uses.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = [
    "MLInfraError",
    "Workbench",
    "alert",
    "dataset",
    "deployment",
    "explore",
    "feature_store",
    "features",
    "ingest",
    "job",
    "model",
    "monitor",
    "pipeline",
    "run",
    "runs",
    "schedule",
    "search",
    "sql",
    "submit",
    "track",
    "ui",
    "verdict",
    "workbench",
    "write",
]

_HOME = {"MLInfraError": ".core.errors", "Workbench": ".workbench", "workbench": ".workbench"}
# The module `workbench` and the function `workbench()` share a name, as do the domain `features`
# and the function `features()`.
_CALLABLE = {"features": ("nouns", "features"), "workbench": ("workbench", "current")}

if TYPE_CHECKING:
    from .core.errors import MLInfraError
    from .nouns import (
        alert,
        dataset,
        deployment,
        explore,
        feature_store,
        features,
        ingest,
        job,
        model,
        monitor,
        pipeline,
        run,
        runs,
        schedule,
        search,
        sql,
        submit,
        track,
        verdict,
        write,
    )
    from .widgets import ui
    from .workbench import Workbench
    from .workbench import current as workbench


class _CallableModule(ModuleType):
    """A domain's module that can be called: `ml.features([...])` beside `from
    jupyter_mlinfra.features import …`.
    """

    def __call__(self, *args: Any, **options: Any) -> Any:
        home, name = _CALLABLE[self.__name__.rpartition(".")[2]]
        return getattr(import_module(f".{home}", __name__), name)(*args, **options)


class _Package(ModuleType):
    def __setattr__(self, name: str, value: Any) -> None:
        if name in _CALLABLE and type(value) is ModuleType:
            value.__class__ = _CallableModule
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def _show_records() -> None:
    """Let the shell that imports this show records as cards. A process without IPython has no
    shell, and must not load IPython to find out.
    """
    package = sys.modules.get("IPython")
    shell = (
        package.get_ipython() if package is not None and hasattr(package, "get_ipython") else None
    )
    if shell is not None:
        from .widgets.reprs import register

        register(shell)


def _use_project_store() -> None:
    """Make plain `mlflow` calls of this process use the project's store; nothing is loaded until
    somebody imports MLflow.
    """
    from .core.imports import around_import

    def ambient(name: str) -> None:
        getattr(import_module(".experiments", __name__), name)()

    if "mlflow" in sys.modules:
        ambient("adopt")
    else:
        around_import("mlflow", before=lambda: ambient("adopt"), after=lambda: ambient("point"))


_show_records()
_use_project_store()


def __getattr__(name: str) -> Any:
    if name in _CALLABLE:
        return import_module(f".{name}", __name__)
    if name == "__version__":
        from importlib.metadata import version

        return version("jupyter-mlinfra")
    if name == "ui":
        return import_module(".widgets.ui", __name__)
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, ".nouns"), __name__), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "@jupyter-mlinfra/labextension"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .server.app import MLInfraApp

    return [{"module": "jupyter_mlinfra", "app": MLInfraApp}]


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext jupyter_mlinfra`: one magic per noun, and plain `mlflow` calls use the project's
    store.
    """
    from .experiments import adopt, say_strays
    from .magics import load

    load(shell)
    adopt()
    say_strays()
