from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import tfq
from tfq import errors
from tfq.accuracy import top1
from tfq.convert.calibration import Samples

pytest.importorskip("ai_edge_litert")


def test_it_counts_the_largest_outputs_at_the_labels(
    digits: Callable[..., tfq.Model],
) -> None:
    model = digits(mode="float32")
    blank = {"image": [np.zeros((1, 8, 8, 1), np.float32)] * 4}
    guess = [top1(model, Samples(blank, np.full(4, label))) for label in range(10)]
    assert sorted(guess) == [0.0] * 9 + [1.0]
    mixed = np.array([np.argmax(guess), np.argmax(guess), -1, -1])
    assert top1(model, Samples(blank, mixed)) == 0.5


def test_it_needs_labels(digits: Callable[..., tfq.Model]) -> None:
    blank = {"image": [np.zeros((1, 8, 8, 1), np.float32)]}
    with pytest.raises(errors.CalibrationDataError, match="expected labels"):
        top1(digits(mode="float32"), Samples(blank))
