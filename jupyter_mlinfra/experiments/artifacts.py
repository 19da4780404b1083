"""The files of a model: signature, requirements, digest. Read only as text; nothing here loads a
model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ..core.errors import Unprocessable

_FILE = "MLmodel"
_LOADED_FROM = "registered_model_meta"
"""What MLflow writes into a folder that is loaded by the name of a registered model."""


def local_path(location: str) -> Path | None:
    """The folder behind a location, if it is on this machine."""
    parts = urlsplit(location)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(location) if location.startswith("/") else None


def found_again(location: str, root: str | None) -> str:
    """The location below `root`, where the project keeps its artifacts now, if its folder was moved
    since they were written; else the location as it is.
    """
    folder, own = local_path(location), local_path(root or "")
    if folder is None or own is None or folder.is_dir():
        return location
    places = [place for place, part in enumerate(folder.parts) if part == own.name]
    candidates = [own.joinpath(*folder.parts[place + 1 :]) for place in reversed(places)]
    return next((str(found) for found in candidates if (found / _FILE).is_file()), location)


def read_mlmodel(folder: Path) -> Mapping[str, Any] | None:
    """The content of `MLmodel` in the folder; None if there is none. Raises Unprocessable if it is
    broken.
    """
    path = folder / _FILE
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise Unprocessable(
            f"{path} cannot be read.".replace("\0", " "),
            f"{getattr(error, 'strerror', None) or error}.",
            "Restore it.",
        ) from error


@lru_cache(maxsize=512)
def _read(path: Path, changed: int) -> Mapping[str, Any]:
    del changed  # part of the cache's key
    import yaml

    try:
        document = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unprocessable(
            f"{path} is broken.", f"{error}".replace("\n", " ")[:300], "Log the model again."
        ) from error
    if not isinstance(document, dict):
        raise Unprocessable(
            f"{path} is broken.", "It is not a YAML mapping.", "Log the model again."
        )
    return document


def mapping(value: Any) -> Mapping[str, Any]:
    """A part of the file that must be a mapping; empty if it is anything else."""
    return value if isinstance(value, dict) else {}


def has_signature(folder: Path) -> bool:
    """Whether the model states its input columns and types."""
    return bool(mapping((read_mlmodel(folder) or {}).get("signature")).get("inputs"))


def signature(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """`inputs` and `outputs` as MLflow writes them: one mapping per column with `name`, `type`,
    `required`. Empty without one.
    """
    stated = mapping((read_mlmodel(folder) or {}).get("signature"))
    return {
        side: json.loads(stated[side]) if stated.get(side) else [] for side in ("inputs", "outputs")
    }


def requirements(folder: Path) -> list[str]:
    """The lines of the model's `requirements.txt`: the packages that it was logged with."""
    path = folder / "requirements.txt"
    lines: Sequence[str] = path.read_text().splitlines() if path.exists() else ()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def stated_bytes(document: Mapping[str, Any]) -> int | None:
    """The size of all files, as MLflow noted it in `MLmodel` when the model was logged; None if it
    did not.
    """
    size = document.get("model_size_bytes")
    return size if isinstance(size, int) and size >= 0 else None


def python_version(folder: Path) -> str | None:
    """The Python that the model was logged with, such as `3.12.1`."""
    flavors = mapping((read_mlmodel(folder) or {}).get("flavors"))
    version = mapping(flavors.get("python_function")).get("python_version")
    return str(version) if version else None


def is_by_product(name: str) -> bool:
    """Whether a file (its path in the model's folder) is none of the model's, but written when it
    is loaded: MLflow's note of where it was loaded from, and Python's compiled code.

    A compiled file beside the sources is one of the model's: Python imports it without a source.
    """
    path = PurePosixPath(name)
    compiled = path.suffix == ".pyc" and path.parent.name == "__pycache__"
    return compiled or name == _LOADED_FROM


def digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of the model's files; one flipped bit changes it."""
    return _combined({name: of for name, of in _digests(folder).items() if not is_by_product(name)})


def has_digest(folder: Path, noted: str) -> bool:
    """Whether the files have a digest that was noted, of which earlier versions took that of all
    files.
    """
    return noted in every_digest(folder)


def every_digest(folder: Path) -> tuple[str, ...]:
    """The digest, and the one of all files if it is another."""
    of_all = _digests(folder)
    own = {name: of for name, of in of_all.items() if not is_by_product(name)}
    return (_combined(own),) if own == of_all else (_combined(own), _combined(of_all))


def _digests(folder: Path) -> dict[str, bytes]:
    """By path in the folder, sorted part by part."""
    found = {}
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        with path.open("rb") as file:
            name = path.relative_to(folder).as_posix()
            found[name] = hashlib.file_digest(file, "sha256").digest()
    return found


def _combined(digests: Mapping[str, bytes]) -> str:
    hasher = hashlib.sha256()
    for name, of in digests.items():
        hasher.update(name.encode() + b"\0" + of)
    return hasher.hexdigest()
