"""No password that stands in an address is shown, whoever shows it."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import pytest

from jupyter_mlinfra.catalog import Catalog
from jupyter_mlinfra.core.errors import BadRequest, MLInfraError, Unavailable
from jupyter_mlinfra.core.passwords import password_in, without_passwords
from jupyter_mlinfra.core.project import Project
from jupyter_mlinfra.core.settings import load_settings
from jupyter_mlinfra.jobs.local.supervisor import say
from jupyter_mlinfra.jobs.remote import NotNow, Rejected, Unreachable

SHOWN = [
    ("sql+postgresql://ana:s3cr3t@db/cat", "sql+postgresql://ana:[secret]@db/cat"),
    (
        "at postgresql+psycopg2://ana:s3/cr@3t@db:5432/cat?x=1, port",
        "at postgresql+psycopg2://ana:[secret]@db:5432/cat?x=1, port",
    ),
    ("'http://:s3cr3t@host:8265/api'", "'http://:[secret]@host:8265/api'"),
    ("https://s3cr3t@host/x", "https://[secret]@host/x"),
    (
        "https://host/x?user=ana&password=s3cr3t&y=1",
        "https://host/x?user=ana&password=[secret]&y=1",
    ),
    ("https://host/x?X-Amz-Signature=s3cr3t", "https://host/x?X-Amz-Signature=[secret]"),
    ("https://host/x?a=1&sig=s3cr3t&b=2", "https://host/x?a=1&sig=[secret]&b=2"),
    ("https://host/x?Signature=s3cr3t", "https://host/x?Signature=[secret]"),
    ("...postgresql://ana:12/s3@db/x", "...postgresql://ana:[secret]@db/x"),
    ("HTTPS://ana:s3/cr:3t@host:80/a@b", "HTTPS://ana:[secret]@b"),
    ("a://h:x,b://v:s3cr3t@i", "a://h:x,b://v:[secret]@i"),
    ("a://u:s3cr3t@h and b://v:s3cr3t@i", "a://u:[secret]@h and b://v:[secret]@i"),
    ("redis at h:6379,password=s3cr3t", "redis at h:6379,password=[secret]"),
    ("host=h password='s3 cr3t' port=1", "host=h password=[secret] port=1"),
]
LEFT = [
    "http://127.0.0.1:8265",
    "http://host:8080/a/churn@champion",
    "https://[::1]:8080/a/churn@champion",
    "https://host/a:b/churn@champion",
    "s3://bucket/a@b",
    "mail ana@example.com",
    "https://host/x?page=2&tokens=5",
    "sqlite:////home/a:b/c.db",
    "job:1 at 10:30",
    "Log it again with signature=infer_signature(inputs, predictions).",
]


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_a_password_in_an_address_is_struck_out_and_the_rest_stays(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


@pytest.mark.parametrize("text", LEFT)
def test_what_is_no_password_stays(text: str) -> None:
    assert without_passwords(text) == text
    assert password_in(text) == ""


@pytest.mark.parametrize(
    "piece",
    ["a.", "a://", "://a:", "http://a", "a://b:c:", "?token", "a+", "@", ":", "pwd='", 'pwd="'],
)
def test_a_long_text_takes_no_longer_than_its_length(piece: str) -> None:
    """Every error and every line of a log goes through this."""
    spent = []
    for size in (50_000, 400_000):
        text = "x://y " + piece * (size // len(piece))
        begin = time.process_time()
        without_passwords(text)
        spent.append(time.process_time() - begin)
    # Eight times as long; a quadratic search takes 64 times as long, and a minute.
    assert spent[1] < 24 * spent[0] + 0.2


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_errors_reasons_and_logs_show_none(
    text: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = MLInfraError(text, f"Because {text}", fix=text)
    for seen in (error, pickle.loads(pickle.dumps(error))):
        assert "s3" not in f"{seen} {seen.args} {seen.to_json()!r}".replace("s3://", "")
    for kind in (Unreachable, Rejected, NotNow):
        assert kind(text).message == shown
    say(text)
    assert capsys.readouterr().err.strip().endswith(shown)


@pytest.mark.parametrize(
    "uri",
    [
        "sql+postgresql://ana:s3cr3t@127.0.0.1:1/cat",
        "sql+nosuch://ana:s3cr3t@127.0.0.1/cat",
        "http://ana:s3cr3t@127.0.0.1:1",
    ],
)
def test_a_catalog_that_cannot_be_reached_does_not_tell_its_password(
    uri: str, project: Project
) -> None:
    (project.root / "mlinfra.toml").write_text(f'[catalog]\nuri = "{uri}"\n')
    with pytest.raises(MLInfraError) as caught:
        Catalog(Project.open(project.root)).list()
    assert isinstance(caught.value, Unavailable)
    assert "s3cr3t" not in str(caught.value)


def test_ray_takes_no_password_in_its_address(tmp_path: Path) -> None:
    (tmp_path / "mlinfra.toml").write_text('[jobs.ray]\naddress = "http://ana:s3cr3t@head:8265"\n')
    with pytest.raises(BadRequest, match=r"jobs\.ray\.address.*reference") as caught:
        load_settings(tmp_path)
    assert "s3cr3t" not in str(caught.value)
