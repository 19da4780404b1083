"""Addresses of tables in databases: `postgresql://ana@host/shop#orders`, `sqlite:///shop.db#orders`.

A password stands in the address, or a reference to it in its place (`ana:env:SHOP_PASSWORD@host`);
the whole address may be a reference too (`env:SHOP#orders`). Only `url` has it, and nothing shows
or stores that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, quote, unquote

from ...core.errors import BadRequest, Forbidden, NotFound
from ...core.files import real_path
from ...core.passwords import without_passwords
from ...core.secrets import is_reference, redacted, resolve
from ..addresses import OBJECTS, scheme_of

Engine = Literal["postgresql", "sqlite"]

_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9]*)(?:\+[a-z0-9]+)?://(?P<rest>.*)\Z", re.S | re.I)
_ENGINES: dict[str, Engine] = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "sqlite": "sqlite",
}
# A password that is written there may hold an `@`; one that is a reference ends at the first.
_USER = re.compile(
    r"(?P<user>[^:/?@]*)(?::(?P<password>env:\w+|keyring:[^@]+|.*))?@(?P<place>[^@]*)\Z", re.S
)
_PORT = "5432"
_HARMLESS = {"sslmode", "connect_timeout", "application_name"}
"""Options of an address that do not choose another host or database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseTable:
    """A table, or view, of a database.

    url: what the driver connects to. shown: the address as it may be shown and stored. location:
    what names the data, whoever reads it and with whatever options. secrets: what no message shows.
    """

    engine: Engine
    table: str
    url: str = field(repr=False)
    shown: str
    location: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def identity(self) -> str:
        """A short name of the table that stays the same."""
        return sha256(f"{self.location}#{self.table}".encode()).hexdigest()[:32]

    def cleaned(self, text: str) -> str:
        """A text of the driver without passwords."""
        return without_passwords(redacted(text, self.secrets))


def is_database(text: object) -> bool:
    """Whether a source of an ingest is the address of a database, one that can be read or not,
    rather than of a file.
    """
    if not isinstance(text, str):
        return False
    if is_reference(text):
        return "#" in text
    return scheme_of(text) not in ("", *OBJECTS)


def database_table(text: str, root: Path) -> DatabaseTable:
    """The table that an address names. root: of the project, where the path of a SQLite file may
    begin.

    Raises BadRequest for an address that cannot be, NotFound for a missing secret or file.
    """
    address, _, table = text.rpartition("#")
    referred = is_reference(address)
    found = _SCHEME.match(resolve(address) if referred else address or text)
    engine = _ENGINES.get(found["scheme"].lower()) if found else None
    if not referred and scheme_of(text) in ("http", "https"):
        raise BadRequest(
            "Nothing is read from the web.",
            "Files on disks, objects of s3:// and tables of databases are.",
            "Download the file first, for example with curl -O, and ingest that.",
        )
    if found is None or engine is None:
        shown = address if referred else f"{scheme_of(text)}://…"
        raise BadRequest(
            f"{shown} is not the address of a database that can be read.",
            "Databases: postgresql, sqlite.",
            "Export the table to Parquet or CSV, and ingest that file.",
        )
    if engine == "postgresql" and address and not referred and "@" in table:
        raise _not_encoded()  # its `#` is one of the password
    if not address or not table:
        raise BadRequest(
            f"An address that begins with {engine}:// names no table.",
            "The table comes after the `#`.",
            "For example postgresql://ana@host/shop#orders or sqlite:///shop.db#orders.",
        )
    read = _sqlite if engine == "sqlite" else _postgresql
    return read(found["rest"], table, root)


def sqlite_file(text: str) -> tuple[str, str]:
    """The path of the file and the table that the address of a SQLite table names. Raises
    BadRequest for an address that cannot be.
    """
    address, _, table = text.rpartition("#")
    found = _SCHEME.match(address)
    rest = found["rest"] if found else ""
    file = unquote(rest.removeprefix("/"))
    if not rest.startswith("/") or not file or not table:
        raise BadRequest(
            "The address names no table of a SQLite file.",
            "The path of the file comes after three slashes, the table after the `#`.",
            "For example sqlite:///shop.db#orders.",
        )
    return file, table


