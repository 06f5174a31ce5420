from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tfq import schemas
from tfq.format import Draft
from tfq.model import Model, load
from tfq.profiles.validate import violations
from tfq.report.difference import difference
from tfq.report.difference_text import difference_text
from tfq.report.json_text import to_json

Edited = Callable[..., bytes]


def checked(first: Model, second: Model) -> dict[str, Any]:
    """What differs, after a look at whether it is what the schema says."""
    content = difference(first, second)
    schema = schemas.load("inspect_diff.schema")
    assert list(violations(content, schema)) == []
    jsonschema.Draft202012Validator(schema).validate(content)
    assert json.loads(to_json(content), parse_constant=pytest.fail) == content
    return content


@pytest.fixture
def speech(shared_models: Path) -> Path:
    return shared_models / "micro/micro_speech_quantized.tflite"


def changed(path: Path, edited: Edited, change: Callable[[Any], object]) -> dict[str, Any]:
    """What differs between a model and what an edit made of it."""
    return checked(load(edited(path, lambda model: None)), load(edited(path, change)))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schemas.load("inspect_diff.schema"))


def test_every_real_model_is_identical_to_itself(model_path: Path) -> None:
    first, second = load(model_path), load(model_path)
    assert checked(first, second)["identical"]
    assert difference_text(first, second) == f"identical: {model_path}, {model_path}"


def test_every_real_model_differs_from_another(model_path: Path, shared_models: Path) -> None:
    other = load(shared_models / "micro/hello_world_int8.tflite")
    for first, second in ((load(model_path), other), (other, load(model_path))):
        assert checked(first, second)["identical"] == (model_path.name == "hello_world_int8.tflite")
        text = difference_text(first, second, list_operators=True, list_tensors=True)
        assert all(line.isprintable() and line == line.rstrip() for line in text.split("\n"))


def test_another_layout_of_the_bytes_is_no_difference(speech: Path, edited: Edited) -> None:
    again = load(edited(speech, lambda model: None))
    assert again.bytes != speech.read_bytes()
    assert checked(load(speech), again)["identical"]
    text = difference_text(load(speech), again)
    assert text.startswith("identical but for how the bytes are laid out: ")


def test_per_channel_and_per_tensor_in_ten_seconds(digits: Any) -> None:
    first, second = (
        digits(mode="full_integer", granularity=each, accuracy="none")
        for each in ("per_channel", "per_tensor")
    )
    content = checked(first, second)["subgraphs"][0]
    assert content["operators"]["changed"] == []
    assert {each["kind"] for each in content["tensors"]["changed"]} == {"weights", "bias"}
    assert difference_text(first, second).splitlines()[-4:] == [
        "tensors: 14 the same, 20 differ, 0 only in A, 0 only in B",
        "  count  kind     A                  B                 what differs",
        "     10  bias     int32 per_channel  int32 per_tensor  granularity, data",
        "     10  weights  int8 per_channel   int8 per_tensor   granularity, data",
    ]


def test_float_and_integer_operators_are_paired(digits: Any) -> None:
    first, second = digits(mode="float32"), digits(mode="full_integer", granularity="per_tensor")
    content = checked(first, second)["subgraphs"][0]
    assert content["operators"]["added"] == content["operators"]["removed"] == []
    assert all(
        each["changes"]["compute"] == ["float", "integer"]
        for each in content["operators"]["changed"]
    )
    text = difference_text(first, second)
    assert "  input 0   float32 1x8x8x1  int8 1x8x8x1 scale" in text
    assert "version 1 → 3, compute float → integer" in text


