"""`tfq.accuracy.compare`, on real models and on small ones with rare inputs and outputs."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from op_nets import Net, noise

import tfq
from tfq.accuracy import compare
from tfq.accuracy.comparison import Reference, against
from tfq.convert.calibration import Samples
from tfq.numerics.noise import EXACT
from tfq.runtime import Runner, fidelity

pytest.importorskip("ai_edge_litert.interpreter")


@pytest.fixture(scope="module")
def plain(digits: Callable[..., tfq.Model]) -> tfq.Model:
    return digits(mode="float32")


@pytest.fixture(scope="module")
def integers(digits: Callable[..., tfq.Model]) -> tfq.Model:
    return digits(mode="full_integer")


@pytest.fixture(scope="module")
def evaluation(samples: Path) -> dict[str, np.ndarray]:
    with np.load(samples / "evaluation.npz") as archive:
        return {"image": archive["image"].astype(np.float32), "y": archive["y"]}


def test_printed_it_is_one_line(
    plain: tfq.Model, integers: tfq.Model, evaluation: dict[str, np.ndarray]
) -> None:
    found = compare(plain, integers, evaluation)
    text = str(found)
    count = len(evaluation["y"])
    assert "\n" not in text and f" against {found.reference}, {count} samples: SQNR " in text
    assert found.candidate_scores is not None and found.agreement is not None
    assert f"agreement {found.agreement:.2%}, top1 {found.candidate_scores['top1']:.2%}" in text


def one_op(
    schema: ModuleType, name: str, shape: tuple[int, ...] = (1, 4), *options: Any
) -> tfq.Model:
    net = Net(schema)
    return net.made(net.add(name, [net.input(*shape, name="x")], [shape], *options))


def sum_and_difference(
    schema: ModuleType, names: str = "ab", *, crossed: bool = False, factor: float = 1
) -> tfq.Model:
    net = Net(schema)
    a, b = (net.input(1, 4, name=name) for name in names)
    if factor != 1:
        b = net.add("MUL", [b, net.constant(factor)], [(1, 4)], ("MulOptions", {}))
    outputs = [
        net.add(each, [a, b], [(1, 4)], (f"{each.title()}Options", {})) for each in ("ADD", "SUB")
    ]
    for output, name in zip(outputs, ("sum", "difference"), strict=True):
        net.graph.tensors[output].name = name
    if crossed:
        net.graph.inputs.reverse()
        outputs.reverse()
    return net.made(*outputs)


def test_a_quantized_model_beside_its_float_one(
    plain: tfq.Model, integers: tfq.Model, evaluation: dict[str, np.ndarray]
) -> None:
    found = compare(plain, integers, evaluation)
    (output,) = found.outputs
    runner = Runner(plain), Runner(integers)
    rows = [[each.run({"image": row[None]})[0] for row in evaluation["image"]] for each in runner]
    exact, close = np.concatenate(rows[0]).astype(float), np.concatenate(rows[1]).astype(float)
    power = np.square(exact).sum() / np.square(exact - close).sum()
    assert output.sqnr == pytest.approx(10 * np.log10(power))
    assert output.max_error == pytest.approx(np.abs(exact - close).max())
    assert output.mean_error == pytest.approx(np.abs(exact - close).mean())
    norms = np.linalg.norm(exact, axis=1) * np.linalg.norm(close, axis=1)
    assert output.cosine == pytest.approx(((exact * close).sum(axis=1) / norms).mean())
    assert output.agreement == (exact.argmax(axis=1) == close.argmax(axis=1)).mean()
    hits = [float((each.argmax(axis=1) == evaluation["y"]).mean()) for each in (exact, close)]
    assert found.reference_scores is not None and found.candidate_scores is not None
    assert [found.reference_scores["top1"], found.candidate_scores["top1"]] == hits
    assert found.drop == hits[0] - hits[1]
    assert (found.metric, found.samples, found.layers) == ("top1", 400, None)


def test_a_keras_model_is_its_float_file(
    samples: Path, plain: tfq.Model, integers: tfq.Model
) -> None:
    pytest.importorskip("tensorflow")
    data = samples / "evaluation.npz"
    found, expected = (compare(each, integers, data) for each in (samples / "digits.keras", plain))
    assert found.reference == str(samples / "digits.keras")
    assert found.outputs[0].sqnr == pytest.approx(expected.outputs[0].sqnr)
    assert found.reference_scores == expected.reference_scores


def test_layers_are_compared_on_the_same_samples(
    plain: tfq.Model, integers: tfq.Model, evaluation: dict[str, np.ndarray]
) -> None:
    layers = compare(plain, integers, evaluation["image"][:20], per_layer=True).layers
    assert layers is not None
    assert (layers.matched, layers.total) == (12, 12)


def test_a_quantized_reference_takes_real_numbers(
    plain: tfq.Model, integers: tfq.Model, evaluation: dict[str, np.ndarray]
) -> None:
    there = compare(plain, integers, evaluation["image"])
    back = compare(integers, plain, evaluation["image"])
    assert back.outputs[0].max_error == there.outputs[0].max_error


def test_inputs_and_outputs_are_paired_by_name(bindings: ModuleType) -> None:
    reference, candidate = sum_and_difference(bindings), sum_and_difference(bindings, crossed=True)
    found = compare(reference, candidate, {"a": noise(5, 4), "b": noise(5, 4, seed=1)})
    assert [each.name for each in found.outputs] == ["sum", "difference"]
    assert [each.max_error for each in found.outputs] == [0, 0]


def test_inputs_and_outputs_are_else_paired_by_order(bindings: ModuleType) -> None:
    reference, candidate = sum_and_difference(bindings), sum_and_difference(bindings, "ba")
    data = {"a": noise(5, 4), "b": noise(5, 4, seed=1)}
    assert compare(reference, candidate, data).outputs[1].max_error > 1  # "ba" are names, too
    candidate = sum_and_difference(bindings, "xy")
    assert compare(reference, candidate, data).sqnr == EXACT


def test_inputs_without_names_are_told_apart(bindings: ModuleType) -> None:
    model = sum_and_difference(bindings, ["", ""])
    data = {"input_0": noise(5, 4), "input_1": noise(5, 4, seed=1)}
    assert compare(model, model, data).sqnr == EXACT


def test_samples_fill_a_fixed_batch(bindings: ModuleType) -> None:
    models = [one_op(bindings, name, (4, 3)) for name in ("RELU", "RELU6")]
    (output,) = compare(*models, 9 * np.abs(noise(10, 3))).outputs
    values = 9 * np.abs(noise(10, 3))
    assert output.positions == 10
    assert output.mean_error == pytest.approx((values - values.clip(0, 6)).mean())


def test_open_dimensions_take_the_size_of_the_samples(bindings: ModuleType) -> None:
    net = Net(bindings)
    net.add("RELU", [net.input(1, 1, 4, name="x")], [(1, 1, 4)])
    for tensor in net.graph.tensors:
        tensor.shapeSignature = [-1, -1, 4]
    model = net.made(1)
    (output,) = compare(model, model, noise(6, 7, 4)).outputs
    assert (output.positions, output.sqnr) == (42, math.inf)


def test_a_size_that_is_open_need_not_be_large_enough_yet(bindings: ModuleType) -> None:
    net = Net(bindings)
    weights = [net.constant(noise(2, 3, 3, 1)), net.constant([0, 0])]
    x = net.input(1, 1, 1, 1, name="x")
    options = ("Conv2DOptions", {"padding": bindings.Padding.VALID, "strideH": 1, "strideW": 1})
    y = net.add("CONV_2D", [x, *weights], [(1, 1, 1, 2)], options)
    for tensor, channels in ((x, 1), (y, 2)):
        net.graph.tensors[tensor].shapeSignature = [-1, -1, -1, channels]
    model = net.made(y)
    assert compare(model, model, noise(5, 9, 8, 1)).outputs[0].positions == 5 * 7 * 6


def test_integers_agree_or_do_not(bindings: ModuleType) -> None:
    def best(name: str) -> tfq.Model:
        net = Net(bindings)
        x = net.add(name, [net.input(1, 4, name="x")], [(1, 4)])
        options = ("ArgMaxOptions", {"outputType": bindings.TensorType.INT32})
        inputs = [x, net.constant(1, np.int32)]
        return net.made(net.add("ARG_MAX", inputs, [(1,)], options, ("int32",)))

    values = noise(50, 4)
    (output,) = compare(best("RELU"), best("ABS"), values).outputs
    same = values.clip(0).argmax(axis=1) == np.abs(values).argmax(axis=1)
    assert output.dtype == "int32"
    assert (output.agreement, output.positions) == (same.mean(), 50)


def test_an_input_may_be_a_scalar(bindings: ModuleType) -> None:
    net = Net(bindings)
    x, factor = net.input(1, 4, name="x"), net.input(name="factor")
    model = net.made(net.add("MUL", [x, factor], [(1, 4)], ("MulOptions", {})))
    found = compare(model, model, {"x": noise(3, 4), "factor": np.arange(3, dtype=np.float32)})
    assert (found.samples, found.sqnr) == (3, 120)
    alone = one_op(bindings, "ABS", ())
    assert compare(alone, alone, np.arange(3, dtype=np.float32)).samples == 3


def test_a_mask_from_a_generator_is_scored(bindings: ModuleType) -> None:
    model = one_op(bindings, "ABS", (1, 4, 4, 3))
    values = noise(3, 4, 4, 3)
    masks = np.abs(values).argmax(axis=3)
    found = compare(model, model, lambda: zip(values, masks, strict=True))
    assert found.reference_scores == {"miou": 1, "pixel_accuracy": 1}


def test_arguments_of_another_kind_are_refused(plain: tfq.Model) -> None:
    images = noise(2, 8, 8, 1)
    with pytest.raises(tfq.ArgumentError, match="input_shapes: expected shapes by input name"):
        compare(plain, plain, images, input_shapes=5)  # type: ignore[arg-type]
    with pytest.raises(tfq.ArgumentError, match="batch_size: expected 1 or more"):
        compare(plain, plain, images, batch_size=-1)
    with pytest.raises(tfq.CalibrationDataError, match="expected one shape for all samples"):
        compare(plain, plain, images, labels=[[1], [1, 2]])


def test_scalars_have_no_agreement(bindings: ModuleType) -> None:
    net = Net(bindings)
    axes = net.constant([0, 1], np.int32)
    options = ("ReducerOptions", {"keepDims": False})
    model = net.made(net.add("MEAN", [net.input(1, 4, name="x"), axes], [()], options))
    found = compare(model, model, noise(3, 4))
    assert (found.outputs[0].agreement, found.agreement, found.sqnr) == (None, None, 120)


def test_empty_outputs_are_exact(bindings: ModuleType) -> None:
    net = Net(bindings)
    bounds = [net.constant(each, np.int32) for each in ([0, 0], [1, 0])]
    model = net.made(
        net.add("SLICE", [net.input(1, 4, name="x"), *bounds], [(1, 0)], ("SliceOptions", {}))
    )
    (output,) = compare(model, model, noise(3, 4)).outputs
    assert (output.sqnr, output.max_error, output.agreement) == (math.inf, 0, None)


def test_numbers_that_are_none_are_counted(bindings: ModuleType) -> None:
    logarithm, root, absolute = (one_op(bindings, name) for name in ("LOG", "SQRT", "ABS"))
    values = np.array([[-1, 1, 2, 3], [0, 1, 2, 3]], np.float32)
    (same,) = compare(logarithm, logarithm, values).outputs
    assert (same.not_finite, same.max_error, same.sqnr) == (2, 0, math.inf)
    (broken,) = compare(absolute, root, values).outputs
    assert (broken.not_finite, broken.max_error, broken.sqnr) == (1, math.inf, -math.inf)
    assert math.isnan(broken.cosine)
    assert compare(absolute, root, values).sqnr == -EXACT


def test_a_sample_of_another_shape_is_left_out_and_counted(bindings: ModuleType) -> None:
    def above(limit: float) -> tfq.Model:
        net = Net(bindings)
        inputs = [net.input(1, 4, name="x"), net.constant(limit)]
        mask = net.add("GREATER", inputs, [(1, 4)], ("GreaterOptions", {}), ("bool",))
        places = net.add("WHERE", [mask], [(1, 2)], ("WhereOptions", {}), ("int64",))
        net.graph.tensors[places].shapeSignature = [-1, 2]
        return net.made(places)

    values = np.array([[1, 1, 0, 0], [3, 0, 0, 0], [0, 0, 0, 5]], np.float32)
    (output,) = compare(above(0.5), above(2), values).outputs
    assert (output.other_shape, output.positions, output.agreement) == (1, 4, 1.0)
    (nothing,) = compare(above(0.5), above(9), values).outputs
    assert (nothing.other_shape, nothing.sqnr, nothing.max_error) == (3, -math.inf, math.inf)


def test_a_reference_serves_many_and_may_run_again(
    plain: tfq.Model,
    integers: tfq.Model,
    evaluation: dict[str, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples = Samples({"image": list(evaluation["image"][:30, None])})
    kept = Reference(plain, samples)
    first = [against(kept, each) for each in (integers, plain)]
    monkeypatch.setattr(fidelity, "MOST_KEPT", 1000)
    again = Reference(plain, samples)
    assert [against(again, each) for each in (integers, plain)] == first
    assert first[1].sqnr == EXACT


def test_labels_that_only_happen_to_be_there_are_a_warning(
    plain: tfq.Model, evaluation: dict[str, np.ndarray]
) -> None:
    data = {"image": evaluation["image"], "y": np.zeros((400, 3))}
    with pytest.warns(tfq.ConversionWarning, match="nothing is scored: labels: expected"):
        assert compare(plain, plain, data).metric is None
    with pytest.raises(tfq.CalibrationDataError, match="a class a sample"):
        compare(plain, plain, evaluation["image"], labels=data["y"])


def test_labels_of_another_count_are_refused(
    plain: tfq.Model, evaluation: dict[str, np.ndarray], tmp_path: Path
) -> None:
    np.save(tmp_path / "labels.npy", evaluation["y"][:9])
    with pytest.raises(tfq.CalibrationDataError, match=r"expected 400, one a sample; got 9"):
        compare(plain, plain, evaluation["image"], labels=tmp_path / "labels.npy")


def test_labels_in_a_file(
    plain: tfq.Model, evaluation: dict[str, np.ndarray], tmp_path: Path
) -> None:
    np.savez(tmp_path / "labels.npz", y=evaluation["y"], other=np.zeros(3))
    found = compare(plain, plain, evaluation["image"], labels=tmp_path / "labels.npz")
    assert found.reference_scores == {"top1": 0.985, "top5": 1.0}
    np.savez(tmp_path / "two.npz", a=evaluation["y"], b=evaluation["y"])
    with pytest.raises(tfq.CalibrationDataError, match="expected an array `y`; got a, b"):
        compare(plain, plain, evaluation["image"], labels=tmp_path / "two.npz")


def test_other_inputs_or_outputs_name_both_models(
    plain: tfq.Model, bindings: ModuleType, evaluation: dict[str, np.ndarray]
) -> None:
    images = evaluation["image"][:2]
    pair = sum_and_difference(bindings)
    with pytest.raises(tfq.InvalidModelError, match=rf"2 inputs \(a, b\), as .*{pair.name} has"):
        compare(pair, plain, {"a": noise(2, 4), "b": noise(2, 4)})
    small = one_op(bindings, "RELU", (1, 8, 8, 3))
    wanted = "expected float32 1x8x8x1 for input 'image', as .* takes; got float32 1x8x8x3"
    with pytest.raises(tfq.InvalidModelError, match=wanted):
        compare(plain, small, images)
    same_input = one_op(bindings, "RELU", (1, 8, 8, 1))
    with pytest.raises(tfq.InvalidModelError, match=r"expected 1x10 at output .*; got 1x8x8x1"):
        compare(plain, same_input, images)


def test_a_model_without_inputs_is_refused(bindings: ModuleType) -> None:
    net = Net(bindings)
    empty = net.made(net.constant([1.0]))
    with pytest.raises(tfq.InvalidModelError, match="has no inputs"):
        compare(empty, empty, noise(2, 4))


def test_only_models_are_compared(plain: tfq.Model, samples: Path) -> None:
    with pytest.raises(tfq.ArgumentError, match=r"candidate: expected a tfq\.Model"):
        compare(plain, 3, noise(2, 4))  # type: ignore[arg-type]
    with pytest.raises(tfq.InvalidModelError, match=r"expected a \.tflite file"):
        compare(plain, samples / "digits.keras", noise(2, 4))


def test_nothing_is_said_of_what_is_right(
    plain: tfq.Model, integers: tfq.Model, evaluation: dict[str, np.ndarray]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compare(plain, integers, evaluation)
