"""Manifests as YAML: the same manifest gives the same bytes, and every parser reads the same
values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .fields import Strict

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]+(:[A-Za-z0-9_./-]+)*\Z")
"""Texts that no version of YAML takes for anything else, except the words below."""
_WORDS = frozenset({"yes", "no", "on", "off", "true", "false", "null"})


def to_yaml(manifests: Sequence[Strict]) -> str:
    """One document each, separated by `---`.

    Texts such as `1e3`, `y` or `0o7` are numbers or truths for some parsers (YAML 1.1 and 1.2
    differ), so everything that is not plainly a word is quoted.
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        """Quotes what could be read in two ways."""

        def ignore_aliases(self, _: Any) -> bool:
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
            super().increase_indent(flow, indentless=False)

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        plain = bool(_PLAIN.match(value)) and value.lower() not in _WORDS
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')

    Dumper.add_representer(str, text)
    return yaml.dump_all(
        [manifest.document() for manifest in manifests],
        Dumper=Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=1000,
        explicit_start=len(manifests) > 1,
    )
