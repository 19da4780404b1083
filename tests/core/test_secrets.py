"""Secrets: which names call a value secret, what is refused, and what is blotted out."""

from __future__ import annotations

import pytest

from jupyter_mlinfra.core.errors import BadRequest
from jupyter_mlinfra.core.secrets import check_secret, is_named_like_secret, redacted, references

SECRET = """
    password db_password DB_PASSWORD dbPassword passwords password1 dbpassword db_password_prod
    passwordProd mypasswd db_pwd pgpassphrase password_hash
    token hf_token HF_HUB_TOKEN hfToken2 githubtoken GITHUBTOKEN access_token refresh_token_2
    slack_bot_token oauth2token tokenProd apitoken api_tokens
    apiKey APIkey API_KEY apikey api_keys api_key_2 api_key_prod aws_secret_access_key private_key
    accesskey storageAccountKey encryption_key_v2
    secret client_secret secrets secret_id key_secret tokensecret tokenSecret credentials
    db_credentials_old
    """
PLAIN = """
    max_tokens maxTokens max_new_tokens num_tokens token_count tokencount token_limit tokens
    tokens_per_second cost_per_token token_type_ids eos_token_id
    pad_token padtoken special_tokens_map tokenizer tokenizer_name TOKENIZERS_PARALLELISM
    detokenize token_url time_to_first_token
    key keys key_columns sort_key primary_key partition_key public_key auth_public_key
    account_join_key api_key_columns aws_access_key_id
    password_file private_key_path secret_name PASSWORD_MIN_LENGTH secretary monkey keyboard passed
    n_pass compass depth _ 1
    """


@pytest.mark.parametrize(
    ("name", "secret"),
    [*((name, True) for name in SECRET.split()), *((name, False) for name in PLAIN.split())],
)
def test_names_that_say_that_a_value_is_secret(name: str, secret: bool) -> None:
    assert is_named_like_secret(name) is secret


NESTED = {
    "a mapping": {"user": "bob", "password": "hunter2"},
    "a list of mappings": [{"host": "a"}, {"host": "b", "api_key_2": "hunter2"}],
    "a mapping below a name that says secret": {
        "db_credentials": {"user": "bob", "word": "hunter2"}
    },
    "a list below a name that says secret": {"tokens_of": 1, "hf_token": ["env:A", "hunter2"]},
}


@pytest.mark.parametrize("case", NESTED)
def test_a_value_in_clear_is_found_however_deep(case: str) -> None:
    with pytest.raises(BadRequest, match=r"Parameter conn, .* would be stored in clear") as caught:
        check_secret("conn", NESTED[case], "Parameter conn")
    assert "hunter2" not in str(caught.value)


def test_references_are_found_however_deep_and_may_stand_anywhere() -> None:
    value = {
        "user": "bob",
        "password": "env:A",
        "more": [{"api_key": "keyring:db/ana"}, ["env:B", 3]],
        "note": "see env:C",
    }
    check_secret("conn", value, "It")
    assert list(references(value)) == ["env:A", "keyring:db/ana", "env:B"]


@pytest.mark.parametrize("value", ["env:X", "keyring:db/ana", "", None, True])
def test_a_reference_or_nothing_may_be_given(value: object) -> None:
    check_secret("password", value, "It")


@pytest.mark.parametrize("value", ["hunter2", 12345, ["a"], {"a": 1}, "environment:X"])
def test_a_value_in_clear_is_refused_and_not_repeated(value: object) -> None:
    with pytest.raises(BadRequest, match="stored in clear") as caught:
        check_secret("password", value, "It")
    assert str(value) not in str(caught.value)


def test_values_are_blotted_out_but_short_ones_would_blot_out_everything() -> None:
    assert redacted("a hunter2 b hunter2", ["hunter2", "a"]) == "a [secret] b [secret]"
