from __future__ import annotations

import math
import random
from typing import Any

import pytest

from tfq.format import decode

flexbuffers = pytest.importorskip("flatbuffers.flexbuffers")

VALUES: list[Any] = [
    {},
    [],
    [1, 2, 3],
    [1.5, -2.5],
    [1, "two", None, [True, False], {"deep": [[[]]]}],
    {"max_detections": 10, "nms_iou_threshold": 0.6, "use_regular_nms": False},
    {"text": "né\N{MULTIPLICATION SIGN}", "blob": b"\x00\xff", "large": 2**62, "small": -(2**62)},
    {f"key {number}": number for number in range(300)},
    ["x" * 300] * 3,
]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_what_flatbuffers_wrote_is_read(value: Any) -> None:
    assert decode(memoryview(flexbuffers.Dumps(value))) == value


def test_all_kinds_of_vectors() -> None:
    builder = flexbuffers.Builder()
    with builder.Map():
        builder.FixedTypedVectorFromElements("fixed", [1.5, 2.5, 3.5])
        builder.TypedVectorFromElements("bools", [True, False])
        builder.TypedVectorFromElements("unsigned", [1, 70000])
        builder.IndirectInt("indirect", -5)
        builder.IndirectFloat("float", 0.25)
        builder.Float("infinite", math.inf)

    assert decode(memoryview(builder.Finish())) == {
        "fixed": [1.5, 2.5, 3.5],
        "bools": [True, False],
        "unsigned": [1, 70000],
        "indirect": -5,
        "float": 0.25,
        "infinite": math.inf,
    }


@pytest.mark.parametrize("content", [b"", b"\0", b"abc", b"any old bytes of nobody", bytes(99)])
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"no container|three bytes"):
        decode(memoryview(content))


def test_a_vector_that_contains_itself_ends() -> None:
    # Two elements, both of which lead back to the vector: a tree of 2^32 leaves.
    vector, untyped = [2, 0, 1, 10 << 2, 10 << 2], 10 << 2
    with pytest.raises(ValueError, match="contain each other"):
        decode(memoryview(bytes([*vector, 4, untyped, 1])))


def test_broken_bytes_are_read_or_refused() -> None:
    contents = [bytes(flexbuffers.Dumps(value)) for value in VALUES]
    refused = 0
    for case in range(20_000):
        dice = random.Random(case)
        content = bytearray(dice.choice(contents))
        for _ in range(dice.choice([1, 2, 5])):
            content[dice.randrange(len(content))] = dice.randrange(256)
        try:
            decode(memoryview(content))
        except ValueError:
            refused += 1
    assert 5_000 < refused < 19_000
