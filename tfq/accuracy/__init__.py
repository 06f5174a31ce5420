"""How well a model does its job, and how far it is from the one that it was made from.

Nothing heavy is imported here: `import tfq` imports this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfq.errors import CalibrationDataError, ConversionWarning

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from tfq.accuracy.comparison import Comparison
    from tfq.accuracy.metrics import Metric
    from tfq.accuracy.reading import Reading
    from tfq.convert.calibration import Samples
    from tfq.model import Model

__all__ = ["compare", "top1"]


def compare(
    reference: Any,
    candidate: Model | str | os.PathLike[str],
    data: Any,
    *,
    labels: Any = None,
    metric: str | Callable[..., Any] | None = None,
    per_layer: bool = False,
    image_scale: str | None = None,
    parse_function: Callable[[Any], Any] | None = None,
    batch_size: int | None = 1,
    input_shapes: Mapping[str, tuple[int | None, ...]] | None = None,
    signature: str | None = None,
    unsafe_load: bool = False,
) -> Comparison:
    """Measure how far a model is from the one that it was made from.

    Args:
        reference: A `tfq.Model` or the path of a `.tflite`, quantized or not; or what else
            `tfq.convert` takes, such as a Keras model, which is converted to float32 first.
        candidate: A `tfq.Model` or the path of a `.tflite` with the same inputs and outputs, by
            their names or in their order.
        data: Samples in any form that `tfq.convert` takes as calibration data, in real numbers for
            the inputs of the reference.
        labels: One a sample, in the first axis: an array, or the path of a `.npy` or `.npz`. By
            default those among the data, `y`.
        metric: What the labels are for: "top1", "miou", "map", "mae" or "rmse"; or a function, or
            its place as `module:function`, from the list of all outputs, each [samples, ...], and
            the labels to a number or numbers by name (more is better, unless the function has an
            attribute `higher_is_better` that is False). By default seen from shapes.
        per_layer: Whether to look inside: which tensors are off, and which operators are why.
        image_scale: As in `tfq.convert`, and so the rest, which is for references to be converted.
        parse_function: As there.
        batch_size: As there.
        input_shapes: As there.
        signature: As there.
        unsafe_load: As there.

    Returns:
        For each output the errors in numbers; scores of both models where there are labels; layers
        where they were asked for.

    Raises:
        tfq.ArgumentError: An argument is unknown, or the metric's function fails.
        tfq.InvalidModelError: A model is missing, broken or refused by the interpreter, or the
            candidate has other inputs or outputs.
        tfq.CalibrationDataError: Data or labels are missing or do not fit.
        tfq.ConversionError: The reference cannot be converted.
        tfq.MissingDependencyError: There is no interpreter.

    Example:
        >>> comparison = tfq.compare("float.tflite", "int8.tflite", "evaluation.npz")
        >>> comparison.outputs[0].sqnr, comparison.drop
        (31.5, 0.002)
    """
    from tfq.accuracy import comparison, reading

    opened = reading.open_model(candidate, "candidate")
    asked = reading.open_reference(
        reference,
        data,
        labels=labels,
        image_scale=image_scale,
        parse_function=parse_function,
        batch_size=batch_size,
        input_shapes=input_shapes,
        signature=signature,
        unsafe_load=unsafe_load,
    )
    measure = _metric(metric, asked, is_asked=labels is not None or metric is not None)
    beside = comparison.Reference(asked.model, asked.samples, measure, label=asked.label)
    return comparison.against(beside, opened, per_layer=per_layer)


def _metric(
    metric: str | Callable[..., Any] | None, asked: Reading, *, is_asked: bool
) -> Metric | None:
    """Find what to do with labels; those that only happen to be among the data may be of no use."""
    import warnings

    from tfq.accuracy import metrics

    try:
        return metrics.find(metric, asked.model, asked.samples.labels)
    except CalibrationDataError as error:
        if is_asked:
            raise
        warnings.warn(f"nothing is scored: {error}", ConversionWarning, stacklevel=3)
        return None


def top1(model: Model, samples: Samples, *, threads: int = 1) -> float:
    """The share of samples whose largest output is at the label's index.

    Args:
        model: a classifier: its first output holds one score a class, in its last axis.
        samples: read with the model's inputs, with integer labels.
        threads: how many the interpreter may use.

    Returns:
        A number from 0 to 1.

    Raises:
        CalibrationDataError: the samples have no labels.
        tfq.InvalidModelError: the interpreter refuses the model.
    """
    from tfq.accuracy.scoring import TopScorer, rank_of_class
    from tfq.runtime import Runner

    if samples.labels is None:
        raise CalibrationDataError("evaluation data: expected labels (`y`), found none")
    runner = Runner(model, threads=threads)
    scorer = TopScorer(0, rank_of_class, counts_five=False)
    for sample, label in zip(samples, samples.labels, strict=True):
        scorer.add(runner.run(sample), label)
    return scorer.result()["top1"]
