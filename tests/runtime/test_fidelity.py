from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfq
from tfq.runtime.fidelity import Expected, fidelity


@pytest.fixture(scope="module")
def images(samples: Path) -> list[dict[str, np.ndarray]]:
    rows = np.load(samples / "calibration.npz")["image"][:20, None]
    return [{"image": row.astype(np.float32)} for row in rows]


def test_a_model_is_its_own_exact_image(
    digits: Callable[..., tfq.Model], images: list[dict[str, np.ndarray]]
) -> None:
    plain = digits(mode="float32")

    assert fidelity(Expected(plain, images), [plain]) == [120]


def test_more_bits_are_nearer(
    digits: Callable[..., tfq.Model], images: list[dict[str, np.ndarray]]
) -> None:
    models = [digits(mode=mode) for mode in ("full_integer", "int16x8", "float16")]

    ratios = fidelity(Expected(digits(mode="float32"), images), models)

    assert ratios == sorted(ratios)
    assert 15 < ratios[0] < 60


def test_another_number_of_inputs_is_refused(
    digits: Callable[..., tfq.Model], faces: dict[str, Path], images: list[dict[str, np.ndarray]]
) -> None:
    pytest.importorskip("ai_edge_litert.interpreter")

    with pytest.raises(tfq.Error, match=r"expected 1 output \(.*\), as .* has; got 2"):
        fidelity(Expected(digits(mode="float32"), images), [tfq.load(faces["iris_landmark"])])
