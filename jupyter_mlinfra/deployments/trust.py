"""Whether a model that runs code when it is loaded may be deployed.

The workbench never loads one. A serving process does, after the checksums of its files have been
compared, and only if this project registered exactly these files, or names the model in
`[deployments] trusted_models`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..core.errors import Unprocessable
from .packaging import Bundle


def check_trust(
    bundle: Bundle, *, model: str, version: int, registered_here: bool, trusted: Sequence[str]
) -> None:
    """Raise Unprocessable for a bundle that runs code and is not trusted. registered_here: whether
    this project registered the version with exactly these files.
    """
    if not bundle.runs_code or registered_here or model in trusted:
        return
    reasons = {
        "pyfunc": "it is loaded by code that came with it",
        "torch": f"{bundle.model_file} may hold pickles",
    }
    reason = reasons.get(
        bundle.engine, f"{bundle.model_file} is a pickle, or names types of its own"
    )
    raise Unprocessable(
        f"{model}/{version} runs code when it is loaded, and nobody here vouches for it.",
        f"As to the format, {reason}; this project did not register these files.",
        f"Register the run here (mlinfra models register RUN --model {model}), or write"
        f' trusted_models = ["{model}"] under [deployments] in mlinfra.toml.',
    )
