from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tfq
from tfq.format import Draft, Table, read, write


def written(model: Table | Draft) -> bytes:
    return b"".join(write(model))


def plain(value: Any) -> Any:
    """Turn an object of LiteRT's object API into what can be compared."""
    if hasattr(value, "__dict__"):
        return {name: plain(each) for name, each in vars(value).items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def touched(model: Table) -> Draft:
    """A draft in which every table was looked at, and some fields set to what they are."""
    draft = Draft.of(model)
    for subgraph in draft["subgraphs"]:
        for tensor in subgraph["tensors"] or ():
            tensor["name"] = tensor["name"]
            tensor["shape"] = tensor["shape"]
            if tensor["quantization"] is not None:
                tensor["quantization"]["scale"] = tensor["quantization"]["scale"]
        for operator in subgraph["operators"] or ():
            for union in ("builtin_options", "builtin_options_2"):
                operator[union] = operator[union] or None
    return draft


@pytest.mark.parametrize("make", [lambda model: model, touched], ids=["table", "draft"])
def test_what_is_read_and_written_is_the_same_model_to_litert_too(
    make: Callable[[Table], Table | Draft], model_path: Path, bindings: ModuleType
) -> None:
    content = model_path.read_bytes()

    new = written(make(read(content)))

    unpack = bindings.ModelT.InitFromPackedBuf
    assert plain(unpack(new, 0)) == plain(unpack(content, 0))
    assert len(new) < 1.1 * len(content) + 256


def test_writing_again_changes_nothing_more(model_path: Path) -> None:
    first = written(read(model_path))
    assert written(read(first)) == first


def test_a_field_is_there_after_writing_only_if_it_was_there_before(model_path: Path) -> None:
    def presence(table: Table) -> Any:
        found = {}
        for field in table.present():
            value = table[field.name]
            nested = value if isinstance(value, tuple) else (value,)
            found[field.name] = [presence(each) for each in nested if isinstance(each, Table)]
        return found

    before = read(model_path)
    assert presence(read(written(before))) == presence(before)


# Those that run with inputs of any values, and need no operators of other runtimes.
RUNNABLE = (
    "edgetpu_pairs/deeplabv3_mnv2_dm05_pascal_quant",
    "edgetpu_pairs/keras_lstm_mnist_ptq",
    "edgetpu_pairs/mobilenet_v1_0.25_128_quant",
    "edgetpu_pairs/split_concat",
    "litert/constant_output_tensor",
    "litert/l2_norm_composite",
    "litert/mixed_input_model",
    "litert/multi_signature_model",
    "litert/static_w8_a16_quantized_k_einsum",
    "micro/add0",
    "micro/conv0",
    "micro/dtln_noise_suppression",
    "micro/hello_world_float",
    "micro/hello_world_int8",
    "micro/leaky_relu0",
    "micro/micro_speech_quantized",
    "micro/trained_lstm_int8",
)


@pytest.mark.parametrize("name", RUNNABLE)
def test_litert_computes_the_same(name: str, shared_models: Path) -> None:
    content = (shared_models / f"{name}.tflite").read_bytes()

    for before, after in zip(outputs(content), outputs(written(read(content))), strict=True):
        np.testing.assert_array_equal(after, before)


def outputs(content: bytes) -> list[Any]:
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    interpreter = litert.Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    dice = np.random.default_rng(7)
    for each in interpreter.get_input_details():
        values = dice.uniform(-100, 100, each["shape"]).astype(each["dtype"])
        interpreter.set_tensor(each["index"], values)
    interpreter.invoke()
    return [interpreter.get_tensor(each["index"]) for each in interpreter.get_output_details()]


def test_sparse_and_float16_models_survive(faces: dict[str, Path], bindings: ModuleType) -> None:
    for path in faces.values():
        content = path.read_bytes()
        unpack = bindings.ModelT.InitFromPackedBuf
        assert plain(unpack(written(read(content)), 0)) == plain(unpack(content, 0))


def test_everything_is_aligned_as_litert_demands(model_path: Path) -> None:
    def check(table: Table) -> None:
        assert table.position % 4 == table.vtable % 2 == 0
        for field in table.present():
            width = field.width if field.kind == "scalar" else 4
            assert table.place(field.name) % width == 0
            if field.kind == "scalars":
                assert (table.target(field.name) + 4) % field.width == 0
            elif field.kind == "bytes":
                # Weights are read where they stand, by vector instructions.
                assert (table.target(field.name) + 4) % 16 == 0
            value = table[field.name]
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, Table):
                    check(each)

    check(read(written(touched(read(model_path)))))


