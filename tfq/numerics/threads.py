"""How many threads NumPy's linear algebra takes."""

from __future__ import annotations

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """Let BLAS work on one thread for as long as the context lasts.

    The matrices of one layer gain little from more; and where anything else keeps the other cores
    busy, its threads wait for each other, several times as long as the work takes.
    """
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit


@functools.cache
def _controller() -> ThreadpoolController:
    import numpy  # noqa: F401  the controller finds the libraries that are loaded
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
