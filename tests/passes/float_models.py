"""Float models for the passes, photographs for them, and what LiteRT makes of both."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfq.model import Model


def photographs(shape: tuple[int, ...], count: int, seed: int) -> list[np.ndarray]:
    """Pieces of natural photographs, from -1 to 1, of the shape 1 x height x width x 3."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    dice, found = np.random.default_rng(seed), []
    for index in range(count):
        whole = load_sample_images().images[index % 2]
        size = int(dice.integers(120, min(whole.shape[:2])))
        top = int(dice.integers(0, whole.shape[0] - size))
        left = int(dice.integers(0, whole.shape[1] - size))
        piece = Image.fromarray(whole[top : top + size, left : left + size])
        pixels = np.asarray(piece.resize((shape[2], shape[1])), np.float32)
        found.append((pixels / 127.5 - 1)[None])
    return found


def interpreter(model: Model, *, preserve: bool = False) -> Any:
    from ai_edge_litert import interpreter as litert

    plain = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    made = litert.Interpreter(
        model_content=model.bytes,
        experimental_op_resolver_type=plain,
        experimental_preserve_all_tensors=preserve,
    )
    made.allocate_tensors()
    return made


def run(model: Model, samples: list[np.ndarray]) -> list[np.ndarray]:
    """The real outputs, each for all samples."""
    runner = interpreter(model)
    (given,) = runner.get_input_details()
    rows = []
    for sample in samples:
        scale, point = given["quantization"]
        limits = np.iinfo(given["dtype"]) if scale else None
        if limits is not None:
            sample = np.clip(np.rint(sample / scale) + point, limits.min, limits.max)
        runner.set_tensor(given["index"], sample.astype(given["dtype"]))
        runner.invoke()
        rows.append([_real(runner, each) for each in runner.get_output_details()])
    return [np.stack(column) for column in zip(*rows, strict=True)]


def _real(runner: Any, detail: dict[str, Any]) -> np.ndarray:
    value = runner.get_tensor(detail["index"])
    scale, point = detail["quantization"]
    return (
        (value.astype(np.float64) - point) * scale if scale else value.astype(np.float64)
    ).ravel()


def observed(model: Model, samples: list[np.ndarray]) -> Any:
    """The ranges of a float model's activations."""
    from tfq.passes.ranges import Ranges, digest

    runner = interpreter(model, preserve=True)
    made = Ranges(digest(model))
    floats = [each for each in model.tensors if not each.is_constant and each.dtype == "float32"]
    for sample in samples:
        runner.set_tensor(model.inputs[0].index, sample)
        runner.invoke()
        made.add({each.name: runner.get_tensor(each.index) for each in floats})
    return made


def sqnr(expected: np.ndarray, found: np.ndarray) -> float:
    """Signal to quantization noise in dB."""
    noise = float(np.square(expected - found).sum())
    return 10 * math.log10(float(np.square(expected).sum()) / noise) if noise else math.inf
