"""Whether a model that runs code when it is loaded may be deployed.

The workbench never loads one. A serving process does, after the checksums of its files have been
compared, and only if this project registered exactly these files, or names the model in
`[deployments] trusted_models`. What is compared is a copy that nobody else can write, and the same
copy is packaged: the registry's folder may change at any moment.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import Unprocessable
from ..core.files import explain_os_error
from .logged import Answers
from .packaging import Bundle, package

if TYPE_CHECKING:
    from ..experiments import Experiments


def package_trusted(
    experiments: Experiments,
    ref: str,
    into: Path,
    *,
    answers: Answers | None = None,
    trusted: Sequence[str] = (),
) -> Bundle:
    """The bundle of a version (`flights/3`), as `packaging.package` makes it below `into`. Raises
    Unprocessable if it runs code and is not trusted.
    """
    folder = experiments.download(ref)
    bundle = package(folder, into, answers=answers)
    if not bundle.runs_code:
        return bundle
    model, _, number = ref.rpartition("/")
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=into) as draft:
        copy = Path(draft) / folder.name
        try:
            shutil.copytree(folder, copy)
        except (OSError, shutil.Error) as error:
            failed = error if not isinstance(error, shutil.Error) else OSError(str(error)[:200])
            raise explain_os_error(failed, f"{ref} could not be copied.") from error
        bundle = package(copy, into, answers=answers)
        check_trust(
            bundle,
            model=model,
            version=int(number),
            registered_here=not bundle.runs_code or experiments.registered_here(ref, folder=copy),
            trusted=trusted,
        )
    return bundle


def check_trust(
    bundle: Bundle, *, model: str, version: int, registered_here: bool, trusted: Sequence[str]
) -> None:
    """Raise Unprocessable for a bundle that runs code and is not trusted. registered_here: whether
    this project registered the version with exactly these files.
    """
    if not bundle.runs_code or registered_here or model in trusted:
        return
    reason = (
        "it is loaded by code that came with it"
        if bundle.engine == "pyfunc"
        else f"{bundle.model_file} is a pickle, or names types of its own"
    )
    raise Unprocessable(
        f"{model}/{version} runs code when it is loaded, and nobody here vouches for it.",
        f"As to the format, {reason}; this project did not register these files.",
        f"Register the run here (mlinfra models register RUN --model {model}), or write"
        f' trusted_models = ["{model}"] under [deployments] in mlinfra.toml.',
    )
