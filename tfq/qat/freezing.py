"""The end of learning: statistics and ranges that stay as they are while weights train on."""

from __future__ import annotations

from typing import Any

import keras

from tfq.errors import ArgumentError
from tfq.qat.trained import trained_layers


def freeze_statistics(model: Any) -> None:
    """Keep the statistics of normalization and the ranges of activations as they are.

    From then on training sees what inference computes. For custom training loops; `fit` takes the
    callback `FreezeStatistics`.

    Args:
        model: One that `quantize_model` made, or that holds one.

    Raises:
        ArgumentError: If it is no such model.
    """
    layers = list(trained_layers(model))
    if not layers:
        raise ArgumentError("model: expected one of tfq.qat.quantize_model, got another")
    for layer in layers:
        if hasattr(layer, "frozen"):
            layer.frozen.assign(1.0)


class FreezeStatistics(keras.callbacks.Callback):  # type: ignore[misc]
    """Freezes statistics and ranges after some epochs of `fit`.

    Attributes:
        epochs: After how many.
    """

    def __init__(self, epochs: int) -> None:
        """Do nothing yet.

        Args:
            epochs: After how many; 0 for from the start.

        Raises:
            ArgumentError: If it is no number of epochs.
        """
        super().__init__()
        if type(epochs) is not int or epochs < 0:
            raise ArgumentError(f"epochs: expected 0 or more, got {epochs!r}")
        self.epochs = epochs

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Freeze them when it is time."""
        del logs
        if epoch >= self.epochs:
            freeze_statistics(self.model)
