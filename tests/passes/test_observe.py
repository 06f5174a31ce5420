from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_models import as_samples, photographs

import tfq
from tfq.errors import ArgumentError, CalibrationDataError
from tfq.passes.float_weights import float_weights
from tfq.passes.observe import extremes, observe
from tfq.passes.ranges import activation_keys, digest
from tfq.runtime import Runner

Sample = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def plain(digits: Callable[..., tfq.Model]) -> tfq.Model:
    return digits(mode="float32")


@pytest.fixture(scope="module")
def images(plain: tfq.Model, samples: Path) -> list[Sample]:
    data = np.load(samples / "calibration.npz")["image"][:100, None].astype(np.float32)
    return as_samples(plain, data)


def held(model: tfq.Model, given: list[Sample]) -> dict[str, np.ndarray]:
    """All that LiteRT computes on the way, by key, sample by sample."""
    runner, keys = Runner(model, every_tensor=True), activation_keys(model.subgraphs[0])
    found: dict[str, list[np.ndarray]] = {}
    for sample in given:
        runner.run(sample)
        for tensor, key in keys.items():
            if not tensor.is_constant and tensor.dtype == "float32":
                found.setdefault(key, []).append(runner.tensor(tensor.index))
    return {key: np.stack(each) for key, each in found.items()}


def test_every_float_activation_is_observed(plain: tfq.Model, images: list[Sample]) -> None:
    ranges = observe(plain, images)

    expected = held(plain, images)
    assert ranges.model == digest(plain)
    assert set(ranges.tensors) == set(expected)
    for key, (low, high) in ranges.spans().items():
        assert (low, high) == (expected[key].min(), expected[key].max())
    for key, (low, high) in ranges.spans("moving_average").items():
        values = expected[key].reshape(len(images), -1).astype(np.float64)
        assert low == pytest.approx(values.min(axis=1).mean())
        assert high == pytest.approx(values.max(axis=1).mean())


def test_samples_may_be_spread_over_workers(plain: tfq.Model, images: list[Sample]) -> None:
    whole, parts = observe(plain, images), [observe(plain, images[i::3]) for i in range(3)]

    for part in parts[1:]:
        parts[0].merge(part)

    for method in ("minmax", "percentile:99", "mse", "entropy"):
        assert parts[0].spans(method) == whole.spans(method)


def test_face_models_are_observed(faces: dict[str, Path]) -> None:
    """Activations of some megabytes, and names that are not unique."""
    model, _ = float_weights(tfq.load(faces["face_detection_back"]))
    given = as_samples(model, photographs(model.inputs[0].shape, 3, seed=8))

    found = observe(model, given).spans()

    assert found == {
        key: (float(each.min()), float(each.max())) for key, each in held(model, given).items()
    }


def test_extremes_are_those_of_channels(plain: tfq.Model, images: list[Sample]) -> None:
    keys = activation_keys(plain.subgraphs[0])
    tensors = [plain.inputs[0], plain.operators[2].outputs[0], plain.outputs[0]]

    found = extremes(plain, tensors, images)

    expected = held(plain, images)
    assert list(found) == [keys[tensor] for tensor in tensors]
    for tensor in tensors:
        rows = expected[keys[tensor]].reshape(-1, tensor.shape[-1])
        np.testing.assert_array_equal(found[keys[tensor]].lows, rows.min(axis=0))
        np.testing.assert_array_equal(found[keys[tensor]].highs, rows.max(axis=0))


def test_without_tensors_no_sample_is_looked_at(plain: tfq.Model) -> None:
    def samples() -> Iterator[Sample]:
        yield pytest.fail("a sample was asked for")

    assert extremes(plain, [], samples()) == {}


def test_no_samples_are_an_error(plain: tfq.Model) -> None:
    for run in (lambda: observe(plain, []), lambda: extremes(plain, plain.outputs, [])):
        with pytest.raises(CalibrationDataError, match="expected samples, got none"):
            run()


def test_a_sample_that_does_not_fit_is_an_error(plain: tfq.Model) -> None:
    with pytest.raises(ArgumentError, match="does not fit"):
        observe(plain, [{plain.input_names[0]: np.zeros((1, 3, 3, 1), np.float32)}])


@pytest.mark.parametrize("place", [0, 70])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_sample_that_is_not_finite_is_named(
    place: int, value: float, plain: tfq.Model, images: list[Sample]
) -> None:
    (name,) = plain.input_names
    broken = [dict(each) for each in images]
    for later in (place, place + 3):
        broken[later][name] = images[later][name].copy()
        broken[later][name][0, 4, 4, 0] = value

    message = rf"input '\S+' has NaN or infinity in sample {place}$"
    with pytest.raises(CalibrationDataError, match=message):
        observe(plain, broken)
    with pytest.raises(CalibrationDataError, match=message):
        extremes(plain, plain.inputs, broken)


def changed(model: tfq.Model, place: int, change: Callable[[np.ndarray], None]) -> tfq.Model:
    """The model with other weights in one of its operators."""
    draft, weights = model.draft(), model.operators[place].weights
    assert weights is not None
    values = weights.numpy().copy()
    change(values)
    draft["buffers"][weights.buffer_index]["data"] = values.tobytes()
    return tfq.Model.from_draft(draft)


def test_weights_that_are_not_finite_are_named(plain: tfq.Model, images: list[Sample]) -> None:
    def spoil(values: Any) -> None:
        values.flat[5] = np.nan

    broken = changed(plain, 3, spoil)
    made, weights = broken.operators[3].outputs[0], broken.operators[3].weights

    with pytest.raises(CalibrationDataError, match="in sample 0: its constant") as raised:
        observe(broken, images)

    assert repr(made.name) in str(raised.value)
    assert weights is not None
    assert repr(weights.name) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_numbers_that_become_too_large_are_named(plain: tfq.Model, images: list[Sample]) -> None:
    def enlarge(values: Any) -> None:
        values *= 1e38

    large = changed(changed(plain, 1, enlarge), 2, enlarge)

    with pytest.raises(CalibrationDataError, match=r"from finite inputs and constants$"):
        observe(large, images)
