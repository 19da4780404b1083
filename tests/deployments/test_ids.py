"""Ids of requests: random, and never the same in two processes."""

from __future__ import annotations

import os
import uuid
import warnings

from jupyter_mlinfra.deployments.runtime.ids import new_id


def test_an_id_is_a_random_uuid_in_its_usual_form():
    found = [new_id() for _ in range(1000)]
    assert len({*found}) == 1000
    for text in found:
        read = uuid.UUID(text)
        assert (str(read), read.version, read.variant) == (text, 4, uuid.RFC_4122)


def test_a_copy_of_the_process_gives_other_ids():
    new_id()  # some are ready before the copy is made
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        copy = os.fork()
    if not copy:
        os.write(writer, "\n".join(new_id() for _ in range(50)).encode())
        os._exit(0)
    os.waitpid(copy, 0)
    theirs = os.read(reader, 1 << 16).decode().split("\n")
    os.close(reader)
    os.close(writer)
    assert len(theirs) == 50
    assert {*theirs}.isdisjoint(new_id() for _ in range(500))
