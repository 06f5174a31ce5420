"""How near the outputs of models come to those of the model that they stand for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tfq.errors import InvalidModelError
from tfq.numerics.noise import clamped, decibels
from tfq.runtime import Runner, quiet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np

    from tfq.model import Model

    Array = np.ndarray[Any, Any]

_Sample = TypeVar("_Sample", bound=Mapping[str, Any])

MOST_KEPT = 1 << 28
"""Bytes of outputs that are kept; of models with more, the float model runs again."""


class Outputs:
    """What a model says of samples, which it is asked once as far as memory allows."""

    def __init__(self, model: Model) -> None:
        """Run nothing yet."""
        self._model = model
        self._kept: list[list[Array]] = []

    def of(self, samples: Iterable[_Sample]) -> Iterator[tuple[_Sample, list[Array]]]:
        """Go through samples and the outputs of each.

        Args:
            samples: As `Runner.run` takes them; the same ones each time.

        Raises:
            InvalidModelError: If the model does not load or run.
            ArgumentError: If a sample does not fit.
        """
        runner = None
        size = sum(output.nbytes for outputs in self._kept for output in outputs)
        for place, sample in enumerate(samples):
            if place < len(self._kept):
                yield sample, self._kept[place]
                continue
            runner = runner or Runner(self._model)
            outputs = runner.run(sample)
            size += sum(output.nbytes for output in outputs)
            if size <= MOST_KEPT and place == len(self._kept):
                self._kept.append(outputs)
            yield sample, outputs


class Expected:
    """What a float model says of samples: it is asked once, however many models are measured.

    Attributes:
        model: The float model.
        samples: Values by the name of each of its inputs, with the batch axis.
    """

    def __init__(self, model: Model, samples: Sequence[Mapping[str, Array]]) -> None:
        """Run nothing yet."""
        self.model, self.samples = model, samples
        self._outputs = Outputs(model)
        self._parts: dict[int, Expected] = {}

    def part(self, most: int) -> Expected:
        """Return what it says of some samples, from everywhere in the data.

        Args:
            most: So many at most, at least 1.
        """
        step = -(-len(self.samples) // most)
        if step <= 1:
            return self
        if step not in self._parts:
            self._parts[step] = Expected(self.model, self.samples[::step])
        return self._parts[step]

    def pairs(self) -> Iterator[tuple[Mapping[str, Array], list[Array]]]:
        """Go through the samples and the outputs of each.

        Raises:
            InvalidModelError: If the model does not load or run.
            ArgumentError: If a sample does not fit.
        """
        return self._outputs.of(self.samples)


def fidelity(expected: Expected, models: Sequence[Model]) -> list[float]:
    """Measure the outputs of models against those of a float model, on the same samples.

    Args:
        expected: The float model's.
        models: What stands for it: with its inputs and outputs, by name or in its order.

    Returns:
        For each model, the signal-to-quantization-noise ratio in dB, the mean over its outputs;
        integer ones count only where there are no others.

    Raises:
        InvalidModelError: If a model does not load or run, or has other inputs or outputs.
        ArgumentError: If a sample does not fit.
    """
    from concurrent.futures import ThreadPoolExecutor

    followers = [_Follower(expected.model, model) for model in models]
    # Kernels run without Python's lock.
    with quiet.silenced(), ThreadPoolExecutor(os.cpu_count()) as pool:
        for sample, wanted in expected.pairs():
            given = [sample[name] for name in expected.model.input_names]
            list(pool.map(partial(_Follower.follow, given=given, wanted=wanted), followers))
    return [follower.ratio() for follower in followers]


class _Follower:
    """One model, run beside the reference."""

    def __init__(self, reference: Model, model: Model) -> None:
        self._runner = Runner(model)
        places = (reference.name, model.name)
        self._inputs = places_of(reference.input_names, model.input_names, "input", places)
        self._outputs = places_of(reference.output_names, model.output_names, "output", places)
        self._names = model.input_names
        # Of each output, the power of what should be and that of the noise.
        self._powers = [[0.0, 0.0] for _ in self._outputs]
        # Numbers such as the index of a maximum are right or wrong, not near.
        are_real = [tensor.dtype == "float32" for tensor in reference.outputs]
        self._counted = are_real if any(are_real) else [True] * len(are_real)

    def follow(self, given: Sequence[Array], wanted: Sequence[Array]) -> None:
        import numpy as np

        sample = {self._names[place]: each for place, each in zip(self._inputs, given, strict=True)}
        found = self._runner.run(sample)
        for powers, expected, place in zip(self._powers, wanted, self._outputs, strict=True):
            exact = expected.astype(np.float64).ravel()
            noise = exact - found[place].astype(np.float64).ravel()
            # Not `@`: waking BLAS's threads takes milliseconds between two runs of a model.
            powers[0] += float(np.square(exact).sum())
            powers[1] += float(np.square(noise).sum())

    def ratio(self) -> float:
        pairs = zip(self._powers, self._counted, strict=True)
        ratios = [decibels(*powers) for powers, counts in pairs if counts]
        # An output that is always zero must not hide what the others say.
        return sum(map(clamped, ratios)) / len(ratios)


def places_of(
    wanted: Sequence[str], names: Sequence[str], what: str, places: tuple[str, str]
) -> list[int]:
    """Find the inputs or outputs of one model among those of another: by name, else by order.

    Args:
        wanted: Their names in the one model.
        names: Their names in the other.
        what: "input" or "output", for the message.
        places: What to call the two models in it.

    Returns:
        For each of `wanted`, its index in `names`.

    Raises:
        InvalidModelError: If their numbers differ.
    """
    if len(set(names)) == len(names) and set(wanted) == set(names):
        return [names.index(name) for name in wanted]
    if len(wanted) != len(names):
        raise InvalidModelError(
            f"{places[1]}: expected {_counted(wanted, what)}, as {places[0]} has; "
            f"got {_counted(names, what)}"
        )
    return list(range(len(wanted)))


def _counted(names: Sequence[str], what: str) -> str:
    """Such as `2 inputs (image, mask)`; of many names the first few."""
    shown = ", ".join([*(name or "unnamed" for name in names[:8]), *["…"][: len(names) > 8]])
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'} ({shown or 'none'})"
