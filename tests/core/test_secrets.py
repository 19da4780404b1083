"""Secrets: which names call a value secret, what is refused, and what is blotted out."""

from __future__ import annotations

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.secrets import check_secret, is_named_like_secret, redacted


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("password", True), ("db_password", True), ("DB_PASSWORD", True), ("dbPassword", True), ("hf_token", True), ("apiKey", True), ("API_KEY", True),
        ("aws_secret_access_key", True), ("private_key", True), ("client_secret", True), ("credentials", True),
        ("max_tokens", False), ("tokenizer", False), ("token_limit", False), ("sort_key", False), ("key", False), ("primary_key", False), ("keys", False),
        ("secretary", False), ("depth", False), ("_", False),
    ],
)  # fmt: skip
def test_names_that_say_that_a_value_is_secret(name: str, secret: bool) -> None:
    assert is_named_like_secret(name) is secret


@pytest.mark.parametrize("value", ["env:X", "keyring:db/ana", "", None, True])
def test_a_reference_or_nothing_may_be_given(value: object) -> None:
    check_secret("password", value, "It")


@pytest.mark.parametrize("value", ["hunter2", 12345, ["a"], {"a": 1}, "environment:X"])
def test_a_value_in_clear_is_refused_and_not_repeated(value: object) -> None:
    with pytest.raises(BadRequest, match="kept in clear") as caught:
        check_secret("password", value, "It")
    assert str(value) not in str(caught.value)


def test_values_are_blotted_out_but_short_ones_would_blot_out_everything() -> None:
    assert redacted("a hunter2 b hunter2", ["hunter2", "a"]) == "a [secret] b [secret]"
