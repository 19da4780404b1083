"""Data contracts: files of the Open Data Contract Standard (ODCS) 3.1, which other tools read and
write. Source: https://bitol-io.github.io/open-data-contract-standard/v3.1.0/
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import BadRequest, Conflict, NotFound, Unavailable, Unprocessable
from ...core.records import now
from .contract_rules import Reading
from .contract_written import contract_of
from .pandera_rules import is_pandera
from .spec import Contract, Rule

if TYPE_CHECKING:
    from ..names import DatasetName
    from ..spec import DatasetDetail
    from .checks import Check

_MAX_BYTES = 4 << 20
_MANY_ALIASES = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """What a contract says of one dataset. rules: each with what it demands."""

    rules: Sequence[tuple[Rule, Check]]
    left_out: Sequence[str]


def write_contract(file: Path, detail: DatasetDetail, rules: Sequence[Rule]) -> Contract:
    """Write the contract of a dataset. Raises Conflict if the file exists, Unavailable if it cannot
    be written.
    """
    import yaml

    content, count, left_out = contract_of(detail, rules)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    try:
        with file.open("x", encoding="utf-8") as handle:
            handle.write(text)
    except FileExistsError:
        raise Conflict(
            f"{file} exists already.", "It is not overwritten.", "Name another file."
        ) from None
    except OSError as error:
        raise Unavailable(f"{file} cannot be written.", f"{error.strerror}.") from error
    except ValueError as error:  # NUL, or half a character
        raise BadRequest(f"{file} cannot be written.", f"{error}.", "Name another file.") from None
    name = detail.dataset.name
    return Contract(dataset=name, file=str(file), rules=count, left_out=left_out)


def read_contract(
    file: Path, dataset: DatasetName, *, user: str, columns: Collection[str] = ()
) -> Found:
    """The rules for a dataset in a contract, or in a schema of pandera; raises as
    `Catalog.import_contract` says. columns: those of the dataset; none if it does not exist yet.
    """
    content, reading = _parsed(file), Reading(dataset, columns)
    if is_pandera(content):
        reading.pandera(content)
    else:
        reading.table(_table(content, dataset, file))
        reading.agreements(content.get("slaProperties"))
    at = now()
    rules = [
        (
            Rule(
                dataset=dataset.text,
                rule=item.name,
                text=item.text,
                severity=item.severity,
                columns=list(item.check.columns),
                at=at,
                user=user,
            ),
            item.check,
        )
        for item in reading.rules.values()
    ]
    return Found(rules, reading.left_out)


def _parsed(file: Path) -> Mapping[str, Any]:
    """The content of a contract. Raises Unprocessable if it is none."""
    import yaml

    what = f"{file} is not a data contract."
    try:
        with file.open("rb") as handle:
            data = handle.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        # A text with NUL or half of a character, or one that is too long, names no file.
        if not isinstance(error, OSError) or error.errno in (errno.ENOENT, errno.ENAMETOOLONG):
            raise NotFound(f"There is no file {file}.", fix="Check the path.") from None
        raise Unavailable(f"{file} cannot be read.", f"{error.strerror}.") from error
    if len(data) > _MAX_BYTES:
        raise Unprocessable(what, f"It has more than {_MAX_BYTES >> 20} MiB.")
    if data.count(b"*") > _MANY_ALIASES and data.count(b"&") > 1:
        raise Unprocessable(what, "It repeats its parts too often.", "Write them out.")
    try:
        content = yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        why = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise Unprocessable(what, f"YAML cannot be read: {why}.") from None
    if is_pandera(content):
        return dict(content)
    if not isinstance(content, dict) or content.get("kind") != "DataContract":
        raise Unprocessable(
            what,
            "It does not say `kind: DataContract`, nor `schema_type: dataframe`.",
            "Give it a contract of ODCS 3, or a schema that pandera wrote.",
        )
    version = str(content.get("apiVersion", ""))
    if not version.startswith("v3"):
        raise Unprocessable(
            f"{file} is a contract of another version.",
            f"It says apiVersion: {version[:20] or 'nothing'}; versions 3 of ODCS are read.",
            "Write it in version v3.1.0.",
        )
    return content


def _table(content: Mapping[str, Any], dataset: DatasetName, file: Path) -> Mapping[str, Any]:
    """What the contract says of the dataset: by its name, or if it says only of one table."""
    found = content.get("schema")
    tables = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    wanted = (dataset.text, dataset.table)
    named = [
        item for item in tables if item.get("physicalName") in wanted or item.get("name") in wanted
    ]
    if len(named or tables) == 1:
        return (named or tables)[0]
    if not tables:
        raise Unprocessable(f"{file} says nothing of a table.", "It has no `schema`.")
    names = ", ".join(str(item.get("name"))[:60] for item in tables[:10])
    raise BadRequest(
        f"{file} is about {len(tables)} tables, and none of them is {dataset.text}.",
        f"They are {names}.",
        f"Call the one that is meant {dataset.table}, or its `physicalName` {dataset.text}.",
    )
