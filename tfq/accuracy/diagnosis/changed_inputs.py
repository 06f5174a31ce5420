"""Inputs as they would be if somebody had prepared them otherwise: the usual mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np

    from tfq.convert.calibration import Samples

    Array = np.ndarray[Any, Any]
    Change = Callable[[Array], Array]

# Of the pixels of ImageNet as fractions of 1, red first: what torchvision's and Keras's "torch"
# preprocessing subtract and divide by; and of 0..255, blue first: what "caffe" subtracts
# (keras.src.applications.imagenet_utils).
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_BLUE_FIRST = (103.939, 116.779, 123.68)
# Rounding may carry a number a little out of its range.
_SLACK = 1e-3
_PIXEL = 255.0


class Changed(NamedTuple):
    """One other way to prepare the inputs.

    Attributes:
        name: What is done to them.
        advice: What to do where it helps, a sentence.
        apply: Does it to the value of one input that `applies_to` names.
        applies_to: The names of the inputs.
    """

    name: str
    advice: str
    apply: Change
    applies_to: frozenset[str]


class Extent(NamedTuple):
    """How far an input reaches over all samples, and what its axes are."""

    low: float
    high: float
    shape: tuple[int, ...]

    @property
    def is_image(self) -> bool:
        """Whether it may be images with channels last."""
        return len(self.shape) == 4 and self.shape[-1] in (1, 3, 4)

    @property
    def channels(self) -> int:
        """How many channels an image has."""
        return self.shape[-1]


def extents(samples: Samples) -> dict[str, Extent]:
    """Measure the float inputs.

    Args:
        samples: What is run.

    Returns:
        By the name of each float32 input that has numbers.
    """
    found = {}
    for name, column in samples.columns.items():
        first = column[0]
        if first.dtype.name == "float32" and first.size:
            low = min(float(each.min()) for each in column)
            high = max(float(each.max()) for each in column)
            found[name] = Extent(low, high, first.shape)
    return found


def changes(seen: Mapping[str, Extent]) -> Iterator[Changed]:
    """List the ways to try, the usual first.

    Args:
        seen: The float inputs. Those of one kind are changed together.
    """
    images = {name: each for name, each in seen.items() if each.is_image}
    chosen = images or seen
    if not chosen:
        return
    names = frozenset(chosen)
    extent = _joined(chosen)
    # Of changes that do as well, the first is named: the simple ones.
    if extent.is_image and extent.channels == 3:
        advice = "swap red and blue"
        yield Changed("red and blue swapped", advice, swapped, names)
    yield from _scales(extent, names)
    if not images:
        return
    if extent.channels > 1:
        advice = "transpose the data from channels first to channels last instead of reshaping them"
        yield Changed("channels last instead of first", advice, _unreshaped, names)
    if extent.shape[1] == extent.shape[2]:
        advice = "swap height and width of the data"
        yield Changed("height and width swapped", advice, lambda x: x.swapaxes(1, 2), names)
    total = extent.low + extent.high
    advice = "invert the pixels: light becomes dark"
    yield Changed("inverted", advice, lambda x: total - x, names)


def swapped_too(change: Changed) -> Changed:
    """Return a change with red and blue swapped as well."""
    return change._replace(
        name=f"{change.name}, red and blue swapped",
        advice=f"{change.advice}, and swap red and blue",
        apply=lambda x: change.apply(swapped(x)),
    )


def swapped(values: Array) -> Array:
    """Return images with their channels in the other order."""
    return values[..., ::-1]


def _joined(seen: Mapping[str, Extent]) -> Extent:
    first = next(iter(seen.values()))
    low, high = min(each.low for each in seen.values()), max(each.high for each in seen.values())
    return Extent(low, high, first.shape)


def _scales(extent: Extent, names: frozenset[str]) -> Iterator[Changed]:
    unit = _to_unit(extent)
    if unit is not None:
        present, to_unit = unit
        for name, from_unit in _targets(extent).items():
            if name != present:
                advice = f"give the inputs as {name}, not {_text(extent)}"
                yield Changed(f"as {name}", advice, _chained(to_unit, from_unit), names)
    if extent.is_image:
        advice = "take its mean away from each image and divide it by its standard deviation"
        yield Changed("each image standardized", advice, _standardized, names)


def _chained(first: Change, second: Change) -> Change:
    return lambda values: second(first(values))


def _text(extent: Extent) -> str:
    return f"{extent.low:.4g}..{extent.high:.4g}"


def _to_unit(extent: Extent) -> tuple[str, Change] | None:
    """Return how inputs are scaled, and what makes them 0..1; None for anything else."""
    low, high = extent.low, extent.high
    if high <= low:
        return None
    if low >= -_SLACK:
        if high <= 1 + _SLACK:
            return "0..1", lambda x: x
        # 17 levels from 0 to 16, as sklearn's digits have, are scaled by what they reach.
        top = _PIXEL if _PIXEL / 2 < high <= _PIXEL + _SLACK else high
        return "0..255" if top == _PIXEL else "", lambda x: x / top
    if low >= -1 - _SLACK and high <= 1 + _SLACK:
        return "-1..1", lambda x: (x + 1) / 2
    if extent.is_image and extent.channels == 3 and _is_normalized(low, high):
        return "ImageNet's mean and deviation", _denormalized
    return None


def _is_normalized(low: float, high: float) -> bool:
    least = -max(mean / std for mean, std in zip(_MEAN, _STD, strict=True))
    most = max((1 - mean) / std for mean, std in zip(_MEAN, _STD, strict=True))
    return low >= least - _SLACK and high <= most + _SLACK


def _targets(extent: Extent) -> dict[str, Change]:
    """Return what 0..1 may become, by its name."""
    found: dict[str, Change] = {
        "0..1": lambda u: u,
        "-1..1": lambda u: 2 * u - 1,
        "0..255": lambda u: _PIXEL * u,
    }
    if extent.is_image and extent.channels == 3:
        found["ImageNet's mean and deviation"] = _normalized
        found["0..255, blue first, less ImageNet's mean"] = _centred
    return found


def _normalized(unit: Array) -> Array:
    import numpy as np

    found: Array = (unit - np.array(_MEAN)) / np.array(_STD)
    return found


def _denormalized(values: Array) -> Array:
    import numpy as np

    found: Array = values * np.array(_STD) + np.array(_MEAN)
    return found


def _centred(unit: Array) -> Array:
    import numpy as np

    found: Array = _PIXEL * swapped(unit) - np.array(_BLUE_FIRST)
    return found


def _standardized(values: Array) -> Array:
    import numpy as np

    axes = tuple(range(1, values.ndim))
    deviation = values.std(axis=axes, keepdims=True)
    # What tf.image.per_image_standardization divides by where an image is of one colour.
    least = 1 / np.sqrt(max(values[0].size, 1))
    found: Array = (values - values.mean(axis=axes, keepdims=True)) / np.maximum(deviation, least)
    return found


def _unreshaped(values: Array) -> Array:
    """Undo that channels came first and were only given another shape."""
    batch, height, width, channels = values.shape
    found: Array = values.reshape(batch, channels, height, width).transpose(0, 2, 3, 1)
    return found
