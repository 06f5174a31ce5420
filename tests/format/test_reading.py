from __future__ import annotations

import math
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tfq.format import Table, read, tflite


def test_every_field_equals_upstreams_object_api(model_path: Path, bindings: ModuleType) -> None:
    expected = bindings.ModelT.InitFromPackedBuf(model_path.read_bytes(), 0)

    assert_equal(read(model_path), expected, "Model")


def assert_equal(table: Table, expected: Any, where: str) -> None:
    attributes = dict(vars(expected))
    for name in table:
        value = attributes.pop(camel_case(name))
        assert_same(table[name], value, f"{where}.{name}")
    assert not attributes, f"{where}: fields that tfq does not know"


def assert_same(ours: Any, theirs: Any, where: str) -> None:
    if isinstance(ours, Table):
        assert_equal(ours, theirs, where)
    elif isinstance(ours, tuple) and ours and isinstance(ours[0], Table):
        assert len(ours) == len(theirs), where
        for index, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_equal(mine, other, f"{where}[{index}]")
    elif isinstance(ours, tuple | memoryview):
        assert list(ours) == [] if theirs is None else list(ours) == list(theirs), where
    elif isinstance(ours, str):
        assert ours == theirs.decode(), where
    elif isinstance(ours, float):
        assert math.isclose(ours, theirs, rel_tol=1e-12), where
    else:
        assert ours == theirs, where


def camel_case(name: str) -> str:
    return re.sub(r"_(.)", lambda match: match[1].upper(), name)


def test_a_field_that_the_file_leaves_out_has_its_default(shared_models: Path) -> None:
    tensor = read(shared_models / "micro/hello_world_float.tflite")["subgraphs"][0]["tensors"][0]

    assert "is_variable" not in tensor
    assert tensor["is_variable"] is False
    assert tensor["sparsity"] is None


def test_an_unknown_field_name_is_a_key_error(shared_models: Path) -> None:
    model = read(shared_models / "micro/hello_world_float.tflite")

    with pytest.raises(KeyError):
        model["subgraps"]


def test_content_can_be_given_in_place_of_a_path(shared_models: Path) -> None:
    path = shared_models / "micro/hello_world_float.tflite"
    content = bytearray(path.read_bytes())
    model = read(content)
    # What the caller does with the array afterwards must not reach a file that was verified.
    content[:] = bytes(len(content))

    for given in (path, str(path), path.read_bytes(), memoryview(path.read_bytes())):
        assert read(given)["description"] == model["description"] == "MLIR Converted."


def test_large_files_are_mapped_and_outlive_their_name(shared_models: Path, tmp_path: Path) -> None:
    content = (shared_models / "edgetpu_pairs/mobilenet_v1_0.25_128_quant.tflite").read_bytes()
    path = tmp_path / "large.tflite"
    # What tools append, such as a ZIP of labels, is of no concern.
    path.write_bytes(content + bytes(2 << 20))

    model = read(path)
    path.unlink()

    assert not isinstance(model.source.data, bytes)
    assert len(model["subgraphs"][0]["operators"]) == 31


def test_fields_of_a_newer_schema_are_ignored(edited: Any, shared_models: Path) -> None:
    path = shared_models / "micro/hello_world_float.tflite"

    def use_unknown_values(model: Any) -> None:
        model.operatorCodes[0].builtinCode = 9000
        model.subgraphs[0].tensors[0].type = 99

    model = read(edited(path, use_unknown_values))

    assert model["operator_codes"][0]["builtin_code"] == 9000
    assert model["subgraphs"][0]["tensors"][0]["type"] == 99


def test_an_unknown_member_of_a_union_reads_as_none(shared_models: Path) -> None:
    path = shared_models / "micro/hello_world_float.tflite"
    operator = read(path)["subgraphs"][0]["operators"][0]
    layout = operator.source.layouts["Operator", vtable_of(operator)]
    content = bytearray(path.read_bytes())
    content[operator.position + layout.fields["builtin_options_type"][0]] = 250

    changed = read(content)["subgraphs"][0]["operators"][0]

    assert changed["builtin_options_type"] == 250
    assert changed["builtin_options"] is None


def vtable_of(table: Table) -> int:
    step = table.source.data[table.position : table.position + 4]
    return table.position - int.from_bytes(step, "little", signed=True)


def test_a_vtable_with_more_fields_than_the_schema_is_read(pack: Any, bindings: Any) -> None:
    """A table with one field more than any that is known, built by hand."""
    import flatbuffers

    builder = flatbuffers.Builder(64)
    builder.StartVector(4, 0, 4)
    tensors = builder.EndVector()
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, tensors, 0)
    subgraph = builder.EndObject()
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(subgraph)
    subgraphs = builder.EndVector()
    known = len(tflite().table("Model").fields)
    builder.StartObject(known + 5)
    builder.PrependUint32Slot(0, 3, 0)
    builder.PrependUOffsetTRelativeSlot(2, subgraphs, 0)
    builder.PrependUint64Slot(known + 3, 12345, 0)
    builder.Finish(builder.EndObject(), b"TFL3")

    model = read(bytes(builder.Output()))

    assert model["version"] == 3
    assert model["subgraphs"][0]["tensors"] == ()
