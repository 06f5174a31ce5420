"""What tests of passes need: the digits' evaluation data, and models run in LiteRT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfq


@pytest.fixture(scope="session")
def right(samples: Path) -> Callable[[tfq.Model], float]:
    """The share of the digits' evaluation images that a model labels correctly."""
    from tfq.runtime import Runner

    data = np.load(samples / "evaluation.npz")

    def right(model: tfq.Model) -> float:
        runner, (name,) = Runner(model), model.input_names
        hits = [
            runner.run({name: image[None]})[0].argmax() == label
            for image, label in zip(data["image"], data["y"], strict=True)
        ]
        return float(np.mean(hits))

    return right
