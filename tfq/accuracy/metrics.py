"""What is measured with labels: the metric of the task, by its name or by the labels' shape."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tfq.accuracy import detection, scoring
from tfq.accuracy.counterparts import fits
from tfq.accuracy.scoring import Scorer
from tfq.convert.labels import BOX
from tfq.errors import ArgumentError, CalibrationDataError, users_code
from tfq.model import Model
from tfq.profiles.nearest import did_you_mean

Array = np.ndarray[Any, Any]
Dims = tuple[int, ...]
Function = Callable[..., Any]


@dataclass(frozen=True)
class Metric:
    """A way to score a model.

    Attributes:
        name: what users call it.
        higher_is_better: of its scores.
        scorer: starts one for a model: `.add(outputs, label)` for each sample, then `.result()`,
            whose first entry is the principal score.
    """

    name: str
    higher_is_better: bool
    scorer: Callable[[], Scorer]


class _Output(NamedTuple):
    """What the metrics look at of a model's output.

    Attributes:
        place: which it is.
        dims: its dimensions for one sample that are not 1; negative where they are open.
        is_real: whether it holds scores or measures rather than indices.
    """

    place: int
    dims: Dims
    is_real: bool


class _Labels(NamedTuple):
    """Labels, and what the metrics ask of them.

    Attributes:
        values: one a sample, in the first axis.
        dims: the other dimensions, but for those of 1.
        are_whole: whether they can be classes.
        are_integers: whether they are stored as such.
    """

    values: Array
    dims: Dims
    are_whole: bool
    are_integers: bool


def find(name: str | Function | None, model: Model, labels: Array | None) -> Metric | None:
    """Find the metric for a model and labels.

    Args:
        name: "top1", "miou", "map", "mae" or "rmse"; `module:function` or FILE.py:FUNCTION, or the
            function itself, which takes the list of the model's outputs, each [samples, ...], and
            the labels, and returns a number or numbers by name, of which more is better unless its
            attribute `higher_is_better` is False; None to see from the labels.
        model: The reference.
        labels: One a sample, in the first axis; None if there are none.

    Returns:
        The metric; None without name and labels.

    Raises:
        ArgumentError: If there is no such metric or function.
        CalibrationDataError: If labels are missing, not finite, fit no output, or are none of the
            classes.
    """
    function = _function(name)
    if not function and name is not None and name not in _MAKERS:
        known = ", ".join(_MAKERS)
        raise ArgumentError(
            f"metric: expected {known} or module:function; got {name!r}"
            f"{did_you_mean(str(name), _MAKERS)}"
        )
    if labels is None:
        if name is None:
            return None
        raise CalibrationDataError(f"labels: metric {_shown(name)} needs them (`y`), found none")
    _check_finite(labels)
    if function:
        return function
    known_labels = _look_at(labels)
    tried = [str(name)] if name else _inferred(known_labels)
    for each in tried:
        found = _MAKERS[each](model, known_labels)
        if found:
            return found
    raise _misfit(tried, model, known_labels)


def _inferred(labels: _Labels) -> list[str]:
    """What labels may be for: those with more than one axis of pixels rather than of positions."""
    if len(labels.dims) > 1:
        return ["map", "miou", "top1", "mae"]
    return ["map", "top1", "mae"]


def _function(name: str | Function | None) -> Metric | None:
    if callable(name):
        function = name
    elif isinstance(name, str) and ":" in name:
        from tfq.convert.readers import load_function

        function = load_function(name)
    else:
        return None
    with users_code("metric: higher_is_better fails", ArgumentError):
        higher_is_better = bool(getattr(function, "higher_is_better", True))
    shown = _shown(name)
    scorer = partial(scoring.FunctionScorer, shown.rpartition(":")[2], function)
    return Metric(shown, higher_is_better, scorer)


def _shown(name: object) -> str:
    return name if isinstance(name, str) else getattr(name, "__name__", type(name).__name__)


def _check_finite(labels: Array) -> None:
    bad = ~np.isfinite(labels) if labels.dtype.kind == "f" else np.zeros(1, bool)
    if bad.any():
        raise CalibrationDataError(
            f"labels: expected finite numbers; found NaN or infinity {_where(bad)}"
        )


def _where(bad: Array) -> str:
    return f"in sample {np.argwhere(bad)[0][0]}"


def _check_shapes(labels: Array) -> None:
    """Check labels that `tfq.convert.labels` could not make one array of numbers."""
    first, *others = map(np.shape, labels)
    for place, shape in enumerate(others, 1):
        if shape != first:
            raise CalibrationDataError(
                f"labels: expected one shape for all samples; got {list(first)} in sample 0 and "
                f"{list(shape)} in sample {place}"
            )


def _look_at(labels: Array) -> _Labels:
    values = np.asarray(labels)
    if values.dtype.kind == "O" and len(values):
        _check_shapes(values)
    if values.dtype.kind not in "iubf":
        raise CalibrationDataError(f"labels: expected numbers, got {values.dtype}")
    are_integers = values.dtype.kind in "iub"
    are_whole = are_integers or bool(np.array_equal(values, np.rint(values)))
    return _Labels(values, _without_ones(values.shape[1:]), are_whole, are_integers)


def _without_ones(shape: Dims) -> Dims:
    return tuple(size for size in shape if size != 1)


def _outputs(model: Model) -> list[_Output]:
    """The outputs as they are for one sample."""
    batches = {1, -1, *(tensor.shape[0] for tensor in model.inputs if tensor.shape)}
    found = []
    for place, tensor in enumerate(model.outputs):
        shape = tensor.shape_signature
        if (len(shape) > 1 and shape[0] in batches) or shape in ((1,), (-1,)):
            shape = shape[1:]
        is_real = tensor.dtype.startswith("float") or tensor.quantization is not None
        found.append(_Output(place, _without_ones(shape), is_real))
    return found


def _misfit(tried: list[str], model: Model, labels: _Labels) -> CalibrationDataError:
    values, same = labels.values, [fits(each.dims, labels.dims) for each in _outputs(model)]
    if tried == ["top1"] and labels.dims and any(same) and not _are_one_hot(values):
        bad = ~_one_hot_rows(values).reshape(len(values), -1)
        return CalibrationDataError(
            "labels: expected classes, or rows with a 1 for the class and 0 for all others "
            f"(top1); found neither {_where(bad)}"
        )
    outputs = ", ".join(
        f"{name or 'unnamed'} {tensor.dtype} {tensor.shape_text}"
        for name, tensor in zip(model.output_names, model.outputs, strict=True)
    )
    wanted = " or ".join(f"{_TAKES[each]} ({each})" for each in tried)
    return CalibrationDataError(
        f"labels: expected {wanted}, for outputs {outputs}; got {values.dtype} {list(values.shape)}"
    )


def _top1(model: Model, labels: _Labels) -> Metric | None:
    for output in _outputs(model):
        rank = _rank(output, labels) if labels.are_whole else None
        if rank:
            classes = output.dims[-1] if output.is_real and output.dims else 0
            if rank is scoring.rank_of_class:
                _check_classes(labels.values, classes)
            five = classes > 5
            scorer = partial(scoring.TopScorer, output.place, rank, counts_five=five)
            return Metric("top1", True, scorer)
    return None


def _rank(output: _Output, labels: _Labels) -> Callable[[Array, Array], Array] | None:
    """How a label's number among the answers is found; None if it is no label of this output."""
    same = fits(output.dims, labels.dims)
    if not output.is_real:
        return scoring.rank_of_index if same else None
    if output.dims and fits(output.dims[:-1], labels.dims):
        return scoring.rank_of_class
    if same and not output.dims:
        return scoring.rank_of_two if set(np.unique(labels.values)) <= {0, 1} else None
    return scoring.rank_of_one_hot if same and _are_one_hot(labels.values) else None


