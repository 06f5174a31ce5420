"""What tests of passes need: how well a model labels the digits, and a small float model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

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


@pytest.fixture
def chain(bindings: ModuleType) -> tfq.Model:
    """A float model of three dense layers, one behind the other."""
    from op_nets import Net, dense

    net = Net(bindings)
    data = net.input(1, 8)
    for seed in range(3):
        data = dense(net, data, seed)
    return net.made(data)
