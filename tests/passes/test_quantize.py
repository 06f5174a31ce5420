from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from op_nets import (
    ADD,
    DENSE,
    Net,
    dense,
    inputs_for,
    names,
    noise,
    precision,
    quantized,
    run_both,
)

import tfq
from tfq.model import Model
from tfq.numerics.noise import sqnr
from tfq.passes.quantize import Scheme, quantize

pytest.importorskip("ai_edge_litert.interpreter")


@pytest.mark.parametrize(
    ("dtypes", "between"),
    [
        (("int8", "int16"), ["CAST", "ADD"]),
        (("int16", "int8"), ["QUANTIZE"]),
        (("int8", "float32"), ["DEQUANTIZE"]),
        (("int16", "float32"), ["DEQUANTIZE"]),
        (("float32", "int8"), ["QUANTIZE"]),
        (("float32", "int16"), ["QUANTIZE"]),
    ],
)
def test_operators_of_different_types_are_joined(
    dtypes: tuple[str, str], between: list[str], chain: Model
) -> None:
    types = dict(zip(chain.operators, (*dtypes, dtypes[1]), strict=True))

    mixed, _ = quantized(chain, Scheme(), types)

    before = ["CAST", "ADD"] if dtypes[0] == "int16" else []
    behind = ["QUANTIZE"] if dtypes[1] == "int16" else []
    layers = ["FULLY_CONNECTED", *between, *["FULLY_CONNECTED"] * 2]
    assert names(mixed) == [*before, *layers, *behind]
    # The model takes and gives what it does without exceptions, but for floats.
    ends = [mixed.inputs[0].dtype, mixed.outputs[0].dtype]
    assert ends == ["float32" if each == "float32" else "int8" for each in dtypes]
    assert [op.inputs[0].dtype for op in mixed.operators if op.name == "FULLY_CONNECTED"] == [
        *dtypes,
        dtypes[1],
    ]
    assert precision(chain, mixed) > 25


def test_wider_activations_are_more_precise(chain: Model) -> None:
    all_narrow, all_wide = quantized(chain)[0], quantized(chain, Scheme("int16"))[0]
    some_wide = quantized(chain, Scheme(), dict.fromkeys(chain.operators[1:], "int16"))[0]

    assert precision(chain, all_narrow) < precision(chain, some_wide) < precision(chain, all_wide)


def test_readers_of_one_type_share_what_joins_them(bindings: ModuleType) -> None:
    net = Net(bindings)
    data = dense(net, net.input(1, 8))
    model = net.made(*[dense(net, data, seed) for seed in range(1, 6)])
    wide = ["int8", "int16", "int16", "float32", "float32", "int8"]

    mixed, _ = quantized(model, Scheme(), dict(zip(model.operators, wide, strict=True)))

    assert names(mixed).count("DEQUANTIZE") == names(mixed).count("CAST") == 1
    assert precision(model, mixed) > 25


def test_an_input_has_the_type_that_most_of_its_readers_want(bindings: ModuleType) -> None:
    net = Net(bindings)
    data = net.input(1, 8)
    model = net.made(*[dense(net, data, seed) for seed in range(4)])
    wide, narrow, *_ = model.operators

    mostly = quantized(model, Scheme("int16"), {wide: "int8"})[0]
    tied = quantized(model, Scheme(), dict.fromkeys([wide, narrow], "int16"))[0]

    assert [each.dtype for each in (mostly.inputs[0], tied.inputs[0])] == ["int16", "int8"]


def test_a_prescribed_scale_is_rescaled_where_others_must_have_the_same(
    bindings: ModuleType,
) -> None:
    net = Net(bindings)
    data = net.input(1, 8)
    sure = net.add("LOGISTIC", [data], [(1, 8)])
    both = net.add("CONCATENATION", [sure, data], [(1, 16)], ("ConcatenationOptions", {"axis": 1}))
    model = net.made(both, sure)

    for scheme in (Scheme(), Scheme("int16")):
        made, _ = quantized(model, scheme)
        assert names(made) == ["LOGISTIC", "QUANTIZE", "CONCATENATION"]
        assert precision(model, made) > 35


