"""Conversion of a model that simulates quantization: what was learned stands still as constants."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EXPORTING = ContextVar("exporting", default=False)


@contextmanager
def exporting() -> Iterator[None]:
    """Trace models for conversion within this context.

    TFLiteConverter only understands fake quantization whose range is a constant, not one that the
    graph computes; and what it computes of weights may be too large for it to fold.
    """
    token = _EXPORTING.set(True)
    try:
        yield
    finally:
        _EXPORTING.reset(token)


def is_exporting() -> bool:
    """Say whether a model is traced for conversion."""
    return _EXPORTING.get()


def settled(compute: Callable[[], Any]) -> Any:
    """Compute something of variables alone; while exporting, as constants of the graph.

    Args:
        compute: Takes nothing and returns a tensor or a structure of them.
    """
    if not is_exporting():
        return compute()
    with tf.init_scope():
        values = tf.nest.map_structure(lambda tensor: tensor.numpy(), compute())
    return tf.nest.map_structure(tf.constant, values)
