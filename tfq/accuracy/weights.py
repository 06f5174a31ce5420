"""The weights of an operator as real numbers, and how near those of two operators are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tfq import ops
from tfq.errors import Error
from tfq.numerics.noise import decibels
from tfq.passes.parameters import real_values

if TYPE_CHECKING:
    import numpy as np

    from tfq.model import Operator, Tensor

    Array = np.ndarray[Any, Any]

# Of large weights so many values tell them from others.
_LOOKED_AT = 4096
_FEWEST = 8
_ALIKE = 0.5
# Output channels lie along the first axis, those of the input along the last.
_INPUTS_LAST = frozenset({"CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})
# Scales along two axes settle slowly where many weights are near 0.
_ROUNDS, _SETTLED = 100, 1e-5


def real_weights(operator: Operator) -> list[Array] | None:
    """Return the weights of an operator.

    Args:
        operator: Any operator.

    Returns:
        Each of its weights as the file holds them, unpacked and dequantized; None if it has none,
        or not all of them are constants that can be read.
    """
    found = [_real(tensor) for tensor in operator.all_weights]
    present = [each for each in found if each is not None]
    return present if present and len(present) == len(found) else None


def resemble(one: Operator, other: Operator) -> bool | None:
    """Say whether two operators have the same weights but for quantization and channel scales.

    Neither changes a sign: weights of the same layer agree in nearly all signs but where they
    became 0, those of different layers in half.

    Args:
        one: An operator.
        other: One of another model.

    Returns:
        Whether; None if they cannot be told apart, as one has no weights, or too few.
    """
    import numpy as np

    if not one.all_weights or not other.all_weights:
        return None
    sizes = {math.prod(ops.stored(each.all_weights[0]).shape) for each in (one, other)}
    if len(sizes) > 1:
        return False
    first, second = real_weights(one), real_weights(other)
    if first is None or second is None:
        return None
    signs = [np.sign(_some(each[0])) for each in (first, _laid_like(second, first) or second)]
    both = (signs[0] != 0) & (signs[1] != 0)
    count = int(np.count_nonzero(both))
    if count < _FEWEST:
        return None
    return bool((signs[0] * signs[1])[both].sum() > _ALIKE * count)


def constants_apart(one: Operator, other: Operator) -> float:
    """Measure how far the numbers are apart that two operators have as constants.

    Returns:
        Σ (one - other)² / Σ one², over weights, factors and summands; infinite where there are
        others.
    """
    first, second = ([_real(each) for each in op.inputs if each is not None] for op in (one, other))
    pairs = [(a, b) for a, b in zip(first, second, strict=False) if a is not None and b is not None]
    if any(a.size != b.size for a, b in pairs):
        return math.inf
    size = sum(float((a * a).sum()) for a, _ in pairs)
    apart = sum(float(((a.ravel() - b.ravel()) ** 2).sum()) for a, b in pairs)
    return apart / size if size else apart


def weight_sqnr(
    candidate: Operator, reference: Operator, *, takes_scaled: bool = False, is_scaled: bool = False
) -> float | None:
    """Measure the weights of an operator against those that they stand for.

    Args:
        candidate: The operator.
        reference: Its counterpart.
        takes_scaled: Whether the channels of its input are multiples of the reference's: then its
            weights are compared up to a scale for each input channel.
        is_scaled: Likewise, of its output.

    Returns:
        The signal-to-quantization-noise ratio in dB over all weights of the operator; None if it
        has none, or their shapes disagree.
    """
    found, wanted = real_weights(candidate), real_weights(reference)
    if found is None or wanted is None:
        return None
    laid = _laid_like(wanted, found)
    if laid is None:
        return None
    if takes_scaled or is_scaled:
        axes = _axes(candidate, found[0].ndim, takes_scaled, is_scaled)
        if not axes:
            return None
        laid = [_scaled(laid[0], found[0], axes), *laid[1:]]
    signal = sum(float((each * each).sum()) for each in laid)
    pairs = zip(laid, found, strict=True)
    return decibels(signal, sum(float(((a - b) ** 2).sum()) for a, b in pairs))


def _real(tensor: Tensor) -> Array | None:
    import numpy as np

    origin = ops.stored(tensor)
    if not origin.is_constant:
        return None
    try:
        values = real_values(origin)
        if values is None and origin.dtype in ops.FLOATS:
            values = origin.numpy()
    except Error:
        return None
    return None if values is None else values.astype(np.float64)


def _some(values: Array) -> Array:
    flat = values.ravel()
    return flat[:: max(1, flat.size // _LOOKED_AT)]


def _laid_like(wanted: list[Array], found: list[Array]) -> list[Array] | None:
    """Lay out weights like others: a dense layer may be a convolution of one pixel."""
    if len(wanted) != len(found):
        return None
    laid = [_one_laid_like(a, b) for a, b in zip(wanted, found, strict=True)]
    present = [each for each in laid if each is not None]
    return present if len(present) == len(laid) else None


def _one_laid_like(wanted: Array, found: Array) -> Array | None:
    ours, theirs = ([size for size in each.shape if size != 1] for each in (wanted, found))
    laid: Array | None = None
    if ours == theirs:
        laid = wanted.reshape(found.shape)
    elif len(ours) == 2 and ours == theirs[::-1]:
        laid = wanted.reshape(ours).T.reshape(found.shape)
    return laid


def _axes(operator: Operator, rank: int, takes_scaled: bool, is_scaled: bool) -> list[int]:
    """Return the axes of weights along which scaled channels lie."""
    if operator.name == "DEPTHWISE_CONV_2D":
        return [rank - 1]
    if operator.name not in _INPUTS_LAST:
        return []
    return [axis for axis, scaled in ((0, is_scaled), (rank - 1, takes_scaled)) if scaled]


def _scaled(wanted: Array, found: Array, axes: list[int]) -> Array:
    """Scale the slices of weights along some axes so that they come nearest to others."""
    import numpy as np

    others = tuple([each for each in range(wanted.ndim) if each not in axes])
    # All that follows needs of the weights are these sums: one row a channel of the first axis, one
    # column a channel of the second, if there is one.
    sums = ((wanted * each).sum(axis=others) for each in (found, wanted))
    both, own = (each.reshape(len(each), -1) for each in sums)
    rows, columns = np.ones(len(own)), np.ones(own.shape[1])
    rows = _nearest(rows, both, own, columns)
    for _ in range(_ROUNDS if len(axes) > 1 else 0):
        columns = _nearest(columns, both.T, own.T, rows)
        before, rows = rows, _nearest(rows, both, own, columns)
        if np.allclose(before, rows, rtol=_SETTLED, atol=0):
            break
    scaled = wanted
    for axis, scales in zip(axes, (rows, columns), strict=False):
        scaled = scaled * scales.reshape([-1 if each == axis else 1 for each in range(wanted.ndim)])
    return scaled


def _nearest(before: Array, both: Array, own: Array, others: Array) -> Array:
    """Choose the scale of each row so that it comes nearest, given those of the columns."""
    import numpy as np

    # Not `@`, which wakes the threads of BLAS for little.
    nearer = np.einsum("rc,c->r", both, others)
    size = np.einsum("rc,c->r", own, np.square(others))
    found: Array = np.divide(nearer, size, out=before.copy(), where=(size > 0) & (nearer > 0))
    return found
