from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from layer_graphs import Graph, dice
from op_nets import names, precision

import tfq
from tfq import errors, ops
from tfq.passes.parameters import Parameters, encoded, quantized
from tfq.passes.rewrite import Rewrite
from tfq.passes.weight_only import weight_only
from tfq.runtime import Runner

pytest.importorskip("ai_edge_litert")


def hybrid(model: tfq.Model, dtype: str = "int8", *, per_channel: bool = False) -> tfq.Model:
    """The same with the weights of all its layers in integers."""
    rewrite = Rewrite(model)
    for op in model.operators:
        axis = ops.channel_axis(op)
        if op.weights is None or axis is None:
            continue
        values = op.weights.numpy().astype(np.float64)
        others = tuple(each for each in range(4) if each != axis or not per_channel)
        scales = tuple(np.atleast_1d(np.abs(values).max(axis=others) / 127).tolist())
        target = Parameters("int8", scales, (0,) * len(scales), axis if per_channel else 0)
        draft = rewrite.view(op.weights)
        rewrite.set_data(draft, encoded(quantized(values, target), "int8"))
        rewrite.set_parameters(draft, target._replace(dtype=dtype))
    return rewrite.finish()


def depthwise(schema: ModuleType, channels: int = 8) -> tfq.Model:
    graph = Graph(schema)
    weights, bias = dice(1, 1, 3, 3, channels), dice(2, channels)
    return graph.made(graph.conv(graph.input(1, 6, 6, channels), weights, bias, depthwise=True))


def convolution(schema: ModuleType, groups: int) -> tfq.Model:
    graph = Graph(schema)
    weights = graph.constant(dice(1, 12, 3, 3, 8 // groups))
    inputs = [graph.input(1, 6, 6, 8), weights, graph.constant(dice(2, 12))]
    return graph.made(graph.op("CONV_2D", inputs, 1, 6, 6, 12))


def test_depthwise_weights_are_unpacked_and_stay_what_they_are(bindings: ModuleType) -> None:
    plain = depthwise(bindings)
    wrong = hybrid(plain)
    right, changes = weight_only(wrong)
    assert names(right) == ["DEQUANTIZE", "DEPTHWISE_CONV_2D"]
    assert precision(plain, right) > 40
    (before,), (after,) = ([op.weights for op in each.operators[-1:]] for each in (wrong, right))
    assert bytes(ops.stored(after).data) == bytes(before.data)
    assert ops.stored(after).quantization.scales == before.quantization.scales
    (change,) = changes.changed
    assert change[:2] == ("op 0 DEPTHWISE_CONV_2D", "computes in float on its int8 weights")
    assert weight_only(right)[0] is right


def test_a_convolution_with_groups_loads_without_xnnpack(bindings: ModuleType) -> None:
    plain = convolution(bindings, groups=4)
    wrong = hybrid(plain)
    with pytest.raises(errors.InvalidModelError, match="does not load"):
        Runner(wrong, every_tensor=True)
    assert precision(plain, weight_only(wrong)[0]) > 35


def test_what_litert_computes_right_stays(bindings: ModuleType) -> None:
    for model in (
        hybrid(convolution(bindings, groups=1)),
        hybrid(convolution(bindings, groups=2), per_channel=True),
        hybrid(depthwise(bindings), per_channel=True),
        hybrid(depthwise(bindings, channels=1)),
        depthwise(bindings),
    ):
        made, changes = weight_only(model)
        assert made is model
        assert not changes.changed
        assert not changes.kept


def test_types_that_cannot_be_unpacked_are_kept(bindings: ModuleType) -> None:
    model = hybrid(depthwise(bindings), "uint16")
    made, changes = weight_only(model)
    assert made is model
    assert changes.kept == (("op 0 DEPTHWISE_CONV_2D", "DEQUANTIZE takes no uint16 weights"),)


def test_retarget_repairs_what_lint_finds(bindings: ModuleType) -> None:
    plain = depthwise(bindings)
    made = tfq.retarget(hybrid(plain), "cpu")
    assert [each.rule for each in made.before.findings] == ["Q204"]
    assert [each.name for each in made.changes] == ["weight_only"]
    assert not made.report.findings
    assert precision(plain, made) > 40