def test_what_a_compiler_took_away_is_counted(shared_models: Path) -> None:
    pair = shared_models / "edgetpu_pairs"
    names = ("", "_edgetpu")
    models = [load(pair / f"deeplabv3_mnv2_dm05_pascal_quant{name}.tflite") for name in names]
    content = checked(*models)["subgraphs"][0]["operators"]
    assert [each["name"] for each in content["added"]] == ["edgetpu-custom-op"]
    assert content["same"] == 8
    text = difference_text(*models)
    assert "  only in A: 36 CONV_2D, 17 DEPTHWISE_CONV_2D, 10 ADD, 1 AVERAGE_POOL_2D\n" in text
    assert "  only in A: 0 CONV_2D, 1 DEPTHWISE" in difference_text(*models, list_operators=True)


def test_one_weight_is_a_difference(speech: Path, edited: Edited) -> None:
    def change(model: Any) -> None:
        buffer = model.buffers[model.subgraphs[0].tensors[8].buffer]
        buffer.data = [*buffer.data[:-1], buffer.data[-1] ^ 1]

    (found,) = changed(speech, edited, change)["subgraphs"][0]["tensors"]["changed"]
    assert found == {
        "indices": [8, 8],
        "name": "first_weights/read",
        "kind": "weights",
        "changes": {"data": [640, 640]},
    }


def test_one_option_version_and_wire_are_differences(speech: Path, edited: Edited) -> None:
    def change(model: Any) -> None:
        operator = model.subgraphs[0].operators[1]
        operator.builtinOptions.strideW = 3
        operator.inputs = [*operator.inputs[:2], -1]
        model.operatorCodes[model.subgraphs[0].operators[2].opcodeIndex].version = 9

    changes = changed(speech, edited, change)["subgraphs"][0]["operators"]["changed"]
    assert [each["changes"] for each in changes] == [
        {"options.stride_w": [2, 3], "inputs": [[4, 8, 0], [4, 8, None]]},
        {"version": [4, 9]},
    ]


def test_scales_and_zero_points_are_differences(speech: Path, edited: Edited) -> None:
    def change(model: Any) -> None:
        quantization = model.subgraphs[0].tensors[2].quantization
        quantization.scale, quantization.zeroPoint = [0.5], [3]

    (found,) = changed(speech, edited, change)["subgraphs"][0]["tensors"]["changed"]
    assert list(found["changes"]) == ["scales", "zero_points"]


def test_scales_that_are_no_numbers_equal_themselves(speech: Path, edited: Edited) -> None:
    def spoil(model: Any) -> None:
        model.subgraphs[0].tensors[2].quantization.scale = [float("nan")]

    content = edited(speech, spoil)
    assert checked(load(content), load(content))["identical"]


def test_swapped_outputs_are_a_difference(shared_models: Path, edited: Edited) -> None:
    def swap(model: Any) -> None:
        model.subgraphs[0].outputs = list(model.subgraphs[0].outputs)[::-1]

    content = changed(shared_models / "edgetpu_pairs/split_concat.tflite", edited, swap)
    assert not content["identical"]
    assert content["subgraphs"][0]["outputs"] is not None


def test_metadata_signatures_and_subgraphs_are_differences(
    shared_models: Path, edited: Edited
) -> None:
    def change(model: Any) -> None:
        model.description = "mine"
        model.metadata = [each for each in model.metadata if each.name != b"CONVERSION_METADATA"]
        model.buffers[model.metadata[0].buffer].data = list(b"9.9.9")
        model.signatureDefs = model.signatureDefs[:2]
        model.signatureDefs[1].inputs[0].name = b"other"
        model.subgraphs = model.subgraphs[:2]

    path = shared_models / "litert/multi_signature_model.tflite"
    content = changed(path, edited, change)
    assert content["description"] == ["MLIR Converted.", "mine"]
    assert content["min_runtime_version"][1] == "9.9.9"
    sizes = {each["name"]: each["sizes"] for each in content["metadata"]}
    assert sizes == {"min_runtime_version": [16, 5], "CONVERSION_METADATA": [104, None]}
    assert [each["name"] for each in content["signatures"]] == ["mul", "sub"]
    assert content["removed_subgraphs"] == [2]
    text = difference_text(load(path), load(edited(path, change)))
    assert "signature sub                 b, a → output" in text.replace("a, b", "b, a")
    assert "subgraph 2" in text