def test_an_unknown_type_is_refused(chain: Model) -> None:
    with pytest.raises(tfq.ArgumentError, match="expected int8, int16 or float32, got 'int4'"):
        quantized(chain, Scheme(), {chain.operators[0]: "int4"})


# What stays in float.


def test_what_stays_in_float_is_kept_with_the_reason(bindings: ModuleType) -> None:
    net = Net(bindings)
    data = net.input(1, 8)
    down = net.add("COS", [dense(net, data)], [(1, 8)])
    weights = net.add("MUL", [net.input(8, 8), net.constant(0.5)], [(8, 8)], ("MulOptions", {}))
    made = net.add("FULLY_CONNECTED", [down, weights], [(1, 8)], DENSE)
    model = net.made(made, dense(net, made, 1))

    done, changes = quantized(model, Scheme(), {model.operators[-1]: "float32"})

    assert [(each.place, each.why) for each in changes.kept] == [
        ("op 1 COS", "stays in float: LiteRT has no int8 kernel of COS"),
        ("op 3 FULLY_CONNECTED", "stays in float: its weights are computed while the model runs"),
        ("op 4 FULLY_CONNECTED", "stays in float: float32 was asked for"),
    ]
    assert [each.what for each in changes.changed] == ["computes in int8"] * 2
    assert [each.dtype for each in done.outputs] == ["float32", "float32"]
    assert precision(model, done) > 25


def test_a_product_of_two_activations_is_computed_in_integers(bindings: ModuleType) -> None:
    net = Net(bindings)
    product = net.add(
        "BATCH_MATMUL",
        [net.input(1, 4, 6), net.input(1, 6, 3)],
        [(1, 4, 3)],
        ("BatchMatMulOptions", {}),
    )
    model = net.made(product)

    done, changes = quantized(model)

    assert (changes.kept, done.operators[0].compute) == ((), "integer")
    assert precision(model, done) > 30


def test_operators_that_run_other_subgraphs_stay_in_float(bindings: ModuleType) -> None:
    net = Net(bindings)
    condition, data = net.input(dtype="bool"), net.input(1, 8)
    branches = ("IfOptions", {"thenSubgraphIndex": 1, "elseSubgraphIndex": 2})
    chosen = net.add("IF", [condition, dense(net, data)], [(1, 8)], branches)
    first = net.graph
    first.outputs = [dense(net, chosen, 1)]
    for name in ("RELU", "LOGISTIC"):
        net.graph = bindings.SubGraphT()
        net.graph.tensors, net.graph.operators, net.graph.inputs = [], [], []
        net.model.subgraphs.append(net.graph)
        net.graph.outputs = [net.add(name, [net.input(1, 8)], [(1, 8)])]
    net.graph = first
    model = net.made(*first.outputs)

    done, changes = quantized(model)

    assert [each.place for each in changes.kept] == ["op 1 IF"]
    inside = [each.dtype for subgraph in done.subgraphs[1:] for each in subgraph.tensors]
    assert inside == ["float32"] * 4
    assert precision(model, done) > 25


# Inputs, outputs and other borders.


def test_names_of_inputs_outputs_and_signatures_survive(shared_models: Any) -> None:
    model = tfq.load(shared_models / "litert" / "multi_signature_model.tflite")

    done, _ = quantized(model)

    for before, after in zip(model.signatures, done.signatures, strict=True):
        assert before.name == after.name
        for side in ("inputs", "outputs"):
            assert list(getattr(before, side)) == list(getattr(after, side))
    assert [each.name for each in done.inputs] == [each.name for each in model.inputs]
    assert precision(model, done) > 35