def test_tensors_operators_and_buffers_can_be_added(shared_models: Path) -> None:
    draft = Draft.of(read(shared_models / "micro/hello_world_float.tflite"))
    subgraph = draft["subgraphs"][0]
    draft["buffers"].append(Draft("Buffer", data=np.float32([2.5])))
    draft["operator_codes"].append(Draft("OperatorCode", builtin_code=18, version=1))
    tensors = subgraph["tensors"]
    last = subgraph["outputs"][0]
    shape = tensors[last]["shape"]
    tensors.append(Draft("Tensor", name="factor", shape=(), buffer=len(draft["buffers"]) - 1))
    tensors.append(Draft("Tensor", name="product", shape=shape, buffer=0))
    subgraph["operators"].append(
        Draft(
            "Operator",
            opcode_index=len(draft["operator_codes"]) - 1,
            inputs=(last, len(tensors) - 2),
            outputs=(len(tensors) - 1,),
            builtin_options=Draft("MulOptions", fused_activation_function=1),
        )
    )
    subgraph["outputs"] = (len(tensors) - 1,)

    content = written(draft)

    model = tfq.load(content)
    assert model.operators[-1].name == "MUL"
    assert model.operators[-1].options == {"fused_activation_function": "RELU"}
    assert model.outputs[0].name == "product"
    assert model.tensors[-2].numpy() == 2.5
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    litert.Interpreter(model_content=content).allocate_tensors()


def test_a_removed_field_is_gone_and_the_file_it_came_from_is_not_changed(
    shared_models: Path,
) -> None:
    path = shared_models / "micro/micro_speech_quantized.tflite"
    model = read(path)
    draft = Draft.of(model)
    draft["description"] = None
    draft["subgraphs"][0]["operators"][1]["builtin_options"] = None
    assert draft["description"] is None
    assert "description" not in draft

    new = read(written(draft))

    assert "description" not in new
    assert new["subgraphs"][0]["operators"][1]["builtin_options_type"] == 0
    assert model["description"] == "TOCO Converted."


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        ("Tensor", "buffer", -1),
        ("Tensor", "buffer", "many"),
        ("Tensor", "shape", 3),
        ("Tensor", "shape", [2**40]),
        ("Buffer", "data", 5),
        ("SubGraph", "tensors", [Draft("Buffer")]),
        ("SubGraph", "tensors", [1]),
        ("SubGraph", "tensors", Draft("Tensor")),
        ("Tensor", "quantization", Draft("Tensor")),
        ("Tensor", "name", 5),
    ],
)
def test_a_value_that_a_field_cannot_hold_is_named(kind: str, field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field}: cannot hold"):
        list(Draft(kind, **{field: value}).parts())


@pytest.mark.parametrize("value", [5, Draft("Tensor")])
def test_what_is_no_member_of_a_union_is_named(value: Any) -> None:
    with pytest.raises(ValueError, match="builtin_options: expected a member of BuiltinOptions"):
        Draft("Operator", builtin_options=value)


def test_only_a_whole_model_is_a_file() -> None:
    with pytest.raises(ValueError, match="expected a Model, got a SubGraph"):
        write(Draft("SubGraph"))


