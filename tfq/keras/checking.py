"""What a model will be on the device, looked at while it is trained."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import keras

from tfq.accuracy import reading
from tfq.accuracy.comparison import Reference
from tfq.accuracy.metrics import find
from tfq.convert import convert
from tfq.errors import ArgumentError, ConversionError, ConversionWarning
from tfq.format import check_place
from tfq.profiles import resolve

if TYPE_CHECKING:
    from tfq.convert.converted import ConvertedModel
    from tfq.profiles import Profile

_PREFIX = "val_int8_"
# What Keras calls it.
_NAMES = {"top1": "accuracy"}


class DeploymentCheck(keras.callbacks.Callback):  # type: ignore[misc]
    """Converts the model at the end of epochs, and says what it would be worth on the device.

    These join the logs of the epoch, for TensorBoard, CSVLogger, EarlyStopping, ModelCheckpoint and
    whatever else stands behind this callback in the list:

    - `val_int8_accuracy`: of the quantized model on the evaluation data; with labels of another
      kind than classes `val_int8_miou`, `val_int8_map`, `val_int8_mae` or `val_int8_rmse`, and with
      a metric of the user's its name;
    - `val_int8_size`: of the file, in bytes;
    - `val_int8_errors`, `val_int8_warnings`: what lint finds for the device.

    Epochs between two checks repeat the last numbers. A model that cannot be converted, as one that
    has become NaN, is a warning, and its numbers are NaN.

    Attributes:
        best: The best score so far; None before the first.
        best_model: The `.tflite` that has it.
    """

    def __init__(
        self,
        profile: str | os.PathLike[str] | Profile,
        calibration_data: Any = None,
        evaluation_data: Any = None,
        *,
        labels: Any = None,
        metric: Any = None,
        every: int = 1,
        path: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> None:
        """Prepare to watch.

        Args:
            profile: The device, by name or path.
            calibration_data: As in `tfq.convert`, but not a generator, as each check goes through
                them; a model that was trained to be quantized (`tfq.qat`) needs none.
            evaluation_data: Samples with labels, as in `tfq.compare`, or a pair of arrays as
                `model.evaluate` takes them. Without, nothing is scored.
            labels: Of the evaluation data, if they are not among them.
            metric: As in `tfq.compare`.
            every: So many epochs from one check to the next; the first of a `fit` and the last
                are checked.
            path: Where the best `.tflite` is kept; None for nowhere.
            **options: As in `tfq.convert`.

        Raises:
            ArgumentError: `every` is no number of epochs, nothing can be written at `path`, or
                there is nothing to choose by what is kept there.
            ProfileError: There is no such profile, or it is broken.
        """
        super().__init__()
        if isinstance(evaluation_data, tuple) and len(evaluation_data) == 2 and labels is None:
            evaluation_data, labels = evaluation_data
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ArgumentError(f"every: expected a number of epochs from 1 up, got {every!r}")
        if path is not None:
            check_place(path)
            if evaluation_data is None:
                raise ArgumentError("path: expected evaluation_data, which say what is the best")
        for name, data in (("calibration", calibration_data), ("evaluation", evaluation_data)):
            if isinstance(data, Iterator):
                raise ArgumentError(
                    f"{name}_data: expected data that each check can go through, got a generator"
                )
        self.profile = resolve(profile)
        self._convert = {"calibration_data": calibration_data, **options}
        self._evaluation = evaluation_data, labels, metric
        self._every, self._path = every, path
        self._forget()

    def _forget(self) -> None:
        self.best: float | None = None
        self.best_model: ConvertedModel | None = None
        self._logs: dict[str, float] = {}
        self._is_first = True

    def set_model(self, model: Any) -> None:
        """Take the model; what is known of another one is forgotten."""
        if model is not self._model:
            self._forget()
        super().set_model(model)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Check at the end of the next epoch, whatever its number."""
        del logs
        self._is_first = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Check, and add to the logs.

        Args:
            epoch: Its number, from 0.
            logs: What other callbacks see.

        Raises:
            tfq.Error: The data do not fit the model, or an option does not.
        """
        is_last = epoch + 1 == (self.params or {}).get("epochs")
        if epoch % self._every == 0 or is_last or self._is_first:
            self._logs = self._checked()
        self._is_first = False
        if logs is not None:
            logs.update(self._logs)

    def _checked(self) -> dict[str, float]:
        try:
            made = convert(self.model, profile=self.profile, **self._convert)
        except ConversionError as error:
            warnings.warn(f"not checked: {error}", ConversionWarning, stacklevel=2)
            return dict.fromkeys(self._logs or self._usual(), math.nan)
        assert made.report is not None
        found = {
            "size": float(made.size),
            "errors": float(made.report.count("error")),
            "warnings": float(made.report.count("warning")),
        }
        return {_PREFIX + name: value for name, value in (self._scores(made) | found).items()}

    def _usual(self) -> list[str]:
        """The names of the numbers of a classifier: before anything could be checked."""
        scores = ["accuracy"] if self._evaluation[0] is not None else []
        return [_PREFIX + name for name in (*scores, "size", "errors", "warnings")]

    def _scores(self, made: ConvertedModel) -> dict[str, float]:
        """Score the model, and keep it if it is the best."""
        data, labels, metric = self._evaluation
        if data is None:
            return {}
        asked = reading.open_reference(made, data, labels=labels)
        measure = find(metric, asked.model, asked.samples.labels)
        if measure is None:
            raise ArgumentError("evaluation_data: expected labels beside the samples, found none")
        scores = Reference(asked.model, asked.samples, measure).scores or {}
        first = next(iter(scores.values()), math.nan)
        sign = 1 if measure.higher_is_better else -1
        if not math.isnan(first) and (self.best is None or sign * first > sign * self.best):
            self.best, self.best_model = first, made
            if self._path is not None:
                made.save(self._path)
        return {_NAMES.get(name, name): score for name, score in scores.items()}
