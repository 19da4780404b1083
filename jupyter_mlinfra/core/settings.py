"""How settings are read: `mlinfra.toml`, then environment variables `MLINFRA_<SECTION>_<KEY>` over
it.

Each section is declared by its reader, as a class: a domain declares it in its `domain.py`, and a
plugin of a domain (a job backend, say) names it in its class. Every key has a default, so an empty
file works. The text under a field is its help in every interface. Secrets are references
(`env:NAME`, `keyring:SERVICE/NAME`), never values.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeGuard, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from . import files
from .errors import BadRequest

if TYPE_CHECKING:
    from .card import ProjectCard

FILE = "mlinfra.toml"
HOME = files.HOME
_PREFIX = "MLINFRA_"
_NO_SECTION = f"{_PREFIX}PROJECT"
"""The project's folder; no section `project` in JSON."""


class Section(BaseModel):
    """The settings of one reader: a table of `mlinfra.toml`, such as `jobs` or `jobs.slurm`."""

    TABLE: ClassVar[str] = ""
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Unchecked(Section):
    """In place of a section whose package fails."""

    model_config = ConfigDict(extra="ignore")


class Settings:
    """All settings of a project. document: what the file says. file: for messages. The environment
    is read when a section is.
    """

    def __init__(self, document: Mapping[str, Any], file: Path) -> None:
        self._document, self._file = document, file
        self._tables: dict[str, Mapping[str, Any]] = {}
        self._sections: dict[type[Section], Section] = {}

    @property
    def home(self) -> str:
        """Folder of the project's state, below the project or absolute; on a disk that only one
        machine's processes write, but for the folders of jobs.
        """
        variable = _variable("HOME")
        return variable[1] if variable else str(self._document.get("home", HOME))

    @cached_property
    def project(self) -> ProjectCard:
        """The project card."""
        from .card import ProjectCard

        return self.of(ProjectCard)

    def of[S: Section](self, section: type[S]) -> S:
        """The settings of that class. Raises BadRequest with the key and the reason if a value
        cannot be used.
        """
        found = self._sections.get(section)
        if found is None:
            found = self._sections[section] = self._read(section)
        return cast(S, found)

    def changed(self, section: Section) -> Settings:
        """The same settings with another section."""
        other = Settings(self._document, self._file)
        other._sections = {**self._sections, type(section): section}
        return other

    def plugins(self, table: str) -> Mapping[str, Any]:
        """What the file and the environment say for the plugins of a domain, by plugin."""
        from .domains import section_of

        owner = section_of(table)
        if owner is Unchecked:
            return {}
        fields = {} if owner is None else owner.model_fields
        return {
            name: values
            for name, values in self._values(table).items()
            if isinstance(values, Mapping) and name not in fields
        }

    def check(self) -> None:
        """Raise BadRequest for the first key that is unknown or has a value that cannot be used."""
        from .domains import section_of, settings_of_ours

        if not isinstance(self._document.get("home", ""), str):
            raise self._refused("home", "It is the path of a folder.")
        named = (name for name in ("project", *settings_of_ours()) if _is_named(name))
        for name in (name for name in dict.fromkeys([*self._document, *named]) if name != "home"):
            if name in self._document and section_of(name) is None and (why := _misplaced(name)):
                raise self._refused(name, why)
            for table in (name, *(f"{name}.{plugin}" for plugin in self.plugins(name))):
                owner = section_of(table)
                if owner is None:
                    raise self._refused(table, _no_section(table))
                self.of(owner)

    def _values(self, table: str) -> Mapping[str, Any]:
        """What the file and the environment say for a table."""
        name, _, plugin = table.partition(".")
        if name not in self._tables:
            values = self._document.get(name, {})
            if not isinstance(values, Mapping):
                twice = isinstance(values, list)
                raise self._refused(
                    name, f"It is a section: write [{name}]{' once, in single brackets' * twice}."
                )
            self._tables[name] = _merged(values, _from_environment(name))
        found = self._tables[name]
        return found.get(plugin, {}) if plugin else found

    def _read[S: Section](self, section: type[S]) -> S:
        table = section.TABLE
        values = {
            name: value
            for name, value in self._values(table).items()
            # The table of a plugin, which reads it itself.
            if name in section.model_fields or not isinstance(value, Mapping)
        }
        try:
            return section.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(str(part) for part in (table, *first["loc"]))
            if first["type"] == "extra_forbidden":
                raise self._refused(key, _unknown(section, first["loc"])) from None
            # Not `from error`: it quotes the value, which may be a password.
            raise self._refused(key, first["msg"] + ".") from None

    def _refused(self, key: str, why: str) -> BadRequest:
        return BadRequest(
            f"Setting {key} cannot be used.",
            why,
            f"Correct it in {self._file} or in the environment ({_PREFIX}…).",
        )


