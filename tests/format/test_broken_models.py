"""Broken on purpose, in many ways and always in the same: what the reader makes of them."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tfq.errors import Error, InvalidModelError
from tfq.model import Model, Tensor, load

_CASES = 2000
_SEED = 20261


def flip_bits(content: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice([1, 1, 2, 8, 64])):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def cut_off(content: bytearray, dice: random.Random) -> None:
    del content[dice.randrange(len(content)) :]


def splice(content: bytearray, dice: random.Random) -> None:
    source, target = dice.randrange(len(content)), dice.randrange(len(content))
    piece = content[source : source + dice.choice([1, 4, 16, 256])]
    if dice.random() < 0.5:
        content[target : target + len(piece)] = piece
    else:
        content[target:target] = piece


def point_elsewhere(content: bytearray, dice: random.Random) -> None:
    """Let an offset point at itself, backwards, or a little or very far onwards."""
    position = 4 * dice.randrange(len(content) // 4)
    value = dice.choice([0, 4, 8, 0xFFFFFFFC, 0x7FFFFFFF, dice.randrange(len(content)), position])
    struct.pack_into("<I", content, position, value)


def stretch(content: bytearray, dice: random.Random) -> None:
    """Make numbers that are small, as lengths and indices are, much larger."""
    small = [at for at in range(0, len(content) - 3, 4) if 0 < content[at] < 100]
    for position in dice.sample(small, min(3, len(small))):
        struct.pack_into("<I", content, position, dice.choice([1 << 31, 1 << 16, 1000, 255]))


MUTATIONS = (flip_bits, cut_off, splice, point_elsewhere, stretch)


def walk(model: Model) -> None:
    """Look at everything that a model shows."""
    repr((model, model.signatures, model.metadata, model.inputs, model.outputs, model.version))
    for signature in model.signatures:
        repr((signature.name, signature.inputs, signature.outputs, signature.subgraph))
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            repr((operator, operator.options, operator.custom_options, operator.version))
            repr((operator.inputs, operator.outputs, operator.intermediates, operator.macs))
            repr((operator.compute, operator.weights, operator.bias, operator.place))
        for tensor in subgraph.tensors:
            repr((tensor, tensor.shape_signature, tensor.is_variable, tensor.buffer_index))
            repr((tensor.producer, tensor.consumers, tensor.has_rank, tensor.is_sparse))
            quantization = tensor.quantization
            repr((quantization, quantization == subgraph.tensors[0].quantization))
            if quantization is not None:
                repr((quantization.symmetric, quantization.power_of_two, quantization.granularity))
                repr((quantization.min, quantization.max, quantization.quantized_dimensions))
            if tensor.is_constant:
                look_at_values(tensor)


def look_at_values(tensor: Tensor) -> None:
    try:
        tensor.numpy()
    except InvalidModelError:
        raise
    except Error as error:
        # The mutation made it sparse, or of a type that has no values.
        assert "cannot be read" in str(error)


@pytest.mark.parametrize("mutate", MUTATIONS)
def test_a_broken_model_is_read_or_refused_in_one_line(
    mutate: Callable[[bytearray, random.Random], None], shared_models: Path
) -> None:
    contents = [path.read_bytes() for path in sorted(shared_models.rglob("*.tflite"))]
    refused = 0
    for case in range(_CASES // len(MUTATIONS)):
        dice = random.Random(f"{_SEED} {mutate.__name__} {case}")
        content = bytearray(dice.choice(contents))
        mutate(content, dice)
        try:
            walk(load(content))
        except InvalidModelError as error:
            refused += 1
            assert "\n" not in str(error)
        except Exception as error:
            raise AssertionError(f"case {case} of {mutate.__name__}") from error

    assert 0 < refused < _CASES // len(MUTATIONS)


def test_names_that_are_no_text_can_be_printed(shared_models: Path) -> None:
    content = (shared_models / "micro/hello_world_float.tflite").read_bytes()
    broken = content.replace(b"sequential/dense/MatMul", b"sequential/\xff\xed\xa0\x80\n\x1b[1m_ul")

    tensor = load(broken).tensors[4]

    assert tensor.name == "sequential/\\xff\\xed\\xa0\\x80\n\x1b[1m_ul"
    assert repr(tensor).isprintable()
    assert tensor.place.isascii() is False  # the angle quote between its parts
    assert "\n" not in tensor.place
