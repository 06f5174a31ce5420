"""Attributes that are computed when they are first read, and kept."""

from __future__ import annotations

from typing import Generic, TypeVar, overload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

T = TypeVar("T")


class lazy(Generic[T]):  # noqa: N801
    """Like `functools.cached_property`, without the lock that it takes before Python 3.12.

    That lock is a tenth of the time in which a model is described. Two threads may compute a value
    twice; as models never change, it is the same one.
    """

    def __init__(self, function: Callable[[Any], T]) -> None:
        """Wrap the method that computes the value."""
        self.function = function
        self.name = function.__name__
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, view: None, owner: type) -> lazy[T]: ...

    @overload
    def __get__(self, view: object, owner: type) -> T: ...

    def __get__(self, view: object | None, owner: type) -> lazy[T] | T:
        """Compute the value; the next time Python finds it before it comes here."""
        if view is None:
            return self
        value = view.__dict__[self.name] = self.function(view)
        return value
