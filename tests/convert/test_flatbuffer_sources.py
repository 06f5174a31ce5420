"""Float `.tflite` files of every origin: what they are brought to, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from float_graphs import DENSE, Graph, Op, Sign, T, constant, dense, made

import tfq
from tfq import errors
from tfq.convert.flatbuffers import in_todays_form, prepared, with_distinct_names
from tfq.numerics.noise import sqnr
from tfq.runtime import Runner

FACES = [f"face_detection_{name}" for name in ("back", "front", "full_range", "short_range")]
FACES += ["face_detection_full_range_sparse", "face_landmark", "iris_landmark"]
DICE = np.random.default_rng(0)
WEIGHTS = DICE.standard_normal((6, 8)).astype(np.float32)
ROWS = DICE.standard_normal((32, 8)).astype(np.float32)


def outputs(model: tfq.Model, *values: np.ndarray) -> list[np.ndarray]:
    return Runner(model).run(dict(zip(model.input_names, values, strict=True)))


def picture(model: tfq.Model) -> np.ndarray:
    """A smooth one, from -1 to 1."""
    height, width = model.inputs[0].shape[1:3]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    shades = [np.sin(x / 9 + y / 17), np.cos(y / 7), np.sin(x / 31)]
    return np.stack(shades, axis=-1)[None].astype(np.float32)


class TestFaces:
    @pytest.mark.parametrize("name", FACES)
    def test_float32_restores_what_the_float16_file_computes(
        self, faces: dict[str, Path], name: str
    ) -> None:
        old, new = tfq.load(faces[name]), tfq.convert(faces[name], mode="float32")
        assert not {"float16"} & {tensor.dtype for tensor in new.tensors}
        assert not {"DEQUANTIZE", "DENSIFY"} & {op.name for op in new.operators}
        expected = Runner(old).run({old.input_names[0]: picture(old)})
        for want, have in zip(expected, outputs(new, picture(new)), strict=True):
            assert sqnr(want, have) > 100

    @pytest.mark.parametrize("name", FACES)
    def test_every_layer_of_every_file_gets_integer_weights(
        self, faces: dict[str, Path], name: str
    ) -> None:
        # Most of these files are older than TensorFlow 2.4, and name operators in the old way.
        old, new = tfq.load(faces[name]), tfq.convert(faces[name], mode="dynamic_range")
        layers = [op for op in new.operators if op.weights is not None]
        assert {op.weights.dtype for op in layers} == {"int8"}
        expected = Runner(old).run({old.input_names[0]: picture(old)})
        assert sqnr(expected[0], outputs(new, picture(new))[0]) > 10

    def test_float16_of_a_float32_file_is_half_as_large(self, faces: dict[str, Path]) -> None:
        whole = tfq.convert(faces["iris_landmark"], mode="float32")
        half = tfq.convert(whole, mode="float16")
        assert half.size < 0.6 * whole.size
        want, have = (outputs(model, picture(model))[0] for model in (whole, half))
        assert sqnr(want, have) > 50


class TestSignatures:
    @pytest.fixture
    def path(self, shared_models: Path) -> Path:
        return shared_models / "litert" / "multi_signature_model.tflite"

    def test_one_of_several_is_converted_and_the_others_are_gone(self, path: Path) -> None:
        a, b = (DICE.standard_normal((10, 10)).astype(np.float32) for _ in range(2))
        results = {"add": a + b, "mul": a * b, "sub": a - b}
        for name, expected in results.items():
            model = tfq.convert(path, mode="float32", signature=name)
            assert [signature.name for signature in model.signatures] == [name]
            assert len(model.subgraphs) == 1
            sample = {"a": a, "b": b}
            np.testing.assert_allclose(Runner(model).run(sample)[0], expected, rtol=1e-6)

    def test_without_a_choice_the_refusal_names_them(self, path: Path) -> None:
        with pytest.raises(errors.ConversionError, match=r"signature.*it has add, mul, sub"):
            tfq.convert(path, mode="float32")

    def test_one_that_is_not_there_is_a_wrong_argument(self, path: Path) -> None:
        with pytest.raises(errors.ArgumentError, match=r"\(add, mul, sub\); got 'div'"):
            tfq.convert(path, mode="float32", signature="div")

    def test_branches_of_a_chosen_one_come_with_it(self, bindings: ModuleType) -> None:
        def branch(name: str) -> Graph:
            factor = constant("", np.array([2], np.float32))
            tensors = [T("a", (1, 8)), factor, T("b", (1, 8))]
            return Graph(tensors, [Op(name, [0, 1], [2], (f"{name.title()}Options", {}))], [0], [2])

        choose = Graph(
            [T("which", (1,), "bool"), T("x", (1, 8)), T("y", (1, 8))],
            [
                Op(
                    "IF",
                    [0, 1],
                    [2],
                    ("IfOptions", {"thenSubgraphIndex": 3, "elseSubgraphIndex": 1}),
                )
            ],
            [0, 1],
            [2],
        )
        graphs = [branch("SUB"), branch("ADD"), choose, branch("MUL")]
        signs = [Sign("plain", 0, {"a": 0}, {"b": 2}), Sign("if", 2, {"c": 0, "x": 1}, {"y": 2})]
        model = made(bindings, graphs, signs)
        chosen = tfq.convert(model, mode="float32", signature="if")
        assert len(chosen.subgraphs) == 3
        for which, expected in ((True, 2 * ROWS[:1]), (False, 2 + ROWS[:1])):
            found = Runner(chosen).run({"c": np.array([which]), "x": ROWS[:1]})[0]
            np.testing.assert_array_equal(found, expected)

    def test_several_names_of_one_subgraph_need_no_choice(self, bindings: ModuleType) -> None:
        plain = dense(bindings, [8, 4])
        graph = Graph(
            [T("x", (1, 8)), constant("w", WEIGHTS), T("y", (1, 6))],
            [Op("FULLY_CONNECTED", [0, 1, -1], [2], DENSE)],
            [0],
            [2],
        )
        signs = [Sign(key, 0, {"in": 0}, {"out": 2}) for key in ("serve", "predict")]
        model = tfq.convert(made(bindings, [graph], signs), mode="dynamic_range")
        assert [signature.name for signature in model.signatures] == ["serve", "predict"]
        assert tfq.convert(plain, mode="float32").signatures[0].name == "serving_default"

    def test_one_that_leaves_an_output_out_is_completed(self, bindings: ModuleType) -> None:
        graph = Graph(
            [T("x", (1, 8)), T("y", (1, 8)), T("z", (1, 8))],
            [Op("TANH", [0], [1]), Op("LOGISTIC", [0], [2])],
            [0],
            [1, 2],
        )
        model = made(bindings, [graph], [Sign("serve", 0, {"in": 0}, {"out": 1})])
        (signature,) = prepared(model, "it").signatures
        assert (signature.name, list(signature.inputs)) == ("serve", ["in"])
        assert list(signature.outputs) == ["out", "z"]


class TestNames:
    def test_unnamed_and_repeated_ones_are_told_apart(self, bindings: ModuleType) -> None:
        graph = Graph(
            [
                *(T("", (1, 8)), T("", (1, 8)), constant("same", WEIGHTS), T("same", (1, 8))),
                *(T("same", (1, 6)), T("", (1, 6))),
            ],
            [
                Op("ADD", [0, 1], [3], ("AddOptions", {})),
                Op("FULLY_CONNECTED", [3, 2, -1], [4], DENSE),
                Op("TANH", [4], [5]),
            ],
            [0, 1],
            [4, 5],
        )
        source = made(bindings, [graph])
        model = tfq.convert(source, mode="dynamic_range")
        assert list(model.signatures[0].inputs) == ["input_0", "input_1"]
        assert list(model.signatures[0].outputs) == ["same", "output_1"]
        expected = (ROWS[:1] + ROWS[1:2]) @ WEIGHTS.T
        found = outputs(model, ROWS[:1], ROWS[1:2])
        assert sqnr(expected, found[0]) > 25
        assert sqnr(np.tanh(expected), found[1]) > 25

    def test_names_that_are_distinct_stay(self, bindings: ModuleType) -> None:
        model = dense(bindings, [8, 4, 2])
        assert with_distinct_names(model) is model

    def test_samples_go_by_the_names_of_the_signature(self, shared_models: Path) -> None:
        path = shared_models / "micro" / "hello_world_float.tflite"
        angles = np.linspace(0, 6.28, 50, dtype=np.float32)[:, None]
        data = {"dense_input": angles}
        model = tfq.convert(path, mode="full_integer", calibration_data=data, passes="minmax")
        assert model.input_names == ("dense_input",)
        found = [outputs(model, row[None])[0][0, 0] for row in angles]
        np.testing.assert_allclose(found, np.sin(angles[:, 0]), atol=0.2)


class TestInputsAndWeights:
    def test_integer_inputs_stay_integers(self, shared_models: Path) -> None:
        path = shared_models / "litert" / "mixed_input_model.tflite"
        data = {
            "int_input": DICE.integers(0, 10, (30, 10)).astype(np.int32),
            "float_input": DICE.standard_normal((30, 10)).astype(np.float32),
        }
        model = tfq.convert(
            path, mode="full_integer", calibration_data=data, allow_float_fallback=True
        )
        assert [tensor.dtype for tensor in model.inputs] == ["int32", "int8"]

    def test_an_open_batch_is_set(self, shared_models: Path) -> None:
        path = shared_models / "litert" / "simple_add_dynamic_shape.tflite"
        model = tfq.convert(path, mode="float32", batch_size=5)
        assert {tensor.shape for tensor in model.inputs} == {(5, 128, 4)}

    def test_weights_that_layers_share_stay_shared(self, bindings: ModuleType) -> None:
        square = DICE.standard_normal((8, 8)).astype(np.float32) / 3
        graph = Graph(
            [
                *(T("x", (1, 8)), constant("half", square.astype(np.float16)), T("w", (8, 8))),
                *(T("h", (1, 8)), T("y", (1, 8)), T("z", (1, 8))),
                *(T("again", (8, 8), "float16", None, 1), T("v", (8, 8))),
            ],
            [
                Op("DEQUANTIZE", [1], [2], ("DequantizeOptions", {})),
                Op("DEQUANTIZE", [6], [7], ("DequantizeOptions", {})),
                Op("FULLY_CONNECTED", [0, 2, -1], [3], DENSE),
                Op("FULLY_CONNECTED", [3, 2, -1], [4], DENSE),
                Op("FULLY_CONNECTED", [4, 7, -1], [5], DENSE),
            ],
            [0],
            [5],
        )
        model = tfq.convert(made(bindings, [graph]), mode="dynamic_range")
        first, second, _ = (op.weights for op in model.operators if op.weights is not None)
        assert first is second
        twice = ROWS[:1] @ square.T @ square.T @ square.T
        assert sqnr(twice, outputs(model, ROWS[:1])[0]) > 20

    def test_operators_are_named_in_both_ways(
        self, faces: dict[str, Path], bindings: ModuleType
    ) -> None:
        old = tfq.load(faces["face_detection_front"])
        new = in_todays_form(old)
        assert {op.name for op in new.operators} == {op.name for op in old.operators}
        table = bindings.ModelT.InitFromPackedBuf(bytes(new), 0)
        assert all(code.builtinCode == code.deprecatedBuiltinCode for code in table.operatorCodes)
        assert in_todays_form(new) is new


class TestRefused:
    @pytest.mark.parametrize("mode", ["full_integer", "dynamic_range", "weight_only"])
    def test_a_quantized_model_by_the_name_of_a_tensor(
        self, digits: Callable[..., tfq.Model], mode: str
    ) -> None:
        with pytest.raises(
            errors.ConversionError, match=r"already quantized \(tensor '.+' is int8"
        ):
            tfq.convert(digits(mode=mode), mode="float32")

    def test_a_model_that_computes_in_float16(self, bindings: ModuleType) -> None:
        graph = Graph(
            [T("picture", (1, 8), "float16"), T("x", (1, 8)), T("y", (1, 8))],
            [Op("DEQUANTIZE", [0], [1], ("DequantizeOptions", {})), Op("TANH", [1], [2])],
            [0],
            [2],
        )
        with pytest.raises(errors.ConversionError, match=r"in float16 \(tensor 'picture'\)"):
            tfq.convert(made(bindings, [graph]), mode="float32")

    def test_a_model_without_inputs(self, bindings: ModuleType) -> None:
        graph = Graph([constant("x", ROWS[:1]), T("y", (1, 8))], [Op("TANH", [0], [1])], [], [1])
        with pytest.raises(errors.ConversionError, match="no inputs"):
            tfq.convert(made(bindings, [graph]), mode="float32")

    @pytest.mark.parametrize("name", ["Polish", "FlexErf"])
    def test_calibrating_what_the_interpreter_does_not_run(
        self, bindings: ModuleType, name: str
    ) -> None:
        graph = Graph([T("x", (1, 8)), T("y", (1, 8))], [Op(name, [0], [1])], [0], [1])
        options: dict[str, Any] = {"calibration_data": ROWS, "accuracy": "none"}
        with pytest.raises(errors.Error, match=name) as caught:
            tfq.convert(made(bindings, [graph]), mode="full_integer", **options)
        assert "\n" not in str(caught.value)

    def test_branches_are_kept_but_not_in_full_integer(self, bindings: ModuleType) -> None:
        branch = Graph([T("a", (1, 8)), T("b", (1, 8))], [Op("TANH", [0], [1])], [0], [1])
        main = Graph(
            [T("which", (1,), "bool"), T("x", (1, 8)), T("y", (1, 8))],
            [
                Op(
                    "IF",
                    [0, 1],
                    [2],
                    ("IfOptions", {"thenSubgraphIndex": 1, "elseSubgraphIndex": 1}),
                )
            ],
            [0, 1],
            [2],
        )
        model = made(bindings, [main, branch])
        kept = tfq.convert(model, mode="dynamic_range")
        found = outputs(kept, np.array([True]), ROWS[:1])[0]
        np.testing.assert_allclose(found, np.tanh(ROWS[:1]), rtol=1e-5)
        data = {"which": np.ones((32, 1), bool), "x": ROWS}
        with pytest.raises(errors.ConversionError, match="IF"):
            tfq.convert(model, mode="full_integer", calibration_data=data, batch_size=None)
