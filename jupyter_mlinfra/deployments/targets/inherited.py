"""Environment variables that keeper, gateway and serving processes inherit from the process that
starts them.
"""

from __future__ import annotations

from collections.abc import Mapping

_NAMES = frozenset(
    {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    }
)
_BEGINNINGS = ("LC_", "XDG_")
_SETTINGS = ("MLINFRA_HOME", "MLINFRA_PROJECT_", "MLINFRA_DEPLOYMENTS_")
"""Settings that the keeper reads, if they come from the environment."""


def inherited_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of a machine and a user. A deploy may run in a job: what that job was given,
    including secrets, ends with the job.
    """
    return {
        name: value
        for name, value in environment.items()
        if name in _NAMES or name.startswith(_BEGINNINGS)
    }


def keeper_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """As `inherited_variables`, with what the keeper needs to find our package and the project's
    settings.
    """
    needed = {
        name: value
        for name, value in environment.items()
        if name == "PYTHONPATH" or name.startswith(_SETTINGS)
    }
    return {**inherited_variables(environment), **needed}
