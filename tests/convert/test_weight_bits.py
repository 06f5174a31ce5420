"""Weights of 4 bits, a scale a channel or a block: where they are, where not, what they cost."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from float_graphs import DENSE, Graph, Op, T, constant, dense, made

import tfq
from tfq import errors, ops
from tfq.accuracy import top1
from tfq.convert import calibration
from tfq.convert.modes import MODES, check_weights
from tfq.convert.request import complete
from tfq.convert.sources import InputSpec
from tfq.numerics.noise import sqnr
from tfq.runtime import Runner

Digits = Callable[..., tfq.Model]
DICE = np.random.default_rng(0)
# In dB. Rounding random weights to 15 steps leaves 22 a layer, and less in large blocks.
ENOUGH = 12


def convert(model: tfq.Model, mode: str, **options: Any) -> tuple[tfq.Model, list[str]]:
    """The model with 4-bit weights, and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        small = tfq.convert(model, mode=mode, weight_bits=4, **options)
    said = [each for each in caught if each.category is errors.ConversionWarning]
    return small, [str(each.message) for each in said if "4-bit" in str(each.message)]


def stored(model: tfq.Model) -> list[tuple[str, str, str]]:
    """Operator, type and granularity of all weights."""
    found = [(op, ops.stored(op.weights)) for op in model.operators if op.weights is not None]
    return [(op.name, each.dtype, each.quantization.granularity) for op, each in found]


def fidelity(reference: tfq.Model, model: tfq.Model, rows: np.ndarray) -> float:
    results = [
        np.concatenate([Runner(each).run({each.input_names[0]: row[None]})[0] for row in rows])
        for each in (reference, model)
    ]
    return sqnr(results[0], results[1])


class TestPerChannel:
    @pytest.mark.parametrize(
        ("mode", "granularity"),
        [
            ("dynamic_range", "per_channel"),
            ("weight_only", "per_channel"),
            ("weight_only", "per_tensor"),
            ("full_integer", "per_channel"),
        ],
    )
    def test_layers_that_can_have_4_bits_and_the_sample_stays_accurate(
        self, digits: Digits, samples: Path, mode: str, granularity: str
    ) -> None:
        data = None if mode != "full_integer" else samples / "calibration.npz"
        options = {"granularity": granularity, "calibration_data": data}
        options |= {"accuracy": "none"} if mode == "full_integer" else {}
        model, said = convert(digits(mode="float32"), mode, **options)
        wide = {"CONV_2D": "int4", "FULLY_CONNECTED": "int4", "DEPTHWISE_CONV_2D": "int8"}
        rows = stored(model)
        assert {(name, dtype) for name, dtype, _ in rows} == set(wide.items())
        assert {each for _, _, each in rows} == {granularity}
        others = sum(name == "DEPTHWISE_CONV_2D" for name, _, _ in rows)
        assert said == [
            f"{others} of {len(rows)} layers have no 4-bit weights, but int8: DEPTHWISE_CONV_2D "
            f"({others}); {mode} has them in {', '.join(MODES[mode].four_bits)}"
        ]
        assert model.size < digits(mode=mode, granularity=granularity).size
        evaluation = calibration.read(
            samples / "evaluation.npz", [InputSpec("image", (1, 8, 8, 1), "float32")]
        )
        assert top1(model, evaluation) >= 0.85

    def test_full_integer_stays_integer(self, bindings: ModuleType) -> None:
        model, data = dense(bindings, [64, 96, 10]), DICE.random((40, 64)).astype(np.float32)
        small, said = convert(model, "full_integer", calibration_data=data, accuracy="none")
        assert said == []
        assert {op.compute for op in small.operators} == {"integer"}
        assert {dtype for _, dtype, _ in stored(small)} == {"int4"}
        assert fidelity(model, small, data) > ENOUGH

    def test_an_odd_number_of_weights_ends_in_half_a_byte(self, bindings: ModuleType) -> None:
        model, rows = dense(bindings, [33, 7]), DICE.standard_normal((8, 33)).astype(np.float32)
        small, _ = convert(model, "dynamic_range")
        assert stored(small) == [("FULLY_CONNECTED", "int4", "per_channel")]
        assert fidelity(model, small, rows) > ENOUGH