def load_settings(root: Path) -> Settings:
    """Read `root/mlinfra.toml` (may be missing) and the environment.

    Raises BadRequest with the key and the reason when a key is unknown or a value cannot be used.
    """
    file = root / FILE
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    except (OSError, ValueError) as error:  # TOML syntax, or no text
        raise BadRequest(
            f"{file} cannot be read.", str(error), "Correct the TOML at that line."
        ) from error
    found = Settings(document, file)
    found.check()
    return found


def _from_environment(table: str) -> dict[str, Any]:
    """What the environment says for a section."""
    from .domains import section_of

    table_variable = _variable(table)
    found = (
        _json(*table_variable)
        if table_variable is not None and table_variable[0] != _NO_SECTION
        else {}
    )
    if table_variable is not None and not isinstance(found, dict):
        raise BadRequest(
            f"The environment variable {table_variable[0]} cannot be used.",
            "It is not a JSON object.",
            f"Correct it, or set the keys of [{table}] in {FILE}.",
        )
    variables = list(_variables(f"{table}_"))
    if variables and (section := section_of(table)) is not None:
        for name, key, text in variables:
            found[key] = _parsed(section, name, key, text)
    return dict(found)


def _is_named(table: str) -> bool:
    """Whether the environment says something for a section."""
    return _variable(table) is not None or any(_variables(f"{table}_"))


def _variable(name: str) -> tuple[str, str] | None:
    variable = f"{_PREFIX}{name}".upper()
    return next(
        ((name, text) for name, text in os.environ.items() if name.upper() == variable), None
    )


def _variables(beginning: str) -> Iterator[tuple[str, str, str]]:
    """Name, key and text of each variable that begins so."""
    prefix = f"{_PREFIX}{beginning}".upper()
    for name, text in os.environ.items():
        if name.upper().startswith(prefix):
            yield name, name[len(prefix) :].lower(), text


def _parsed(section: type[Section], name: str, key: str, text: str) -> Any:
    """The text of a variable as a value: JSON for tables and lists."""
    field = section.model_fields.get(key)
    if field is None:
        from .domains import section_of

        return text if section_of(f"{section.TABLE}.{key}") is None else _json(name, text)
    return _json(name, text) if _is_structured(field.annotation) else text


def _is_structured(annotation: Any) -> bool:
    return (
        _is_model(annotation)
        or get_origin(annotation) in (dict, list, tuple)
        or any(_is_structured(part) for part in get_args(annotation))
    )


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadRequest(
            f"The environment variable {name} cannot be used.",
            f"It is not JSON: {error}.",
            f"Correct it, or set the key in {FILE}.",
        ) from error


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Both, the second over the first; tables are merged too."""
    found = dict(below)
    for name, value in above.items():
        if isinstance(value, Mapping) and isinstance(found.get(name), Mapping):
            found[name] = _merged(found[name], value)
        else:
            found[name] = value
    return found


def _unknown(section: type[Section], where: tuple[int | str, ...]) -> str:
    """Why a key is refused, with the nearest that is known."""
    *above, key = where
    table, fields = section.TABLE, section.model_fields
    for part in above:
        annotation = fields[str(part)].annotation if str(part) in fields else None
        fields = annotation.model_fields if _is_model(annotation) else {}
        table = f"{table}.{part}"
    from .domains import section_of

    # As a variable that names a setting of a table in a section.
    inner, _, setting = str(key).partition("_")
    if setting and (inner in fields or section_of(f"{table}.{inner}") is not None):
        variable = f"{_PREFIX}{table}_{inner}".upper().replace(".", "_")
        return (
            f"It is written as {setting} in [{table}.{inner}], and in the environment as"
            f" {variable}='{{\"{setting}\": …}}'."
        )
    if near := get_close_matches(str(key), fields, n=1):
        return f"There is no such setting; the nearest is {table}.{near[0]}."
    return _misplaced(str(key)) or (
        f"There is no such setting. Those of [{table}]: {', '.join(fields)}."
    )


def _misplaced(key: str) -> str:
    """The section of ours that a key belongs to, in a sentence; empty if it belongs to none."""
    from .domains import section_of, settings_of_ours

    for name in settings_of_ours():
        owner = section_of(name)
        if owner is not None and key in owner.model_fields:
            return f"It is a setting of [{name}]: {name}.{key}."
    return ""


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _no_section(table: str) -> str:
    """Why a table is refused."""
    from .domains import section_of, settings_of_ours

    name, _, plugin = table.rpartition(".")
    owner = section_of(name) if name else None
    if owner is not None and (near := get_close_matches(plugin, owner.model_fields, n=1)):
        return f"There is no such setting; the nearest is {name}.{near[0]}."
    if near := get_close_matches(table, ["project", "home", *settings_of_ours()], n=1):
        return f"There is no such section; the nearest is {near[0]}."
    return "No installed package has settings of that name."
