"""A model that others trained and published: from its .hdf5 to what an ARTPEC-8 camera runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tfq
from tfq.accuracy import top1
from tfq.convert import calibration
from tfq.convert.sources import InputSpec
from tfq.runtime import Runner

pytest.importorskip("tensorflow")

# Smooth pictures of the size the model takes; photographs of faces are no part of this project.
RNG = np.random.default_rng(0)
WAVES = np.sin(np.linspace(0, 6, 64)[:, None] * RNG.uniform(0.3, 2, (40, 1, 1)))
PICTURES = (WAVES + np.swapaxes(WAVES, 1, 2))[..., None].astype(np.float32) / 2


def convert(emotions: Path, **options: object) -> tfq.Model:
    return tfq.convert(emotions, calibration_data=PICTURES, **options)


@pytest.fixture(scope="module")
def labelled(emotions: Path) -> calibration.Samples:
    """The pictures, with what the float model says of them."""
    inputs = [InputSpec("input_1", (1, 64, 64, 1), "float32")]
    samples = calibration.read(PICTURES, inputs)
    reference = Runner(convert(emotions, mode="float32"))
    labels = np.array([reference.run(sample)[0].argmax() for sample in samples])
    return calibration.Samples(samples.columns, labels)


@pytest.mark.parametrize(
    "mode", ["float32", "float16", "dynamic_range", "weight_only", "full_integer", "int16x8"]
)
def test_it_converts_in_every_mode_and_agrees_with_float(
    emotions: Path, labelled: calibration.Samples, mode: str
) -> None:
    assert top1(convert(emotions, mode=mode), labelled) >= 0.9


def test_per_tensor_passes_artpec8(emotions: Path) -> None:
    model = convert(emotions, profile="artpec8")
    assert model.report.ok
    assert {op.compute for op in model.operators} == {"integer"}


def test_per_channel_fails_artpec8_with_a_finding_per_layer(emotions: Path) -> None:
    model = convert(emotions, profile="artpec8", granularity="per_channel")
    layers = [op for op in model.operators if op.weights is not None]
    found = [finding.operator for finding in model.report.findings if finding.rule == "Q201"]
    assert len(layers) > 10
    assert found == layers
