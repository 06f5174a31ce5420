"""Broken on purpose and by hand: what chance (see tests/fuzz) would hardly ever come upon."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tfq.model import load

_RUN = Path(__file__).parents[1] / "fuzz" / "run.py"


def test_names_that_are_no_text_can_be_printed(shared_models: Path) -> None:
    content = (shared_models / "micro/hello_world_float.tflite").read_bytes()
    broken = content.replace(b"sequential/dense/MatMul", b"sequential/\xff\xed\xa0\x80\n\x1b[1m_ul")

    tensor = load(broken).tensors[4]

    assert tensor.name == "sequential/\\xff\\xed\\xa0\\x80\n\x1b[1m_ul"
    assert repr(tensor).isprintable()
    assert tensor.place.isascii() is False  # the angle quote between its parts
    assert "\n" not in tensor.place


def metadata_of_one_buffer(model: Any, bindings: ModuleType) -> None:
    buffer = _add_buffer(model, bindings, 500_000)
    for index in range(10_000):
        entry = bindings.MetadataT()
        entry.name, entry.buffer = f"entry {index}", buffer
        model.metadata.append(entry)


def custom_options_at_one_place(model: Any, bindings: ModuleType) -> None:
    _add_buffer(model, bindings, 500_000)
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 32
    for _ in range(5_000):
        operator = bindings.OperatorT()
        operator.inputs = operator.outputs = [0]
        operator.largeCustomOptionsOffset, operator.largeCustomOptionsSize = 1000, 500_000
        model.subgraphs[0].operators.append(operator)


def scales_in_one_buffer(model: Any, bindings: ModuleType) -> None:
    buffer = _add_buffer(model, bindings, 400_000)
    tensors = model.subgraphs[0].tensors
    for _ in range(1_000):
        scales, weights = bindings.TensorT(), bindings.TensorT()
        scales.shape, scales.buffer = [100_000], buffer
        weights.shape, weights.type = [1], bindings.TensorType.INT4
        weights.quantization = bindings.QuantizationParametersT()
        details = bindings.BlockwiseQuantizationT()
        details.scales, details.zeroPoints, details.blockSize = len(tensors), -1, 32
        weights.quantization.detailsType = bindings.QuantizationDetails.BlockwiseQuantization
        weights.quantization.details = details
        tensors += [scales, weights]


def _add_buffer(model: Any, bindings: ModuleType, size: int) -> int:
    buffer = bindings.BufferT()
    buffer.data = bytes(size)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


@pytest.mark.parametrize(
    "unfold", [metadata_of_one_buffer, custom_options_at_one_place, scales_in_one_buffer]
)
def test_a_file_whose_parts_share_their_data_takes_no_more_than_other_files(
    unfold: Callable[[Any, ModuleType], None],
    shared_models: Path,
    edited: Callable[..., bytes],
    bindings: ModuleType,
    tmp_path: Path,
) -> None:
    path = tmp_path / "unfolding.tflite"
    small = shared_models / "micro/hello_world_int8.tflite"
    path.write_bytes(edited(small, lambda model: unfold(model, bindings)))

    # Within the limits of the fuzz test, in a process of its own.
    run = subprocess.run(
        [sys.executable, str(_RUN), str(path)], capture_output=True, text=True, check=False
    )

    assert run.returncode == 0, run.stderr
