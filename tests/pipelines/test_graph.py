"""The graph, against brute force: every permutation, every path."""

from __future__ import annotations

import time
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlinfra.pipelines import graph
from jupyter_mlinfra.pipelines.references import feeds, overlap

NAMES = "abcdef"


@st.composite
def graphs(draw):
    """Any directed graph of up to six steps, loops and cycles included."""
    names = NAMES[: draw(st.integers(1, 6))]
    return {name: tuple(draw(st.sets(st.sampled_from(names)))) for name in names}


def orders(after):
    """Every order in which no step stands before what it comes after: brute force over all
    permutations.
    """
    for order in permutations(after):
        place = {name: position for position, name in enumerate(order)}
        if all(place[before] < place[name] for name in after for before in after[name]):
            yield list(order)


def reaches(after, start):
    """Steps that depend on `start`: every path, by matrix power."""
    direct = {name: {other for other in after if name in after[other]} for name in after}
    found = set(direct[start])
    for _ in after:
        found |= {far for near in found for far in direct[near]}
    return found


@given(graphs())
def test_a_cycle_is_found_exactly_when_no_order_exists_and_is_a_real_one(after):
    cycle = graph.find_cycle(after)
    possible = next(orders(after), None)
    assert (cycle is None) == (possible is not None)
    if cycle:
        assert len(set(cycle)) == len(cycle)
        assert all(
            before in after[step]
            for before, step in zip(cycle, [*cycle[1:], cycle[0]], strict=True)
        )
        assert cycle[0] == min(cycle), "it begins with the step that the file names first"


@given(graphs(), st.sampled_from(NAMES))
def test_downstream_is_everything_that_a_path_reaches(after, start):
    if start in after:
        assert set(graph.downstream(after, start)) == reaches(after, start) - {start}


PATHS = ["a", "a/b", "a/b/c", "a/bc", "ab", ".", "a.b"]
REFERENCES = [*PATHS, "dataset:a", "dataset:a@1", "dataset:ab", "model:a", "version:a@champion"]


@given(st.sampled_from(REFERENCES), st.sampled_from(REFERENCES))
def test_two_outputs_overlap_exactly_when_writing_one_touches_the_other(first, second):
    def files(path):
        """All paths of a small tree at or below `path`."""
        tree = ["a", "a/b", "a/b/c", "a/bc", "ab", "a.b"]
        return {
            item
            for item in tree
            if path in (".", item) or item.split("/")[: len(path.split("/"))] == path.split("/")
        }

    paths = first in PATHS and second in PATHS
    expected = bool(files(first) & files(second)) if paths else first == second
    assert overlap(first, second) is expected
    assert overlap(second, first) is expected
    if paths:
        assert feeds(first, second) is expected, "a folder feeds its files, and files their folder"


def test_a_version_is_fed_by_its_name_but_not_the_name_by_a_version():
    assert feeds("dataset:x", "dataset:x@7")
    assert not feeds("dataset:x@7", "dataset:x")
    assert feeds("version:m@champion", "version:m@champion")
    assert not feeds("version:m@champion", "version:m@candidate")
    assert not feeds("dataset:x", "model:x")


def test_edges_come_from_what_is_taken_and_made_and_from_nothing_else():
    takes = {
        "load": ["raw.csv"],
        "clean": ["dataset:raw"],
        "train": ["data", "view:v"],
        "report": ["models/m.bin"],
    }
    makes = {
        "load": ["dataset:raw"],
        "clean": ["data/x.parquet", "data/y.parquet"],
        "train": ["models"],
        "report": [],
    }
    assert graph.edges(takes, makes) == {
        "load": (),
        "clean": ("load",),
        "train": ("clean",),
        "report": ("train",),
    }


def test_a_chain_longer_than_the_stack_of_python_is_no_problem():
    after = {"s0": ()} | {f"s{n}": (f"s{n - 1}",) for n in range(1, 3000)}
    assert graph.find_cycle(after) is None
    assert graph.find_cycle(after | {"s0": ("s2999",)}) == [f"s{n}" for n in range(3000)]


def test_the_first_pair_of_makers_is_named():
    clash = graph.find_clash({"a": ["x"], "b": ["y/z"], "c": ["y", "x"]})
    assert clash == graph.Clash("b", "c", "y/z", "y")
    assert graph.find_clash({"a": ["x"], "b": ["y"]}) is None


MADE = st.dictionaries(
    st.sampled_from(NAMES), st.lists(st.sampled_from([*REFERENCES, "/", "/a", "a-b/c", "a@1"]))
)


@given(MADE, MADE)
def test_edges_and_clashes_are_those_of_all_pairs(takes, makes):
    assert graph.edges(takes, makes) == {
        step: tuple(
            maker
            for maker, made in makes.items()
            if any(feeds(output, reference) for output in made for reference in references)
        )
        for step, references in takes.items()
    }
    made = [(step, output) for step, outputs in makes.items() for output in outputs]
    pairs = (
        graph.Clash(first, second, early, late)
        for position, (second, late) in enumerate(made)
        for first, early in made[:position]
        if overlap(early, late)
    )
    assert graph.find_clash(makes) == next(pairs, None)


def test_a_thousand_elements_and_a_chain_of_thousands_take_a_fraction_of_a_second():
    makes = {f"s{n}": [f"x/{n}.a", f"x/{n}.b", f"model:m{n}"] for n in range(4000)}
    takes = {f"s{n}": [f"x/{n - 1}.a", f"model:m{n - 1}@1"] for n in range(4000)}
    began = time.process_time()
    after = graph.edges(takes, makes)
    assert graph.find_clash(makes) is None
    assert graph.find_cycle(after) is None
    assert time.process_time() - began < 2, "all pairs take a minute"
    assert after["s0"] == ()
    assert after["s3999"] == ("s3998",)
