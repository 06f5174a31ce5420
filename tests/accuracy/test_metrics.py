"""The metrics, against scikit-learn and pycocotools, and how labels find theirs."""

from __future__ import annotations

import contextlib
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from op_nets import Net

import tfq
from tfq.accuracy import metrics
from tfq.accuracy.detection import BoxOutputs, BoxScorer, box_outputs
from tfq.accuracy.metrics import Metric
from tfq.accuracy.reading import read_labels


@pytest.fixture
def net(bindings: ModuleType) -> Net:
    return Net(bindings)


def model_with(net: Net, *shapes: tuple[int, ...], dtype: str = "float32") -> tfq.Model:
    """A model with outputs of these shapes; it need not run."""
    x = net.input(1, 4, name="x")
    return net.made(*(net.add("RELU", [x], [shape], dtypes=(dtype,)) for shape in shapes))


def scores(metric: Metric | None, outputs: Sequence[np.ndarray], labels: Any) -> dict[str, float]:
    """What a metric says of outputs with all samples in the first axis."""
    assert metric is not None
    scorer = metric.scorer()
    for row, label in enumerate(labels):
        scorer.add([each[row : row + 1] for each in outputs], label)
    return scorer.result()


@pytest.fixture
def dice() -> np.random.Generator:
    return np.random.default_rng(0)


def test_top1_and_top5(net: Net, dice: np.random.Generator) -> None:
    oracle = pytest.importorskip("sklearn.metrics")
    found, labels = dice.random((200, 12)), dice.integers(0, 12, 200)
    metric = metrics.find(None, model_with(net, (1, 12)), labels)
    expected = {
        f"top{k}": oracle.top_k_accuracy_score(labels, found, k=k, labels=range(12)) for k in (1, 5)
    }
    assert scores(metric, [found], labels) == pytest.approx(expected)
    assert scores(metric, [found], labels[:, None]) == pytest.approx(expected)
    one_hot = np.eye(12)[labels]
    metric = metrics.find(None, model_with(Net(net.schema), (1, 12)), one_hot)
    assert scores(metric, [found], one_hot) == pytest.approx(expected)


def test_of_equal_scores_the_first_counts(net: Net) -> None:
    found = np.zeros((1, 7))
    metric = metrics.find("top1", model_with(net, (1, 7)), np.array([0]))
    ranks = [scores(metric, [found], [label]) for label in range(7)]
    assert [each["top1"] for each in ranks] == [1, 0, 0, 0, 0, 0, 0]
    assert [each["top5"] for each in ranks] == [1, 1, 1, 1, 1, 0, 0]


def test_a_score_that_is_no_number_is_no_answer(net: Net) -> None:
    metric = metrics.find("top1", model_with(net, (1, 3)), np.array([0]))
    found = np.array([[math.nan, 0, 1], [math.nan] * 3])
    assert scores(metric, [found], [0, 0]) == {"top1": 0}


def test_one_sigmoid_is_above_a_half_or_not(net: Net) -> None:
    labels = np.array([1, 0, 1, 0])
    metric = metrics.find(None, model_with(net, (1, 1)), labels)
    assert scores(metric, [np.array([[0.9], [0.2], [0.4], [math.nan]])], labels) == {"top1": 0.5}


def test_an_output_may_be_the_class(net: Net) -> None:
    labels = np.array([3, 4])
    metric = metrics.find(None, model_with(net, (1,), dtype="int64"), labels)
    assert scores(metric, [np.array([3, 5])], labels) == {"top1": 0.5}


def test_mean_iou(net: Net, dice: np.random.Generator) -> None:
    oracle = pytest.importorskip("sklearn.metrics")
    found, labels = dice.random((3, 8, 9, 5)), dice.integers(0, 4, (3, 8, 9))
    labels[0, :2], labels[1, 3] = 255, -1
    counts = (labels >= 0) & (labels < 255)
    guess = found.argmax(axis=3)[counts]
    expected = oracle.jaccard_score(labels[counts], guess, average=None).mean()
    metric = metrics.find(None, model_with(net, (1, 8, 9, 5)), labels)
    assert metric is not None
    assert metric.name == "miou"
    result = scores(metric, [found], labels)
    assert result["miou"] == pytest.approx(expected)
    assert result["pixel_accuracy"] == pytest.approx((guess == labels[counts]).mean())
    indices = model_with(Net(net.schema), (1, 8, 9), dtype="int32")
    assert scores(metrics.find(None, indices, labels), [found.argmax(axis=3)], labels) == result


def test_masks_of_one_class(net: Net) -> None:
    labels = np.array([[[1, 1], [0, 255]]], np.uint8)
    metric = metrics.find(None, model_with(net, (1, 2, 2, 1)), labels)
    found = np.array([[0.9, 0.1], [0.3, 0.8]]).reshape(1, 2, 2, 1)
    assert scores(metric, [found], labels)["miou"] == pytest.approx((1 / 2 + 1 / 2) / 2)