def test_an_inserted_operator_moves_no_other(speech: Path, edited: Edited) -> None:
    def insert(model: Any) -> None:
        operators = model.subgraphs[0].operators
        operators.insert(0, operators[0])

    content = changed(speech, edited, insert)["subgraphs"][0]["operators"]
    assert [each["name"] for each in content["added"]] == ["RESHAPE"]
    assert content["removed"] == []


def test_a_buffer_of_many_tensors_is_compared_once(speech: Path, edited: Edited) -> None:
    def share(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[8]
        model.buffers[tensor.buffer].data = [7] * 1_000_000
        tensor.shape = [1_000_000]
        model.subgraphs[0].tensors += [tensor] * 5_000

    content = edited(speech, share)
    assert checked(load(content), load(content))["identical"]


def test_names_of_megabytes_are_cut(speech: Path, edited: Edited) -> None:
    def rename(model: Any) -> None:
        model.description = "d\n" * 1_000_000
        model.subgraphs[0].tensors[2].name = "n\x1b" * 1_000_000
        model.metadata[0].name = "m" * 1_000_000

    models = load(speech), load(edited(speech, rename))
    text = difference_text(*models, list_operators=True, list_tensors=True)
    assert max(map(len, text.split("\n"))) < 400


@pytest.mark.parametrize("name", ["min", "max", "quantized_dimension", "has_rank"])
def test_what_only_tools_look_at_is_a_difference(name: str, speech: Path, edited: Edited) -> None:
    def change(model: Any) -> None:
        tensor = model.subgraphs[0].tensors[2]
        if name == "has_rank":
            tensor.hasRank = not tensor.hasRank
        elif name == "quantized_dimension":
            tensor.quantization.quantizedDimension = 1
        else:
            setattr(tensor.quantization, name, [-7.5])

    (found,) = changed(speech, edited, change)["subgraphs"][0]["tensors"]["changed"]
    assert [each.rstrip("s") for each in found["changes"]] == [name]


def test_a_seen_range_is_compared_without_any_scales(speech: Path, edited: Edited) -> None:
    def bare(model: Any) -> None:
        quantization = model.subgraphs[0].tensors[2].quantization
        quantization.scale = quantization.zeroPoint = None
        quantization.min = [0.25]

    def other(model: Any) -> None:
        bare(model)
        model.subgraphs[0].tensors[2].quantization.min = [0.5]

    models = load(edited(speech, bare)), load(edited(speech, other))
    (found,) = checked(*models)["subgraphs"][0]["tensors"]["changed"]
    assert found["changes"] == {"min": [[0.25], [0.5]]}


def test_other_places_of_the_values_that_are_not_zero_are_a_difference(
    faces: dict[str, Path],
) -> None:
    first = load(faces["face_detection_full_range_sparse"])
    draft = first.draft()
    place = next(tensor.index for tensor in first.tensors if tensor.is_sparse)
    sparsity = draft["subgraphs"][0]["tensors"][place]["sparsity"]
    indices = next(
        level["array_indices"] for level in sparsity["dim_metadata"] if level["array_indices"]
    )
    values = list(indices["values"])
    last = max(at for at in range(1, len(values)) if values[at] - values[at - 1] != 1)
    values[last] -= 1
    indices["values"] = bytes(values) if max(values) < 256 else tuple(values)
    (found,) = checked(first, Model.from_draft(draft))["subgraphs"][0]["tensors"]["changed"]
    assert (found["indices"], list(found["changes"])) == ([place, place], ["sparsity"])


def appended(content: bytes, labels: str) -> Model:
    """A model with a ZIP archive behind it."""
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(zipfile.ZipInfo("labels.txt"), labels)
    return load(file.getvalue())


def unlisted(first: Model, second: Model) -> bool:
    """Whether nothing is listed that differs, and yet the models are not called identical."""
    content, text = checked(first, second), difference_text(first, second)
    assert content["identical"] is False
    return content["files"] == "differ_unlisted" and text.startswith("no difference in what")


def test_models_with_other_labels_are_not_identical(speech: Path) -> None:
    content = speech.read_bytes()
    one, two = appended(content, "cat\ndog\n"), appended(content, "dog\ncat\n")
    assert unlisted(one, two)
    assert unlisted(load(speech), two)
    assert difference(one, appended(content, "cat\ndog\n"))["files"] == "same"


def test_what_nothing_uses_is_no_matter_of_layout(speech: Path) -> None:
    def buffer(draft: Draft) -> None:
        draft["buffers"] = [*draft["buffers"], Draft("Buffer", data=b"secret")]

    def debugging(draft: Draft) -> None:
        draft["subgraphs"][0]["operators"][0]["debug_metadata_index"] = 3

    def mutating(draft: Draft) -> None:
        draft["subgraphs"][0]["operators"][0]["mutating_variable_inputs"] = (True,)

    def code(draft: Draft) -> None:
        draft["operator_codes"] = [*draft["operator_codes"], Draft("OperatorCode", version=7)]

    first = load(speech)
    for change in (buffer, debugging, mutating, code):
        draft = first.draft()
        change(draft)
        assert unlisted(first, Model.from_draft(draft)), change.__name__


def test_a_signature_that_is_there_twice_is_no_matter_of_layout(shared_models: Path) -> None:
    first = load(shared_models / "litert/multi_signature_model.tflite")
    draft = first.draft()
    signatures = draft["signature_defs"]
    draft["signature_defs"] = [*signatures, signatures[0]]
    assert unlisted(first, Model.from_draft(draft))


def outside(path: Path, edited: Edited, bindings: Any, *, offset: int = 0) -> bytes:
    """A model whose first weights are in weights.bin beside it."""

    def change(model: Any) -> None:
        group, buffer = bindings.ExternalBufferGroupT(), bindings.ExternalBufferT()
        group.name, buffer.id, buffer.group = b"weights.bin", 1, 0
        buffer.offset, buffer.length = offset, 640
        model.externalBufferGroups, model.externalBuffers = [group], [buffer]
        model.subgraphs[0].tensors[8].buffer = 0
        model.subgraphs[0].tensors[8].externalBuffer = 1

    return edited(path, change)


def test_the_same_reference_to_a_missing_file_is_no_difference(
    speech: Path, edited: Edited, bindings: Any, tmp_path: Path
) -> None:
    paths = [tmp_path / name / "model.tflite" for name in ("one", "two", "three")]
    for path, offset in zip(paths, (0, 0, 8), strict=True):
        path.parent.mkdir()
        path.write_bytes(outside(speech, edited, bindings, offset=offset))
    assert checked(load(paths[0]), load(paths[0]))["files"] == "same"
    assert checked(load(paths[0]), load(paths[1]))["files"] == "same"
    assert not checked(load(paths[0]), load(paths[2]))["identical"]


def test_data_in_other_files_are_compared(
    speech: Path, edited: Edited, bindings: Any, tmp_path: Path
) -> None:
    paths = [tmp_path / name / "model.tflite" for name in ("one", "two", "three", "four")]
    data = (bytes(640), bytes(640), bytes(639) + b"\1", None)
    for path, weights in zip(paths, data, strict=True):
        path.parent.mkdir()
        path.write_bytes(outside(speech, edited, bindings))
        if weights is not None:
            (path.parent / "weights.bin").write_bytes(weights)
    found = [checked(load(paths[0]), load(path))["identical"] for path in paths]
    assert found == [True, True, False, False]


def test_identical_files_of_a_gigabyte_are_never_copied(speech: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(speech.read_bytes())
    with path.open("r+b") as file:
        file.truncate(1 << 30)
    tracemalloc.start()
    try:
        assert difference_text(load(path), load(path)).startswith("identical: ")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50 << 20
