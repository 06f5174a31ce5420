"""What all passes have in common: what they keep, and what they clean up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from before_after import sqnr

import tfq
from tfq import passes
from tfq.format import Draft

ALL = [
    passes.bias_scales,
    passes.per_tensor,
    passes.symmetric_weights,
    passes.symmetric_activations,
    passes.power_of_two,
    passes.integer_io,
    passes.float_io,
    passes.byte_types,
    passes.cancelling_pairs,
]


@pytest.mark.parametrize("each", ALL, ids=[each.__name__ for each in ALL])
def test_every_pass_takes_every_model_and_does_nothing_the_second_time(
    model_path: Path, each: Any
) -> None:
    model = tfq.load(model_path)
    result, changes = each(model)
    assert changes.name == each.__name__
    assert changes.modified == (result is not model)
    again, second = each(result)
    assert again is result
    assert not second.modified
    assert len(second.kept) == len(changes.kept)
    # What the file says besides stays.
    assert result.description == model.description
    assert list(result.metadata) == list(model.metadata)
    assert [signature.name for signature in result.signatures] == [
        signature.name for signature in model.signatures
    ]
    assert [tensor.name for tensor in result.inputs] == [tensor.name for tensor in model.inputs]


def test_constants_that_share_a_buffer_each_get_their_own(digits: Any) -> None:
    """Converters store equal constants once; with other scales they are equal no more."""
    model = digits(mode="full_integer")
    first, second = [op for op in model.operators if op.bias and op.bias.shape == (64,)][:2]
    draft = model.draft()
    tensors = draft["subgraphs"][0]["tensors"]
    tensors[second.bias.index]["buffer"] = first.bias.buffer_index
    model = tfq.Model.from_draft(draft)

    result, _ = passes.power_of_two(model)

    one, other = (result.operators[op.index].bias for op in (first, second))
    assert one.buffer_index != other.buffer_index
    for op in (first, second):
        old, new = model.operators[op.index].bias, result.operators[op.index].bias
        before = np.array(model.operators[op.index].inputs[0].quantization.scales) * np.array(
            model.operators[op.index].weights.quantization.scales
        )
        factor = before / np.array(new.quantization.scales)
        assert np.abs(old.numpy() * factor - new.numpy()).max() <= 0.51
    assert sqnr(model, result) > 10


def test_what_nobody_uses_any_more_is_gone(digits: Any) -> None:
    model = digits(mode="full_integer", input_type="float32", output_type="float32")
    result, _ = passes.integer_io(model)
    used = {tensor for op in result.operators for tensor in (*op.inputs, *op.outputs)}
    assert used == set(result.tensors)
    assert result.size < model.size
    result, _ = passes.per_tensor(result)
    # Of each constant there is one.
    held = sum(len(tensor.data) for tensor in result.tensors)
    assert sum(len(buffer["data"] or b"") for buffer in result.buffers) < held + 500


def test_a_memory_plan_by_tensor_index_keeps_all_indices(digits: Any) -> None:
    """TensorFlow Lite for Microcontrollers reads offsets by the index of the tensor."""
    model = digits(mode="full_integer", input_type="float32", output_type="float32")
    draft = model.draft()
    draft["buffers"].append(Draft("Buffer", data=b"\0" * 64))
    entry = Draft("Metadata", name="OfflineMemoryAllocation", buffer=len(draft["buffers"]) - 1)
    draft["metadata"] = [*(draft["metadata"] or []), entry]
    model = tfq.Model.from_draft(draft)

    result, _ = passes.integer_io(model)

    assert [each.name for each in result.tensors] == [each.name for each in model.tensors]
    assert bytes(result.metadata["OfflineMemoryAllocation"]) == b"\0" * 64
    assert sqnr(model, result) == float("inf")


def test_a_bias_that_no_longer_fits_is_clipped_and_named(digits: Any) -> None:
    model = digits(mode="full_integer")
    op = model.operators[0]
    draft = model.draft()
    bias = draft["subgraphs"][0]["tensors"][op.bias.index]
    values = op.bias.numpy().copy()
    values[3] = 2**31 - 1
    draft["buffers"][bias["buffer"]]["data"] = values
    # The weights' zero point makes their new scale smaller.
    weights = draft["subgraphs"][0]["tensors"][op.weights.index]
    weights["quantization"]["zero_point"] = (1,) * 16
    draft["buffers"][weights["buffer"]]["data"] = np.full(op.weights.shape, 2, np.int8)
    model = tfq.Model.from_draft(draft)

    result, changes = passes.symmetric_weights(model)

    assert changes.changed[-1].what == "1 values of the bias do not fit int32 and were clipped"
    assert result.operators[0].bias.numpy()[3] == 2**31 - 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scale", (0.5, 0.25)),
        ("scale", (float("nan"),) * 16),
        ("scale", (float("inf"),) * 16),
        ("scale", (3e38,) * 16),
        ("scale", (1e-45,) * 16),
        ("scale", (0.0,) * 16),
        ("zero_point", (1, 2, 3)),
        ("quantized_dimension", 7),
        ("quantized_dimension", 1),
    ],
)
@pytest.mark.parametrize("of", ["weights", "output"])
def test_broken_parameters_break_no_pass(digits: Any, field: str, value: Any, of: str) -> None:
    model = digits(mode="full_integer")
    op = model.operators[0]
    draft = model.draft()
    tensor = op.weights if of == "weights" else op.outputs[0]
    draft["subgraphs"][0]["tensors"][tensor.index]["quantization"][field] = value
    model = tfq.Model.from_draft(draft)
    for each in ALL:
        result, _ = each(model)
        assert len(result.operators) >= len(model.operators) - 2