def _are_one_hot(values: Array) -> bool:
    return bool(_one_hot_rows(values).all())


def _one_hot_rows(values: Array) -> Array:
    rows = values.reshape(-1, _without_ones(values.shape[1:])[-1])
    found: Array = ((rows == 0) | (rows == 1)).all(axis=1) & (rows.sum(axis=1) == 1)
    return found


def _miou(model: Model, labels: _Labels) -> Metric | None:
    for output in _outputs(model):
        answer = _answer(output, labels) if labels.are_whole and labels.dims else None
        if answer:
            classes = output.dims[-1] if answer is scoring.best_class else scoring.MOST_CLASSES
            values = labels.values
            _check_classes(values[(values >= 0) & (values != scoring.IGNORED)], classes)
            return Metric("miou", True, partial(scoring.IouScorer, output.place, answer))
    return None


def _answer(output: _Output, labels: _Labels) -> Callable[[Array], Array] | None:
    """How the classes of pixels are found; None if the labels are not of this output's pixels."""
    if output.is_real and output.dims and fits(output.dims[:-1], labels.dims):
        return scoring.best_class
    if not fits(output.dims, labels.dims):
        return None
    if not output.is_real:
        return scoring.the_class
    if not labels.are_integers or _are_one_hot(labels.values):
        return None
    are_two = bool(np.isin(labels.values, [-1, 0, 1, scoring.IGNORED]).all())
    return scoring.above_half if are_two else None


def _check_classes(values: Array, classes: int) -> None:
    """Check that labels are among the classes; of an open number all may be."""
    if classes < 0 or not values.size:
        return
    low, high = values.min(), values.max()
    if low < 0 or high >= classes:
        raise CalibrationDataError(
            f"labels: expected classes 0 to {classes - 1}; got {low if low < 0 else high:g}"
        )


def _map(model: Model, labels: _Labels) -> Metric | None:
    values = labels.values
    places = detection.box_outputs(model)
    if places is None or values.ndim != 3 or values.shape[2] != BOX:
        return None
    classes = values[..., 4]
    bad = (classes != np.rint(classes)) | (classes >= scoring.MOST_CLASSES)
    if bad.any():
        raise CalibrationDataError(
            f"labels: expected classes 0 to {scoring.MOST_CLASSES - 1}, or negative ones for no "
            f"box; got {classes[bad][0]:g} {_where(bad)}"
        )
    return Metric("map", True, partial(detection.BoxScorer, places))


def _error(names: tuple[str, str], model: Model, labels: _Labels) -> Metric | None:
    size = math.prod(labels.dims)
    outputs = _outputs(model)
    same = [each for each in outputs if fits(each.dims, labels.dims)]
    same += [each for each in outputs if min(each.dims, default=0) >= 0]
    for output in same:
        if fits(output.dims, labels.dims) or math.prod(output.dims) == size:
            return Metric(names[0], False, partial(scoring.ErrorScorer, output.place, names))
    return None


_MAKERS: dict[str, Callable[[Model, _Labels], Metric | None]] = {
    "top1": _top1,
    "miou": _miou,
    "map": _map,
    "mae": partial(_error, ("mae", "rmse")),
    "rmse": partial(_error, ("rmse", "mae")),
}

_TAKES = {
    "top1": "a class a sample",
    "miou": "a class a pixel",
    "map": "[samples, boxes, 5] for a detector",
    "mae": "numbers of an output's shape",
    "rmse": "numbers of an output's shape",
}
"""What labels each metric takes, for messages."""
