"""What domains declare of themselves."""

from __future__ import annotations

import inspect
from enum import StrEnum
from importlib import import_module

import pytest

from jupyter_mlinfra.core.domain import Domain, Part, merged
from jupyter_mlinfra.core.domains import ours


def states_of(domain: Domain) -> set[str]:
    """Members of the enumerations of states in the domain's records."""
    enums = {
        value
        for module in domain.records
        for value in vars(import_module(module)).values()
        if inspect.isclass(value)
        and issubclass(value, StrEnum)
        and value.__module__ == module
        and value.__name__.endswith(("State", "Status", "Freshness"))
    }
    return {str(member) for enum in enums for member in enum}


@pytest.mark.parametrize("domain", ours(), ids=lambda domain: domain.name)
def test_every_state_of_a_record_is_declared_with_its_tone(domain: Domain) -> None:
    assert states_of(domain) <= {state.name for state in domain.states}


@pytest.mark.parametrize("domain", ours(), ids=lambda domain: domain.name)
def test_a_record_is_declared_where_it_is_defined(domain: Domain) -> None:
    """Its row and its card are looked up by its module."""
    elsewhere = [
        f"{name} is in {found.__module__}"
        for module, names in domain.records.items()
        for name in names
        if (found := getattr(import_module(module), name)).__module__ != module
    ]
    assert elsewhere == []


def test_the_parts_of_a_declaration_are_put_together_in_their_order() -> None:
    one = Part(verbs=("list", "show"), records={"a.spec": ("Row",)})
    other = Part(verbs=("sql",), records={"a.spec": ("Answer",), "a.more": ("Plan",)})
    both = {"a.spec": ["Row", "Answer"], "a.more": ["Plan"]}
    assert merged(one, other) == Part(verbs=("list", "show", "sql"), records=both)
    assert merged() == Part()
