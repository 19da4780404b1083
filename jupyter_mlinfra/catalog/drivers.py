"""What a team's catalog and storage need besides: packages that are missing, and a region that nobody gave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping

from ..core.errors import Unavailable

_EXTRAS: Mapping[str, str] = {
    "psycopg": "jupyter-mlinfra[postgres]", "psycopg2": "jupyter-mlinfra[postgres]", "s3fs": "jupyter-mlinfra[s3]", "boto3": "jupyter-mlinfra[s3]",
    "botocore": "jupyter-mlinfra[s3]", "aiobotocore": "jupyter-mlinfra[s3]", "adlfs": "pyiceberg[adlfs]", "gcsfs": "pyiceberg[gcsfs]",
}  # fmt: skip
_REGION = "us-east-1"
"""What servers other than AWS are called by, unless they say otherwise; the signature of a request needs one."""


def missing_driver(error: BaseException, what: str) -> Unavailable | None:
    """The error for a package that is not installed, whatever a library made of it; None when that is not the cause."""
    for cause in _causes(error):
        if isinstance(cause, ModuleNotFoundError) and cause.name:
            extra = next((extra for name, extra in _EXTRAS.items() if cause.name == name or cause.name.startswith(f"{name}.")), cause.name)
            return Unavailable(what, f"The package {cause.name} is not installed.", f"pip install '{extra}'")
        if type(cause).__name__ == "NoSuchModuleError":  # of SQLAlchemy: a word of the address that is none
            fix = "Correct [catalog] uri, for example to sql+postgresql+psycopg://USER:PASSWORD@HOST/DATABASE."
            return Unavailable(what, f"{cause}.", fix)
    return None


def keep_home(properties: MutableMapping[str, str]) -> None:
    """Give a storage with an address of its own a region: without one, PyArrow asks AWS for a bucket of that name, which is somebody else's."""
    if properties.get("s3.endpoint") and not (properties.get("s3.region") or properties.get("client.region")):
        properties["s3.region"] = _REGION


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
