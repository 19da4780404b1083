"""Who makes what, found by name and by folder: comparing all pairs takes seconds."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from .references import kind_of


class Makers:
    """Outputs, each with its position from 0, and the step that makes it.

    `feeding` and `touching` give positions, as `references.feeds` and `references.overlap` define
    them.
    """

    def __init__(self, outputs: Mapping[str, Iterable[str]]) -> None:
        self.outputs = [(step, output) for step, made in outputs.items() for output in made]
        self._named: defaultdict[str, list[int]] = defaultdict(list)
        self._folders: defaultdict[str, list[int]] = defaultdict(list)
        files: list[tuple[str, int]] = []
        for position, (_, output) in enumerate(self.outputs):
            self._named[output].append(position)
            if kind_of(output) == "file":
                self._folders[output.rstrip("/")].append(position)
                files.append((output, position))
        self._files = sorted(files)
        # A path has more folders above it than there are lengths of paths.
        self._lengths = {len(folder) for folder in self._folders}

    def feeding(self, reference: str) -> Iterator[int]:
        """Outputs that are (part of) `reference`, in no order; one may come twice."""
        if kind_of(reference) == "file":
            yield from self.touching(reference)
            return
        yield from self._named.get(reference, ())
        name, at, _ = reference.partition("@")
        if at:
            yield from self._named.get(name, ())

    def touching(self, output: str) -> Iterator[int]:
        """Outputs that are `output`, in it or around it, in no order; one may come twice."""
        yield from self._named.get(output, ())
        if kind_of(output) == "file":
            yield from self._around(output)
            yield from self._within(output)

    def _around(self, path: str) -> Iterator[int]:
        yield from self._folders.get(".", ())
        end = path.find("/")
        while end >= 0:
            if end in self._lengths:
                yield from self._folders.get(path[:end], ())
            end = path.find("/", end + 1)

    def _within(self, path: str) -> Iterator[int]:
        if path == ".":
            yield from (position for _, position in self._files)
            return
        prefix = path.rstrip("/") + "/"
        for index in range(bisect_left(self._files, (prefix, 0)), len(self._files)):
            file, position = self._files[index]
            if not file.startswith(prefix):
                return
            yield position