class TestBlocks:
    @pytest.mark.parametrize("size", [32, 64, 128, 256])
    def test_every_size_runs_and_is_read_as_it_is(self, bindings: ModuleType, size: int) -> None:
        model = dense(bindings, [256, 512, 10])
        small, said = convert(model, "dynamic_range", block_size=size)
        assert said == []
        assert stored(small) == [("FULLY_CONNECTED", "int4", "blockwise")] * 2
        rows = DICE.standard_normal((8, 256)).astype(np.float32)
        assert fidelity(model, small, rows) > ENOUGH

    @pytest.mark.parametrize("activation", ["RELU", "RELU6", "RELU_N1_TO_1"])
    def test_activations_are_applied_by_every_kernel(
        self, bindings: ModuleType, activation: str
    ) -> None:
        # LiteRT's own kernel forgets a fused one; `every_tensor` keeps XNNPACK out.
        fused = {"fusedActivationFunction": getattr(bindings.ActivationFunctionType, activation)}
        weights = DICE.standard_normal((16, 64)).astype(np.float32)
        graph = Graph(
            [T("x", (1, 64)), constant("w", weights), T("y", (1, 16))],
            [Op("FULLY_CONNECTED", [0, 1, -1], [2], ("FullyConnectedOptions", fused))],
            [0],
            [2],
        )
        model, row = made(bindings, [graph]), DICE.standard_normal((1, 64)).astype(np.float32) / 4
        small, _ = convert(model, "dynamic_range", block_size=32)
        assert [op.name for op in small.operators] == ["FULLY_CONNECTED", activation]
        (expected,) = Runner(model).run({"x": row})
        for runner in (Runner(small), Runner(small, every_tensor=True)):
            assert sqnr(expected, runner.run({"x": row})[0]) > ENOUGH

    def test_outliers_spoil_their_block_only(self, bindings: ModuleType) -> None:
        weights = DICE.standard_normal((16, 256)).astype(np.float32)
        weights[:, 0] = 100
        graph = Graph(
            [T("x", (1, 256)), constant("w", weights), T("y", (1, 16))],
            [Op("FULLY_CONNECTED", [0, 1, -1], [2], DENSE)],
            [0],
            [2],
        )
        model, rows = made(bindings, [graph]), DICE.standard_normal((8, 256)).astype(np.float32)
        rows[:, 0] = 0
        blocks, _ = convert(model, "dynamic_range", block_size=32)
        channels, _ = convert(model, "dynamic_range")
        assert fidelity(model, blocks, rows) > fidelity(model, channels, rows) + 5

    # Names that are patterns, or the beginnings of others.
    @pytest.mark.parametrize("names", [None, ["y(1", ".*", "y", "y;1"], ["", "y", "", "y"]])
    def test_layers_that_no_block_divides_keep_8_bits(
        self, bindings: ModuleType, names: list[str] | None
    ) -> None:
        model = dense(bindings, [64, 40, 96, 48, 10], names)
        small, said = convert(model, "dynamic_range", block_size=32)
        assert [row[1:] for row in stored(small)] == [
            ("int4", "blockwise"),
            ("int8", "per_channel"),
            ("int4", "blockwise"),
            ("int8", "per_channel"),
        ]
        (message,) = said
        assert message.startswith(
            "2 of 4 layers have no 4-bit weights in blocks of 32, but int8: FULLY_CONNECTED (2)"
        )
        rows = DICE.standard_normal((8, 64)).astype(np.float32)
        assert fidelity(model, small, rows) > ENOUGH

    def test_tables_of_embeddings_have_them_too(self, bindings: ModuleType) -> None:
        table = DICE.standard_normal((50, 64)).astype(np.float32)
        graph = Graph(
            [T("ids", (4,), "int32"), constant("table", table), T("rows", (4, 64))],
            [Op("EMBEDDING_LOOKUP", [0, 1], [2])],
            [0],
            [2],
        )
        small, _ = convert(made(bindings, [graph]), "dynamic_range", block_size=32, batch_size=None)
        assert stored(small) == [("EMBEDDING_LOOKUP", "int4", "blockwise")]
        ids = np.array([0, 7, 49, 7], np.int32)
        assert sqnr(table[ids], Runner(small).run({"ids": ids})[0]) > ENOUGH


class TestOthersReadIt:
    @pytest.fixture(scope="class")
    def path(self, bindings: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
        path = tmp_path_factory.mktemp("small") / "small.tflite"
        convert(dense(bindings, [64, 40, 10]), "dynamic_range", block_size=32)[0].save(path)
        return path

    def test_inspect(self, path: Path) -> None:
        command = [sys.executable, "-m", "tfq", "inspect", str(path), "--format=json"]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        text = json.dumps(json.loads(run.stdout))
        assert '"int4"' in text
        assert '"blockwise"' in text

    def test_lint(self, path: Path) -> None:
        report = tfq.lint(path, "artpec8")
        assert not report.ok
        assert any("int4" in finding.message for finding in report.findings)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight_bits": 2}, "weight_bits: expected 8 or 4; got 2"),
        ({"weight_bits": 4, "mode": "float16"}, "weight_bits=4: expected mode dynamic_range, "),
        ({"weight_bits": 4, "mode": "int16x8"}, "full_integer; got int16x8"),
        ({"weight_bits": 4, "block_size": 48}, "block_size: expected 32, 64, 128 or 256; got 48"),
        ({"weight_bits": 8, "block_size": 32}, "block_size: expected weight_bits=4; got 8"),
        (
            {"weight_bits": 4, "block_size": 32, "mode": "weight_only"},
            "block_size: expected mode dynamic_range; got weight_only",
        ),
        (
            {"weight_bits": 4, "block_size": 32, "granularity": "per_tensor"},
            "block_size: expected granularity per_channel; got per_tensor",
        ),
    ],
)
def test_what_does_not_go_together_is_a_wrong_argument(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(errors.ArgumentError, match=re.escape(message)):
        check_weights(complete(None, **({"mode": "dynamic_range"} | options)))


def test_a_model_whose_layers_all_keep_8_bits_says_so(bindings: ModuleType) -> None:
    _, said = convert(dense(bindings, [40, 10]), "dynamic_range", block_size=32)
    assert said[0].startswith("1 of 1 layers have no 4-bit weights")