def test_no_labelled_pixel_is_no_score(net: Net) -> None:
    labels = np.full((1, 2, 2), 255)
    metric = metrics.find("miou", model_with(net, (1, 2, 2, 3)), labels)
    assert math.isnan(scores(metric, [np.zeros((1, 2, 2, 3))], labels)["miou"])


def test_errors_of_measures(net: Net, dice: np.random.Generator) -> None:
    oracle = pytest.importorskip("sklearn.metrics")
    found, labels = dice.random((20, 6)), dice.random((20, 6))
    model = model_with(net, (1, 3), (1, 6))
    expected = {
        "mae": oracle.mean_absolute_error(labels, found),
        "rmse": math.sqrt(oracle.mean_squared_error(labels, found)),
    }
    outputs = [np.zeros((20, 3)), found]
    for name in (None, "mae", "rmse"):
        metric = metrics.find(name, model, labels)
        assert metric is not None and not metric.higher_is_better
        assert scores(metric, outputs, labels) == pytest.approx(expected)
        assert next(iter(metric.scorer().result())) == (name or "mae")


def test_ages_are_measures_though_they_are_integers(net: Net) -> None:
    metric = metrics.find(None, model_with(net, (1, 1)), np.array([35, 61]))
    assert metric is not None
    assert metric.name == "mae"