@pytest.mark.parametrize(
    "values",
    [np.zeros((0, 4), np.float32), np.arange(12).reshape(3, 4).T, np.float16([1, 2])],
    ids=["empty", "transposed", "float16"],
)
def test_data_can_be_any_array(values: Any) -> None:
    root = Draft("Model", buffers=[Draft("Buffer", data=values)], subgraphs=[Draft("SubGraph")])
    assert bytes(read(written(root))["buffers"][0]["data"] or b"") == values.tobytes()


def test_a_draft_knows_the_fields_of_the_schema() -> None:
    with pytest.raises(KeyError):
        Draft("Tensor", shap=(1,))
    with pytest.raises(KeyError):
        Draft("Tensr")


def test_a_draft_of_its_own_needs_no_file() -> None:
    root = Draft(
        "Model", version=3, buffers=[Draft("Buffer")], subgraphs=[Draft("SubGraph", name="x")]
    )
    assert tfq.load(written(root)).subgraphs[0].name == "x"


def test_data_shared_by_two_buffers_are_written_once(shared_models: Path) -> None:
    content = (shared_models / "micro/dtln_noise_suppression.tflite").read_bytes()
    model = read(content)
    twice = Draft.of(model)
    twice["subgraphs"] = [*twice["subgraphs"], Draft.of(model["subgraphs"][0])]
    twice["buffers"] = [*model["buffers"], *model["buffers"]]

    assert len(written(twice)) < 1.2 * len(content)


def with_archive(content: bytes) -> bytes:
    file = io.BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("labels.txt", "cat\ndog\n")
        archive.writestr("notes/vocabulary.txt", "x" * 5000, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def test_files_appended_as_an_archive_stay_readable_when_they_move(shared_models: Path) -> None:
    content = with_archive((shared_models / "micro/hello_world_float.tflite").read_bytes())
    draft = Draft.of(read(content))
    draft["description"] = "longer than before " * 100

    new = written(draft)

    archive = zipfile.ZipFile(io.BytesIO(new))
    assert archive.testzip() is None
    assert archive.read("labels.txt") == b"cat\ndog\n"
    assert len(archive.read("notes/vocabulary.txt")) == 5000
    # The position in the directory counts from the beginning of the file, as it did.
    header = archive.getinfo("labels.txt").header_offset
    assert new[header : header + 4] == b"PK\x03\x04"
    end = new.rfind(b"PK\x05\x06")
    size, position = struct.unpack_from("<II", new, end + 12)
    assert position == end - size


def test_an_archive_that_is_broken_is_kept_as_it_is(shared_models: Path) -> None:
    content = with_archive((shared_models / "micro/hello_world_float.tflite").read_bytes())
    broken = bytearray(content)
    end = content.rfind(b"PK\x05\x06")
    broken[end + 12 : end + 20] = b"\xff" * 8
    draft = Draft.of(read(broken))
    draft["description"] = "longer than before " * 100

    assert written(draft).endswith(bytes(broken[content.index(b"PK\x03\x04") :]))


def test_other_bytes_behind_the_model_are_kept(shared_models: Path) -> None:
    content = (shared_models / "micro/hello_world_float.tflite").read_bytes()
    signed = content + b"SIGNATURE" * 9

    first = written(read(signed))

    assert first.endswith(b"SIGNATURE" * 9)
    assert written(read(first)) == first


def test_options_of_a_kind_that_nobody_knows_are_kept(shared_models: Path) -> None:
    """A union whose tag the schema does not know: what it leads to is some table."""
    path = shared_models / "micro/micro_speech_quantized.tflite"
    content = bytearray(path.read_bytes())
    operator = read(path)["subgraphs"][0]["operators"][1]
    content[operator.place("builtin_options_type")] = 250
    changed = read(content)

    new = read(written(changed))

    kept = new["subgraphs"][0]["operators"][1]
    assert kept["builtin_options_type"] == 250
    back = bytearray(new.source.data)
    back[kept.place("builtin_options_type")] = operator["builtin_options_type"]
    options = tfq.load(back).operators[1].options
    assert options == tfq.load(path).operators[1].options