def test_inputs_and_outputs_of_all_kinds(bindings: ModuleType) -> None:
    net = Net(bindings)
    tokens, data, unread = net.input(2, dtype="int32"), net.input(2, 8), net.input(1, 3)
    table = net.constant(noise(5, 8))
    looked = net.add("GATHER", [table, tokens], [(2, 8)], ("GatherOptions", {}))
    total = net.add("ADD", [looked, data], [(2, 8)], ADD)
    weights = net.constant(noise(3, 8))
    used = net.add("FULLY_CONNECTED", [total, weights, -1], [(2, 3)], DENSE)
    net.add("LOGISTIC", [used], [(2, 3)])
    model = net.made(used, total, total, data, unread)

    done, changes = quantized(model)

    assert [each.dtype for each in done.inputs] == ["int32", "int8", "int8"]
    assert [each.dtype for each in done.outputs] == ["int8"] * 5
    assert [each.name for each in done.outputs] == [each.name for each in model.outputs]
    assert not changes.kept
    assert precision(model, done) > 30


def test_scalars_and_tensors_without_elements(bindings: ModuleType) -> None:
    net = Net(bindings)
    scaled = net.add("MUL", [net.input(), net.constant(3.0)], [()], ("MulOptions", {}))
    none = net.add("ADD", [net.input(0, 4), net.constant(np.zeros((0, 4)))], [(0, 4)], ADD)
    model = net.made(scaled, none)

    done, _ = quantized(model)

    assert precision(model, done) > 30


def test_constants_that_several_operators_read_in_different_ways(bindings: ModuleType) -> None:
    net = Net(bindings)
    data, both = net.input(1, 8), net.constant(noise(8, 8))
    small, large = net.constant(noise(8)), net.constant(1e9 * noise(8))
    first = net.add("FULLY_CONNECTED", [data, both, small], [(1, 8)], DENSE)
    second = net.add("FULLY_CONNECTED", [data, both, large], [(1, 8)], DENSE)
    summed = net.add("ADD", [first, both], [(8, 8)], ADD)
    down = net.add("FLOOR", [both], [(8, 8)])
    model = net.made(first, second, summed, down, both)

    done, _ = quantized(model)

    shared = [op.inputs[1] for op in done.operators if op.name == "FULLY_CONNECTED"]
    assert shared[0] is shared[1]
    assert done.outputs[-1].dtype == "float32"
    samples = inputs_for(model)
    expected, found = run_both(model, samples)[0], run_both(done, samples)[0]
    # The large bias leaves nothing of the weights' precision, but its own layer is right.
    assert sqnr(expected[1], found[1]) > 40
    np.testing.assert_array_equal(found[3], expected[3])


# Versions.


@pytest.mark.parametrize(("dtype", "versions"), [("int8", [2, 2, 2]), ("int16", [3, 5, 3])])
def test_operators_declare_the_version_that_has_the_kernel(
    dtype: str, versions: list[int], bindings: ModuleType
) -> None:
    net = Net(bindings)
    first, second = net.input(1, 8), net.input(1, 8)
    total = net.add("ADD", [first, second], [(1, 8)], ADD)
    rest = net.add("SUB", [total, second], [(1, 8)], ("SubOptions", {}))
    model = net.made(net.add("RELU", [rest], [(1, 8)]))

    done, _ = quantized(model, Scheme(dtype))

    assert [op.version for op in done.operators] == versions
    if dtype == "int16":
        assert [op.options["pot_scale_int16"] for op in done.operators[:2]] == [False, False]
    assert precision(model, done) > 35


def test_layers_ask_for_no_higher_versions_than_those_of_the_converter(digits: Any) -> None:
    plain = digits(mode="float32")
    for mode, dtype in (("full_integer", "int8"), ("int16x8", "int16")):
        theirs = {op.name: op.version for op in digits(mode=mode).operators}
        ours, _ = quantized(plain, Scheme(dtype))
        layers = [op for op in ours.operators if op.weights is not None]
        assert layers
        assert all(op.version <= theirs[op.name] for op in layers)


def test_a_quantized_model_is_not_quantized_again(digits: Any) -> None:
    with pytest.raises(tfq.ConversionError, match="is quantized already, expected a float model"):
        quantize(digits(mode="full_integer"), {}, Scheme())