def coco(found: list[Any], truth: list[Any], classes: int) -> list[float]:
    """mAP and mAP@.5 by pycocotools; boxes are (ymin, xmin, ymax, xmax, class[, score])."""
    api = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")

    def rows(images: list[Any]) -> list[dict[str, Any]]:
        return [
            {
                "image_id": image + 1,
                "category_id": int(row[4]),
                "bbox": [row[1], row[0], row[3] - row[1], row[2] - row[0]],
                "area": (row[3] - row[1]) * (row[2] - row[0]),
                "iscrowd": 0,
                "score": row[5] if len(row) > 5 else 1,
            }
            for image, boxes in enumerate(images)
            for row in boxes.tolist()
        ]

    with contextlib.redirect_stdout(io.StringIO()):
        labels = api.COCO()
        labels.dataset = {
            "images": [{"id": image + 1} for image in range(len(truth))],
            "categories": [{"id": number} for number in range(classes)],
            "annotations": [{"id": n, **row} for n, row in enumerate(rows(truth), 1)],
        }
        labels.createIndex()
        judge = evaluation.COCOeval(labels, labels.loadRes(rows(found)), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return [float(judge.stats[0]), float(judge.stats[1])]


@pytest.mark.parametrize("seed", range(6))
def test_mean_average_precision_is_that_of_coco(seed: int) -> None:
    dice = np.random.default_rng(seed)
    scorer = BoxScorer(BoxOutputs(0, 1, 2, 3))
    found, truth = [], []
    for _ in range(12):
        n = int(dice.integers(0, 30))
        corner, size = dice.random((n, 2)), dice.uniform(0.05, 0.4, (n, 2))
        labels = np.column_stack([corner, corner + size, dice.integers(0, 4, n)])
        # Some are near, some far, some twice, some of another class.
        near = np.repeat(labels, 2, axis=0)
        near[:, :4] += dice.normal(scale=0.03, size=near[:, :4].shape)
        near[:, 4] = np.where(dice.random(len(near)) < 0.2, 1, near[:, 4])
        near = near[(near[:, 2:4] > near[:, :2]).all(axis=1)]
        near = np.column_stack([near, dice.random(len(near)).round(2)])
        found.append(near)
        truth.append(labels)
        padding = np.full((3, 5), -1.0)
        boxes = np.concatenate([near, np.ones((5, 6))])[None]
        outputs = [boxes[..., :4], boxes[..., 4], boxes[..., 5], np.array([len(near)])]
        scorer.add([each.astype(np.float64) for each in outputs], np.vstack([labels, padding]))
    assert list(scorer.result().values()) == pytest.approx(coco(found, truth, 4), abs=1e-9)


def test_images_without_boxes_are_no_score() -> None:
    scorer = BoxScorer(BoxOutputs(0, 1, 2, None))
    nothing = [np.zeros((1, 0, 4)), np.zeros((1, 0)), np.zeros((1, 0))]
    scorer.add(nothing, np.full((2, 5), -1))
    assert math.isnan(scorer.result()["map"])
    scorer.add(nothing, np.array([[0, 0, 1, 1, 2]]))
    assert scorer.result() == {"map": 0, "map50": 0}


def test_a_detector_is_known_by_its_outputs(net: Net) -> None:
    model = model_with(net, (1, 10, 4), (1, 10), (1, 10), (1,))
    assert box_outputs(model) == (0, 1, 2, 3)
    metric = metrics.find(None, model, np.zeros((3, 2, 5)))
    assert metric is not None
    assert metric.name == "map"
    assert box_outputs(model_with(Net(net.schema), (1, 10, 4), (1, 10))) is None


def test_the_postprocessing_operator_says_which_output_is_which(bindings: ModuleType) -> None:
    net = Net(bindings)
    inputs = [net.input(1, 10, 4, name="boxes"), net.input(1, 10, 3, name="scores")]
    first = net.add("CUSTOM", inputs, [(), (), (), ()])
    net.model.operatorCodes[0].customCode = b"TFLite_Detection_PostProcess"
    assert box_outputs(net.made(first + 2, first, first + 3, first + 1)) == (1, 3, 0, 2)


def test_labels_out_of_the_classes_are_refused(net: Net) -> None:
    model = model_with(net, (1, 10))
    for labels, found in ((np.arange(11), "10"), (np.arange(-1, 9), "-1")):
        with pytest.raises(tfq.CalibrationDataError, match=f"classes 0 to 9; got {found}"):
            metrics.find(None, model, labels)
    pixels = model_with(Net(net.schema), (1, 2, 2, 3))
    with pytest.raises(tfq.CalibrationDataError, match="classes 0 to 2; got 3"):
        metrics.find(None, pixels, np.full((1, 2, 2), 3))


@pytest.mark.parametrize("name", [None, "top1", "mae", len])
def test_labels_that_are_no_finite_numbers_are_refused(net: Net, name: Any) -> None:
    for value in (math.nan, math.inf):
        labels = np.array([1, 2, value, 3])
        with pytest.raises(tfq.CalibrationDataError, match="found NaN or infinity in sample 2"):
            metrics.find(name, model_with(net, (1, 10)), labels)


def test_a_row_without_its_one_is_named(net: Net) -> None:
    labels = np.eye(10)
    for value in (0, 0.5, 2):
        labels[3, 3] = value
        with pytest.raises(tfq.CalibrationDataError, match=r"\(top1\); found neither in sample 3"):
            metrics.find("top1", model_with(Net(net.schema), (1, 10)), labels)


def test_labels_that_differ_in_shape_are_refused(net: Net) -> None:
    labels = read_labels([[1], [1], [1, 2]], 3)
    with pytest.raises(tfq.CalibrationDataError, match=r"got \[1\] in .* \[2\] in sample 2"):
        metrics.find(None, model_with(net, (1, 10)), labels)
    for odd in ([1, None], [{}, {}]):
        with pytest.raises(tfq.CalibrationDataError, match="expected numbers, got object"):
            metrics.find(None, model_with(Net(net.schema), (1, 10)), read_labels(odd, 2))


def test_boxes_of_no_class_are_refused(net: Net) -> None:
    model = model_with(net, (1, 10, 4), (1, 10), (1, 10), (1,))
    for value in (0.5, -0.5, 1e300, 65536):
        labels = np.zeros((3, 2, 5))
        labels[1, 0, 4] = value
        wanted = f"expected classes 0 to 65535.*; got {re.escape(f'{value:g}')} in sample 1"
        with pytest.raises(tfq.CalibrationDataError, match=wanted):
            metrics.find(None, model, labels)


def test_labels_of_another_shape_are_refused(net: Net) -> None:
    model = model_with(net, (1, 10))
    for name, labels in (
        ("miou", np.zeros(4, int)),
        ("map", np.zeros(4)),
        (None, np.zeros((4, 3))),
    ):
        with pytest.raises(tfq.CalibrationDataError, match=r"labels: expected .*; got \w+ \[4"):
            metrics.find(name, model, labels)
    with pytest.raises(tfq.CalibrationDataError, match="expected numbers, got <U3"):
        metrics.find(None, model, np.array(["cat"]))


def test_a_metric_needs_labels_and_a_name_that_is_one(net: Net) -> None:
    model = model_with(net, (1, 10))
    assert metrics.find(None, model, None) is None
    with pytest.raises(tfq.CalibrationDataError, match="top1 needs them"):
        metrics.find("top1", model, None)
    with pytest.raises(tfq.ArgumentError, match="got 'miuo'; did you mean miou"):
        metrics.find("miuo", model, np.zeros(3))


def test_a_function_of_the_user(net: Net, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "def both(outputs, labels):\n"
        "    assert [each.shape for each in outputs] == [(3, 10), (3, 4)]\n"
        "    return {'sum': outputs[0].sum(), 'labels': labels.sum()}\n"
        "def loss(outputs, labels):\n"
        "    return 0.5\n"
        "loss.higher_is_better = False\n"
        "def fails(outputs, labels):\n"
        "    raise KeyError('oops')\n"
        "def text(outputs, labels):\n"
        "    return 'good'\n"
    )
    model, labels = model_with(net, (1, 10), (1, 4)), np.arange(3)
    outputs = [np.ones((3, 10)), np.ones((3, 4))]
    both = metrics.find(f"{tmp_path}/mine.py:both", model, labels)
    assert both is not None and both.higher_is_better
    assert scores(both, outputs, labels) == {"sum": 30, "labels": 3}
    loss = metrics.find(f"{tmp_path}/mine.py:loss", model, labels)
    assert loss is not None and not loss.higher_is_better
    assert scores(loss, outputs, labels) == {"loss": 0.5}
    for name, wanted in (("fails", "fails: KeyError: 'oops'"), ("text", "expected a number")):
        metric = metrics.find(f"{tmp_path}/mine.py:{name}", model, labels)
        with pytest.raises(tfq.ArgumentError, match=wanted):
            scores(metric, outputs, labels)
