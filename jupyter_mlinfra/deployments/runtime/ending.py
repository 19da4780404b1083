"""What a model raises to end something is its failure, and ends nothing of the server."""

from __future__ import annotations

from collections.abc import Callable


def kept[T](work: Callable[[], T]) -> T:
    """What `work` returns. An exception passes; what servers and threads take for an order of their
    own becomes a RuntimeError: SystemExit, KeyboardInterrupt, a panic of a Rust library, and
    StopIteration, which no future can carry.
    """
    try:
        return work()
    except Exception as error:
        if not isinstance(error, StopIteration | StopAsyncIteration):
            raise
        raise _failure(error) from error
    except BaseException as error:
        raise _failure(error) from error


def _failure(error: BaseException) -> RuntimeError:
    text = f": {error}" if str(error) else ""
    return RuntimeError(f"the model raised {type(error).__name__}{text}")
