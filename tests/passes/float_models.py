"""Float models for the passes, photographs for them, and what LiteRT makes of both."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tfq.model import Model
from tfq.runtime import Runner
from tfq.runtime.fidelity import Expected, fidelity


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


def as_samples(model: Model, images: Iterable[np.ndarray]) -> list[dict[str, np.ndarray]]:
    """Images as samples of a model with one input."""
    (name,) = model.input_names
    return [{name: image} for image in images]


def run(model: Model, images: Iterable[np.ndarray]) -> list[np.ndarray]:
    """The real outputs, each for all images, without delegates: they may round otherwise."""
    runner = Runner(model, every_tensor=True)
    rows = [runner.run(sample) for sample in as_samples(model, images)]
    return [np.stack(column).astype(np.float64) for column in zip(*rows, strict=True)]


def decibels(reference: Model, model: Model, images: Iterable[np.ndarray]) -> float:
    """How near a model comes to its float model, the mean over the outputs."""
    return fidelity(Expected(reference, as_samples(reference, images)), [model])[0]
