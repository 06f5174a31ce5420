"""Runs a model before and after a pass, on the same real values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tfq
from tfq.runtime import Runner

pytest.importorskip("ai_edge_litert")

LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


def samples(model: tfq.Model, number: int = 8) -> list[dict[str, np.ndarray]]:
    """Values over the whole range of each input."""
    rng = np.random.default_rng(0)
    return [
        {
            name: values(rng, tensor)
            for name, tensor in zip(model.input_names, model.inputs, strict=True)
        }
        for _ in range(number)
    ]


def values(rng: np.random.Generator, tensor: tfq.model.Tensor) -> np.ndarray:
    shape = tuple(max(size, 1) for size in tensor.shape)
    quantization = tensor.quantization
    if quantization is None:
        return rng.random(shape, np.float32)
    low, high = LIMITS[tensor.dtype]
    integers = rng.integers(low, high + 1, shape)
    return np.float32((integers - quantization.zero_points[0]) * quantization.scales[0])


def outputs(model: tfq.Model, inputs: list[dict[str, np.ndarray]]) -> list[np.ndarray]:
    runner = Runner(model)
    names = model.input_names
    return [
        np.concatenate([each.ravel() for each in runner.run(dict(zip(names, values, strict=True)))])
        for values in (sample.values() for sample in inputs)
    ]


def sqnr(before: tfq.Model, after: tfq.Model, inputs: Any = None) -> float:
    """The ratio of the outputs to their change, in dB."""
    inputs = samples(before) if inputs is None else inputs
    old, new = (np.array(outputs(model, inputs), np.float64) for model in (before, after))
    noise = np.square(old - new).sum()
    return float(10 * np.log10(np.square(old).sum() / noise)) if noise else float("inf")


def same_but(before: tfq.Model, after: tfq.Model, *tensors: tfq.model.Tensor) -> bool:
    """Whether all tensors but some are what they were, data and parameters."""
    changed = {tensor.index for tensor in tensors}
    return all(
        old.index in changed
        or (old.name, old.dtype, old.shape, old.quantization, bytes(old.data))
        == (new.name, new.dtype, new.shape, new.quantization, bytes(new.data))
        for old, new in zip(before.tensors, after.tensors, strict=True)
    )
