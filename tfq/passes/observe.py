"""Runs a float model on calibration data and keeps what is needed of its activations."""

from __future__ import annotations

import itertools

from tfq.errors import CalibrationDataError
from tfq.passes.ranges import MOST_CHANNELS, Ranges, activation_keys, digest
from tfq.passes.statistics import Extremes, Means

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    import numpy as np

    from tfq.model import Model, Tensor
    from tfq.runtime import Runner

    Array = np.ndarray[Any, Any]
    Sample = Mapping[str, Array]

# Larger blocks save nothing more: the values then dominate, or memory runs out.
_MOST_SAMPLES, _MOST_BYTES = 128, 1 << 24


def observe(model: Model, samples: Iterable[Sample]) -> Ranges:
    """Run a float model on samples and take statistics of its activations.

    Args:
        model: A float model; its first subgraph is run.
        samples: By input name (`Model.input_names`), with the batch axis.

    Returns:
        What was seen of every float32 activation, the inputs included, and of no constant.

    Raises:
        CalibrationDataError: If there are no samples, or an activation is not finite.
        ArgumentError: If a sample does not fit the model.
        InvalidModelError: If the model does not run.
    """
    keys = activation_keys(model.subgraphs[0])
    watched, read = _activations(model), _read_by_layers(model)
    found, block, before = Ranges(digest(model)), _Block(watched, read), 0
    for runner in _runs(model, samples):
        values = {tensor: runner.tensor(tensor.index) for tensor in watched}
        block.add(values)
        if block.is_full:
            block.count(found, keys, before)
            before += block.size
            block = _Block(watched, read)
    block.count(found, keys, before)
    return found


def extremes(
    model: Model, tensors: Sequence[Tensor], samples: Iterable[Sample]
) -> dict[str, Extremes]:
    """Run a float model on samples and keep the smallest and largest values of channels.

    Args:
        model: A float model; its first subgraph is run.
        tensors: Activations of its first subgraph.
        samples: By input name, with the batch axis; not looked at where there are no tensors.

    Returns:
        By the key of each tensor (`activation_keys`), the extremes of its channels.

    Raises:
        CalibrationDataError: If there are no samples, or an activation is not finite.
        ArgumentError: If a sample does not fit the model.
        InvalidModelError: If the model does not run.
    """
    import numpy as np

    keys = activation_keys(model.subgraphs[0])
    found: dict[str, Extremes] = {}
    for place, runner in enumerate(_runs(model, samples) if tensors else ()):
        for tensor in tensors:
            values = runner.tensor(tensor.index)
            rows = values.reshape(-1, values.shape[-1] if values.ndim else 1)
            if not rows.size:
                continue
            seen = Extremes(rows.min(axis=0), rows.max(axis=0))
            if not np.isfinite(seen.lows).all() or not np.isfinite(seen.highs).all():
                raise _not_finite(tensor, place)
            known = found.get(keys[tensor])
            found[keys[tensor]] = seen if known is None else known.merged(seen)
    return found


def _runs(model: Model, samples: Iterable[Sample]) -> Iterator[Runner]:
    """Run the samples one after the other; yield the runner each time."""
    from tfq.runtime import Runner, quiet

    runner = None
    # Once for all samples: small models run faster than stderr is diverted.
    with quiet.silenced():
        for sample in samples:
            runner = runner or Runner(model, every_tensor=True)
            runner.run(sample)
            yield runner
    if runner is None:
        raise CalibrationDataError("calibration data: expected samples, got none")


def _activations(model: Model) -> list[Tensor]:
    """Return the float32 tensors that get values when the model runs, in running order.

    What a loop hands out and nobody reads gets none.
    """
    graph = model.subgraphs[0]
    written = [tensor for operator in graph.operators for tensor in operator.outputs]
    variables = [tensor for tensor in graph.tensors if tensor.is_variable]
    found = dict.fromkeys((*graph.inputs, *variables, *written))
    used = {*graph.inputs, *variables, *graph.outputs}
    return [
        each
        for each in found
        if each.dtype == "float32" and not each.is_constant and (each in used or each.consumers)
    ]


def _read_by_layers(model: Model) -> frozenset[Tensor]:
    """Return the activations of which a bias can make up for what rounding the weights adds."""
    from tfq.passes.integer_kernels import layer

    found = [layer(operator) for operator in model.operators]
    read = {each.data for each in found if each is not None and each.bias is not None}
    return frozenset(each for each in read if each.shape and each.shape[-1] <= MOST_CHANNELS)


class _Block:
    """What some samples made of the activations: looking at many at once is faster."""

    def __init__(self, watched: list[Tensor], read: frozenset[Tensor]) -> None:
        self._read = read
        self._values: dict[Tensor, list[Array]] = {tensor: [] for tensor in watched}
        self._nbytes = 0
        self.size = 0

    def add(self, values: Mapping[Tensor, Array]) -> None:
        """Keep the values of one sample."""
        for tensor, column in self._values.items():
            column.append(values[tensor])
            self._nbytes += values[tensor].nbytes
        self.size += 1

    @property
    def is_full(self) -> bool:
        """Whether it is time to count."""
        return self.size >= _MOST_SAMPLES or self._nbytes >= _MOST_BYTES

    def count(self, found: Ranges, keys: Mapping[Tensor, str], before: int) -> None:
        """Add to the statistics; raise the error for what came first that is not finite.

        Args:
            found: What is added to.
            keys: Of the activations.
            before: How many samples there were before this block.
        """
        broken: list[tuple[int, Tensor]] = []
        for tensor, column in self._values.items():
            for start, part in _alike(column):
                place = found.of(keys[tensor]).add(part)
                if tensor in self._read:
                    found.add_means({keys[tensor]: Means.of(part)})
                if place is not None:
                    broken.append((start + place, tensor))
        if broken:
            place, tensor = min(broken, key=lambda each: each[0])
            raise _not_finite(tensor, before + place)


def _alike(column: list[Array]) -> Iterator[tuple[int, list[Array]]]:
    """Split arrays into runs of one shape; yield each run, and where it starts."""
    start = 0
    for _, group in itertools.groupby(column, key=lambda each: each.shape):
        part = list(group)
        yield start, part
        start += len(part)


def _not_finite(tensor: Tensor, place: int) -> CalibrationDataError:
    """Say where NaN or infinity came from: of all activations this is the first that has it."""
    if tensor in tensor.subgraph.inputs:
        return CalibrationDataError(
            f"calibration data: expected finite numbers; input {tensor.name!r} has NaN or"
            f" infinity in sample {place}"
        )
    return CalibrationDataError(
        f"calibration data: expected finite numbers; {tensor.place} has NaN or infinity in"
        f" sample {place}{_broken_constant(tensor)}"
    )


def _broken_constant(tensor: Tensor) -> str:
    import numpy as np

    operator = tensor.producer
    for each in operator.inputs if operator is not None else ():
        if each is None or not each.is_constant or each.dtype != "float32":
            continue
        if not np.isfinite(each.numpy()).all():
            return f": its constant {each.name!r} is not finite"
    return ", from finite inputs and constants"
