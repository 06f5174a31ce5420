"""How well a model does its job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfq.errors import CalibrationDataError

if TYPE_CHECKING:
    from tfq.convert.calibration import Samples
    from tfq.model import Model

__all__ = ["top1"]


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
    from tfq.runtime import Runner

    if samples.labels is None:
        raise CalibrationDataError("evaluation data: expected labels (`y`), found none")
    runner = Runner(model, threads=threads)
    hits = [
        int(runner.run(sample)[0].argmax()) == int(label)
        for sample, label in zip(samples, samples.labels, strict=True)
    ]
    return sum(hits) / len(hits)
