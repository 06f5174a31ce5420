"""Labels in streams: whose they are, whatever their shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from tfq import errors
from tfq.convert import calibration
from tfq.convert.labels import as_array
from tfq.convert.sources import InputSpec

ROW = InputSpec("x", (1, 3), "float32")
FOUR = InputSpec("x", (4, 3), "float32")
ROWS = np.random.default_rng(0).random((8, 3), np.float32)
SHAPES = [(), (1,), (3,), (10,), (8, 8), (8, 8, 1), (2, 5)]


def read(data: Any, spec: InputSpec = ROW) -> np.ndarray:
    samples = calibration.read(data, [spec])
    assert samples.labels is not None
    assert len(samples) == len(samples.labels)
    return samples.labels


def labels_of(*shape: int) -> np.ndarray:
    return np.arange(8 * int(np.prod(shape))).reshape(8, *shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_samples_label_may_have_any_shape(shape: tuple[int, ...]) -> None:
    labels = labels_of(*shape)
    pairs = list(zip(ROWS, labels, strict=True))
    forms: list[Iterable[Any]] = [
        pairs,
        iter(pairs),
        [{"x": row, "y": label} for row, label in pairs],
        [({"x": row}, label) for row, label in pairs],
        [(row[None], label[None]) for row, label in pairs],
    ]
    for form in forms:
        np.testing.assert_array_equal(read(form), labels)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spec", [ROW, FOUR])
def test_a_batch_has_a_label_for_each_sample(spec: InputSpec, shape: tuple[int, ...]) -> None:
    labels = labels_of(*shape)
    batches = [(ROWS[at : at + 4], labels[at : at + 4]) for at in (0, 4)]
    np.testing.assert_array_equal(read(batches, spec), labels)
    uneven = [(ROWS[:7], labels[:7]), (ROWS[7:], labels[7:])]
    np.testing.assert_array_equal(read(uneven, spec), labels)


def test_a_sample_with_a_batch_axis_may_have_a_label_without() -> None:
    labels = labels_of(8, 8)
    pairs = [(row[None], label) for row, label in zip(ROWS, labels, strict=True)]
    np.testing.assert_array_equal(read(pairs), labels)


def test_what_an_input_takes_at_once_has_one_label() -> None:
    signal = InputSpec("signal", (3,), "float32")
    labels = labels_of(3)
    np.testing.assert_array_equal(read(zip(ROWS, labels, strict=True), signal), labels)


def test_of_a_dataset_too() -> None:
    tf = pytest.importorskip("tensorflow")
    labels = np.eye(8, dtype=np.int64)
    data = tf.data.Dataset.from_tensor_slices((ROWS, labels))
    for form in (data, data.batch(3)):
        np.testing.assert_array_equal(read(form), labels)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([(ROWS[0], [1, 2]), ROWS[1]], "sample 1 has none, unlike"),
        ([(ROWS[0], [1, 2]), (ROWS[1],), (ROWS[2], 3)], "sample 1 has none, unlike"),
        ([ROWS[0], (ROWS[1], 2)], "sample 1 has one, unlike"),
        ([{"x": ROWS[0], "y": 1}, {"x": ROWS[1]}], "sample 1 has none, unlike"),
        ([(ROWS[:4], [1, 2])], r"expected 4 labels, for a batch of 4 samples; got int64 \[2\]"),
        ([(ROWS[:4], 1)], r"expected 4 labels, for a batch of 4 samples; got int64 \[\]"),
    ],
)
def test_labels_for_some_samples_only_are_refused(data: Any, message: str) -> None:
    with pytest.raises(errors.CalibrationDataError, match=message):
        calibration.read(data, [ROW])


def test_boxes_that_differ_in_number_are_filled_up_with_none() -> None:
    boxes = [np.full((count, 5), 0.5) for count in (2, 0, 3)]
    expected = np.full((3, 3, 5), -1.0)
    expected[0, :2] = expected[2] = 0.5
    np.testing.assert_array_equal(as_array(boxes), expected)
    np.testing.assert_array_equal(as_array([each.tolist() for each in boxes]), expected)
    np.testing.assert_array_equal(read(zip(ROWS[:3], boxes, strict=True)), expected)
    np.testing.assert_array_equal(read({"x": ROWS[:3], "y": boxes}), expected)


def test_other_labels_that_differ_do_not_keep_a_model_from_its_calibration() -> None:
    for odd in ([[1], [1, 2]], [{"class": 1}, {"class": 2}], [([1], [1, 2]), ([1], [3, 4])]):
        assert read(list(zip(ROWS, odd, strict=False))).dtype == object
