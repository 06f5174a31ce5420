"""How the inputs of layers vary together: what rounding of weights should respect."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from tfq.passes.integer_kernels import layer
from tfq.passes.statistics import spread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    import numpy as np

    from tfq.model import Model, Operator
    from tfq.passes.integer_kernels import Layer

    Array = np.ndarray[Any, Any]
    Sample = Mapping[str, Array]

# Of each sample so many places of an image: neighbours say nearly the same.
_PLACES = 64
# Beyond, inverting takes longer than it is worth.
_LARGEST = 2400
_IMAGES = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
_RANK = 4
_QUARTERED = 32
# Keeps the inverse of a covariance within what float64 can tell.
_DAMPING = 1e-3


def reads_images(operator: Operator, found: Layer) -> bool:
    """Say whether an operator moves a kernel over images, with weights of four dimensions."""
    return operator.name in _IMAGES and len(found.weights.shape) == _RANK


@dataclass(frozen=True)
class Covariance:
    """How what a layer multiplies with one row of its weights varies.

    Attributes:
        matrix: Second moments about the mean where the layer has a bias, which takes up the mean;
            else about 0. Of shape (inputs, inputs); depthwise (channels, taps, taps).
        places: Of how many places.
    """

    matrix: Array
    places: int

    @cached_property
    def factor(self) -> Array | None:
        """The upper Cholesky factor of the inverse; None if nothing varies.

        What few places say of many inputs is trusted less: off its diagonal the covariance counts
        for places / (places + inputs).
        """
        import numpy as np

        matrix = self.matrix.astype(np.float64)
        size = matrix.shape[-1]
        diagonal = np.diagonal(matrix, axis1=-2, axis2=-1)
        mean = diagonal.mean(axis=-1)[..., None, None]
        if not np.isfinite(matrix).all() or not (mean > 0).any():
            return None
        trust = self.places / (self.places + size)
        own = np.eye(size) * np.maximum(diagonal, 0)[..., None, :]
        # Where nothing varies at all, any number will do.
        floor = np.where(mean > 0, _DAMPING * mean, 1.0) * np.eye(size)
        damped = trust * matrix + (1 - trust) * own + floor
        try:
            # Backwards, the factor of the matrix is upper; then its inverse is what is wanted.
            backwards = np.linalg.cholesky(damped[..., ::-1, ::-1])
        except np.linalg.LinAlgError:
            return None
        return _inverse(backwards[..., ::-1, ::-1])


def _inverse(upper: Array) -> Array:
    """Invert upper triangular matrices by quarters: a third of what a general inverse takes."""
    import numpy as np

    half = upper.shape[-1] // 2
    if half < _QUARTERED:
        general: Array = np.linalg.inv(upper)
        return general
    found = np.zeros_like(upper)
    first = found[..., :half, :half] = _inverse(upper[..., :half, :half])
    last = found[..., half:, half:] = _inverse(upper[..., half:, half:])
    found[..., :half, half:] = -first @ upper[..., :half, half:] @ last
    return found


def covariances(model: Model, samples: Iterable[Sample]) -> dict[int, Covariance]:
    """Run a float model on samples and see how the inputs of its layers vary together.

    Args:
        model: A float model; its first subgraph is run.
        samples: By input name, with the batch axis.

    Returns:
        By the index of the operator; layers with more than 2400 inputs to an output are left out,
        and what is not laid out as such layers usually are.

    Raises:
        ArgumentError: If a sample does not fit the model.
        InvalidModelError: If the model does not run.
    """
    from tfq.runtime import Runner

    runner = Runner(model, every_tensor=True)
    found = [(operator, layer(operator)) for operator in model.operators]
    layers = {operator: each for operator, each in found if each is not None}
    sums: dict[Operator, _Sums] = {}
    for sample in samples:
        runner.run(sample)
        for operator, each in layers.items():
            rows = _rows(operator, each, runner.tensor(each.data.index))
            if rows is not None:
                if operator not in sums:
                    sums[operator] = _Sums(rows)
                sums[operator].add(rows)
    return {
        operator.index: total.covariance(centred=layers[operator].bias is not None)
        for operator, total in sums.items()
    }


class _Sums:
    """Moments of rows, added up."""

    def __init__(self, rows: Array) -> None:
        import numpy as np

        *channels, _, inputs = rows.shape
        self.first = np.zeros((*channels, inputs), np.float64)
        self.second = np.zeros((*channels, inputs, inputs), np.float32)
        self.count = 0

    def add(self, rows: Array) -> None:
        """Add rows of shape (…, places, inputs)."""
        self.first += rows.sum(axis=-2)
        self.second += rows.swapaxes(-1, -2) @ rows
        self.count += rows.shape[-2]

    def covariance(self, *, centred: bool) -> Covariance:
        matrix = self.second.astype("f8") / self.count
        if centred:
            mean = self.first / self.count
            matrix -= mean[..., :, None] * mean[..., None, :]
        return Covariance(matrix.astype("f4"), self.count)


def _rows(operator: Operator, found: Layer, data: Array) -> Array | None:
    """Return what a layer multiplies with its weights, at some places: (…, places, inputs)."""
    weights = found.weights
    inputs = math.prod(weights.shape[1:])
    if not data.size or not inputs:
        return None
    if operator.name == "FULLY_CONNECTED":
        fits = data.size % inputs == 0 and inputs <= _LARGEST
        return data.reshape(-1, inputs) if fits else None
    if not reads_images(operator, found) or data.ndim != _RANK:
        return None
    if operator.name == "TRANSPOSE_CONV":
        # Each tap has outputs of its own, or nearly so.
        return _some(data.reshape(-1, data.shape[-1]))
    patches = _patches(operator, found, data)
    places, taps, channels = patches.shape
    if operator.name == "DEPTHWISE_CONV_2D":
        by_channel: Array = patches.transpose(2, 0, 1)
        return by_channel
    fits = taps * channels == inputs <= _LARGEST
    return patches.reshape(places, inputs) if fits else None


def _patches(operator: Operator, found: Layer, data: Array) -> Array:
    """Return what the taps of a kernel see at some places: (places, taps, channels)."""
    import numpy as np

    made = operator.outputs[0].shape
    places = _some(np.arange(data.shape[0] * made[1] * made[2]))
    image, place = np.divmod(places, made[1] * made[2])
    rows, inside_rows = _reach(operator, found, data, 1, place // made[2])
    columns, inside_columns = _reach(operator, found, data, 2, place % made[2])
    seen = data[image[:, None, None], rows[:, :, None], columns[:, None, :]]
    seen = seen * (inside_rows[:, :, None] & inside_columns[:, None, :])[..., None]
    found_patches: Array = seen.reshape(len(places), -1, data.shape[-1])
    return found_patches


def _reach(
    operator: Operator, found: Layer, data: Array, axis: int, places: Array
) -> tuple[Array, Array]:
    """Return where the taps of a kernel are along an axis, and whether inside the image."""
    import numpy as np

    stride, dilation, before = window(operator, found, axis)
    taps = np.arange(found.weights.shape[axis]) * dilation
    reach = places[:, None] * stride + taps - before
    inside = (reach >= 0) & (reach < data.shape[axis])
    return np.clip(reach, 0, data.shape[axis] - 1), inside


def window(operator: Operator, found: Layer, axis: int) -> tuple[int, int, int]:
    """Return stride and dilation of a kernel along an axis, and the padding before the image.

    Args:
        operator: CONV_2D or DEPTHWISE_CONV_2D.
        found: What it reads.
        axis: 1 for the height, 2 for the width.
    """
    side = ("h", "w")[axis - 1]
    stride = int(operator.options[f"stride_{side}"])
    dilation = int(operator.options.get(f"dilation_{side}_factor", 1))
    if operator.options["padding"] != "SAME":
        return stride, dilation, 0
    taps, size = found.weights.shape[axis], found.data.shape[axis]
    made = operator.outputs[0].shape[axis]
    return stride, dilation, max((made - 1) * stride + (taps - 1) * dilation + 1 - size, 0) // 2


def _some(rows: Array) -> Array:
    """Return rows from everywhere, at most `_PLACES`."""
    return rows if len(rows) <= _PLACES else rows[spread(len(rows), _PLACES)]
