"""The libraries that a model was logged with, as requirements of the environments that serve it and
that check it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ..core.errors import Unprocessable
from .servable import Engine

_NEEDS: Mapping[Engine, Sequence[str]] = {
    "xgboost": ("xgboost", "xgboost-cpu", "numpy", "scipy"),
    "lightgbm": ("lightgbm", "numpy", "scipy"),
    "onnx": ("onnxruntime", "numpy"),
}
"""What an engine needs of the recorded libraries; the others need all of them."""

_SAFE = ("skops", "numpy", "scipy", "joblib", "lightgbm", "xgboost", "xgboost-cpu")
"""Of a scikit-learn model that holds no code."""

_MLFLOW = ("mlflow", "mlflow-skinny")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """serving: of the process that answers. own: of the model's own pyfunc, with which its answers
    are compared. python: `3.12` if the files can be read by that Python alone; empty for any.
    """

    serving: Sequence[str]
    own: Sequence[str]
    python: str


def requirements_of(
    model: Path, document: Mapping[str, Any], engine: Engine, *, runs_code: bool
) -> Requirements:
    """Read the model's requirements.txt. A model that runs no code brings only known libraries: to
    install any other one could run code too. Raises Unprocessable for a line that is no name and
    version: a path or an address cannot be built again elsewhere.
    """
    recorded = _recorded(model, runs_code=runs_code)
    own = {name: line for name, line in recorded.items() if name not in _MLFLOW}
    own["mlflow-skinny"] = _mlflow(document)
    own.setdefault("pandas", "pandas")
    if engine in ("xgboost", "lightgbm", "sklearn"):
        own.setdefault("scikit-learn", "scikit-learn")
    if not runs_code:
        # The libraries that determine the answers, without the model's other requirements.
        kept = {*_NEEDS.get(engine, _SAFE), "onnx", "pandas", "scikit-learn", "mlflow-skinny"}
        own = {name: line for name, line in own.items() if name in kept}
    library = _library(document, engine)
    if library and not {"xgboost-cpu", _name(library)} & own.keys():
        own[_name(library)] = library
    serving = {name: line for name, line in own.items() if _serves(name, engine)}
    return Requirements(
        serving=sorted(serving.values()),
        own=sorted(own.values()),
        python=_python(document) if engine in ("sklearn", "torch", "pyfunc") else "",
    )


def _serves(name: str, engine: Engine) -> bool:
    if engine in _NEEDS:
        return name in _NEEDS[engine]
    return engine == "pyfunc" or name not in _MLFLOW


def _recorded(model: Path, *, runs_code: bool) -> dict[str, str]:
    file = model / "requirements.txt"
    lines = file.read_text().splitlines() if file.is_file() else []
    found: dict[str, str] = {}
    for line in lines:
        text = line.partition(" #")[0].strip()
        if not text or text.startswith("#"):
            continue
        requirement = _parsed(text)
        if requirement is None:
            if not runs_code:
                continue  # the engine's library is known without it
            raise Unprocessable(
                "The model's requirements cannot be installed.",
                f"requirements.txt names {text[:120]!r}, which is not a package with a version.",
                "Log the model again with pip_requirements that name packages of an index; code of"
                " your own goes into code_paths.",
            )
        if requirement.marker is None or requirement.marker.evaluate():
            found[canonicalize_name(requirement.name)] = _plain(requirement)
    return found


def _parsed(text: str) -> Requirement | None:
    """A name with versions; None for a path, an address or an option."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return None
    return None if requirement.url else requirement


def _plain(requirement: Requirement) -> str:
    name = canonicalize_name(requirement.name)
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    specifier = str(requirement.specifier)
    if name.startswith("torch"):
        # The build, as in 2.9.0+cu128: an index has the version, and the machine its own build.
        specifier = re.sub(r"\+[\w.]+", "", specifier)
    return f"{name}{extras}{specifier}"


def _mlflow(document: Mapping[str, Any]) -> str:
    """mlflow-skinny contains all of MLflow that loads a model, at a tenth of the size."""
    recorded = str(document.get("mlflow_version", ""))
    return f"mlflow-skinny=={recorded}" if re.match(r"[\w.]+\Z", recorded) else "mlflow-skinny"


def _library(document: Mapping[str, Any], engine: Engine) -> str:
    """The library of the engine, with the version that its flavor recorded."""
    if engine == "torch":
        recorded = str(document["flavors"]["pytorch"].get("pytorch_version", "")).partition("+")[0]
        return f"torch=={recorded}" if re.match(r"[\w.]+\Z", recorded) else "torch"
    names = {
        "xgboost": ("xgboost", "xgb_version", ">=3.1"),
        "lightgbm": ("lightgbm", "lgb_version", ""),
        "onnx": ("onnxruntime", "", ""),
    }
    if engine not in names:
        return ""
    package, key, otherwise = names[engine]
    recorded = str(document["flavors"][engine].get(key, "")) if key else ""
    return f"{package}=={recorded}" if re.match(r"[\w.]+\Z", recorded) else f"{package}{otherwise}"


def _name(line: str) -> str:
    return re.split(r"[=<>!~\[]", line)[0]


def _python(document: Mapping[str, Any]) -> str:
    """The minor version of Python that pickled the model: byte code differs between them."""
    flavor = document["flavors"].get("python_function")
    recorded = str(flavor.get("python_version", "")) if isinstance(flavor, Mapping) else ""
    found = re.match(r"(3\.\d+)(\.\d+)?\Z", recorded)
    return found[1] if found else ""