def require_allowed(text: str, allowed: Sequence[str]) -> None:
    """Raise Forbidden for an address that is not of one of these databases (`host/database`,
    `host:port/database`), or that could lead to another one. No secret is looked up.

    A reference names any secret of this machine, so its value must not go to any host.
    """
    address, _, table = text.rpartition("#")
    found = None if is_reference(address) else _SCHEME.match(address)
    if found is None or not table or _ENGINES.get(found["scheme"].lower()) != "postgresql":
        raise BadRequest(
            "This address cannot be read from here.",
            "It is not postgresql://USER@HOST/DATABASE#TABLE or sqlite:///FILE#TABLE.",
            "Other addresses are ingested from a notebook or the command line.",
        )
    parts = _USER.match(found["rest"])
    user, written, place = (
        (parts["user"], parts["password"] or "", parts["place"])
        if parts
        else ("", "", found["rest"])
    )
    if "@" in place:
        raise _not_encoded()
    if written and not is_reference(written):
        raise BadRequest(
            "The address has a password in it.",
            "It would be kept with the job that reads the table.",
            "Name a reference in its place: postgresql://ana:env:SHOP_PASSWORD@host/shop#orders.",
        )
    host, _, options = place.partition("?")
    machine, _, database = host.partition("/")
    asked = f"{_with_port(machine.lower())}/{database or user}"
    known = {_allowed(entry) for entry in allowed}
    if asked not in known or {key for key, _ in parse_qsl(options)} - _HARMLESS:
        raise Forbidden(
            f"The database {asked} may not be read from here.",
            "A request could send any secret of this machine to any host, so only databases of the"
            " settings are read.",
            f'Put databases = ["{asked}"] into [catalog] of mlinfra.toml, and name no options but'
            f" {', '.join(sorted(_HARMLESS))}; or ingest it from a notebook or the command line.",
        )


def _allowed(entry: str) -> str:
    machine, _, database = entry.partition("/")
    return f"{_with_port(machine.lower())}/{database}"


def _postgresql(rest: str, table: str, _root: Path) -> DatabaseTable:
    found = _USER.match(rest)
    user, written, place = (
        (found["user"], found["password"] or "", found["place"]) if found else ("", "", rest)
    )
    if "@" in place or (not is_reference(written) and any(sign in written for sign in "?#/")):
        raise _not_encoded()
    host, _, options = place.partition("?")
    password = resolve(written) if is_reference(written) else unquote(written)
    machine, _, database = host.partition("/")
    login = f"{user}:{quote(password, safe='')}@" if password else f"{user}@" if user else ""
    if "connect_timeout=" not in options:
        options = f"{options}&connect_timeout=10" if options else "connect_timeout=10"
    name = database or user
    return DatabaseTable(
        engine="postgresql",
        table=table,
        url=f"postgresql://{login}{host}?{options}",
        shown=f"postgresql://{f'{user}@' if user else ''}{host}#{table}",
        location=f"postgresql://{_with_port(machine.lower())}/{name}",
        secrets=tuple(
            filter(
                None,
                (
                    password,
                    quote(password, safe=""),
                    written,
                    *(value for key, value in parse_qsl(options) if key.endswith("password")),
                ),
            )
        ),
    )


def _not_encoded() -> BadRequest:
    return BadRequest(
        "The address of the database cannot be read.",
        "Its user or password has a sign that ends it: ?, #, / or @.",
        "Percent-encode the password (`?` is %3F, `#` %23, `/` %2F, `@` %40), or name a reference"
        " in its place: postgresql://ana:env:SHOP_PASSWORD@host/shop#orders.",
    )


def _with_port(machine: str) -> str:
    last = machine.rpartition("]")[2]  # after an IPv6 address
    return machine if ":" in last or not machine else f"{machine}:{_PORT}"


def _sqlite(rest: str, table: str, root: Path) -> DatabaseTable:
    file = unquote(rest.removeprefix("/"))
    if not rest.startswith("/") or not file:
        raise BadRequest(
            f"sqlite://{rest} names no file.",
            "The path of the file comes after three slashes.",
            "For example sqlite:///shop.db#orders, or sqlite:////data/shop.db#orders.",
        )
    # Three slashes and a path from the root is a common slip: read so if there is no such file.
    places = (Path(file), root / file, Path(f"/{file}"))
    path = next((place for place in places if os.path.isfile(place)), None)
    if path is None:
        raise NotFound(
            f"There is no SQLite file {file}.",
            "Nothing was made.",
            "Check the path; it is relative to the working directory or the project.",
        )
    real = real_path(path)
    shown = real.relative_to(root) if real.is_relative_to(root) else real
    return DatabaseTable(
        engine="sqlite",
        table=table,
        url=f"file:{quote(str(real))}?mode=ro",
        shown=f"sqlite:///{shown}#{table}",
        location=f"sqlite:///{real}",
    )
