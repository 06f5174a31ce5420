"""Derives `tflite.json` from the FlatBuffers bindings that LiteRT installs.

The bindings are generated code of a fixed shape; this script reads its syntax tree and keeps the
facts: which tables, fields, ids, types, defaults, unions and enum values there are.

    python schemas/extract_tflite.py            writes tflite.json beside this script
    python schemas/extract_tflite.py --check    exits with 1 where tflite.json is out of date
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any

BINDINGS = "ai_edge_litert.schema_py_generated"
TARGET = Path(__file__).with_name("tflite.json")

# The generator turns snake case into camel case and loses the underscore before a digit.
FIELD_NAMES = {
    "BuiltinOptions2": "builtin_options_2",
    "BuiltinOptions2Type": "builtin_options_2_type",
}

# The bindings say that these fields are integers, not of which enum: by field, or by table.field.
FIELD_ENUMS = {
    "CastOptions.in_data_type": "TensorType",
    "CastOptions.out_data_type": "TensorType",
    "DimensionMetadata.format": "DimensionType",
    "EmbeddingLookupSparseOptions.combiner": "CombinerType",
    "FullyConnectedOptions.weights_format": "FullyConnectedOptionsWeightsFormat",
    "HashtableOptions.key_dtype": "TensorType",
    "HashtableOptions.value_dtype": "TensorType",
    "LSHProjectionOptions.type": "LSHProjectionType",
    "LSTMOptions.kernel_type": "LSTMKernelType",
    "MirrorPadOptions.mode": "MirrorPadMode",
    "Operator.custom_options_format": "CustomOptionsFormat",
    "OperatorCode.builtin_code": "BuiltinOperator",
    "ReduceWindowOptions.reduce_function": "ReduceWindowFunction",
    "ShapeOptions.out_type": "TensorType",
    "StableHLOCompositeOptions.composite_attributes_format": "CustomOptionsFormat",
    "StablehloCompareOptions.compare_type": "StablehloComparisonType",
    "StablehloCompareOptions.comparison_direction": "StablehloComparisonDirection",
    "StablehloRngBitGeneratorOptions.algorithm": "RngAlgorithm",
    "Tensor.type": "TensorType",
    "UniqueOptions.idx_out_type": "TensorType",
    "VariantSubType.type": "TensorType",
    "fused_activation_function": "ActivationFunctionType",
    "output_type": "TensorType",
    "padding": "Padding",
    "precision_config": "StablehloPrecisionConfig",
    "quantized_bias_type": "TensorType",
}
# The same name, another meaning: StableHLO's padding is a list of amounts.
NOT_ENUMS = {"StablehloConvolutionOptions.padding", "StablehloReduceWindowOptions.padding"}


def derive(source: str) -> dict[str, Any]:
    """Derive the schema from the text of the generated bindings.

    Args:
        source: Python source of `schema_py_generated`.

    Returns:
        The schema: `identifier`, `root`, `enums`, `unions`, `tables`.

    Raises:
        ValueError: Where the bindings hold something that this script does not understand.
    """
    body = ast.parse(source).body
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    functions = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    tables = {name: node for name, node in classes.items() if _method(node, "Init")}
    constants = {
        name: _constants(node)
        for name, node in classes.items()
        if name not in tables and _method(node, "__init__") is None
    }
    unions = {name for name in constants if f"{name}Creator" in functions}
    schema = {
        "identifier": _identifier(source),
        "root": "Model",
        "enums": {name: values for name, values in constants.items() if name not in unions},
        "unions": {
            name: {member: tag for member, tag in constants[name].items() if tag != 0}
            for name in constants
            if name in unions
        },
        "tables": {
            name: _fields(node, _union_fields(classes[f"{name}T"]))
            for name, node in sorted(tables.items())
        },
    }
    _attach_enums(schema)
    return schema


def render(schema: dict[str, Any]) -> str:
    """Return the schema as JSON with one field or value a line, so that a diff shows what changed.

    Args:
        schema: What `derive` returned.

    Returns:
        JSON text that ends in a newline.
    """
    parts = []
    for key, value in schema.items():
        if not isinstance(value, dict):
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
            continue
        blocks = []
        for name, entries in value.items():
            lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in entries.items())
            blocks.append(f"{json.dumps(name)}: {{\n{lines}\n}}" if lines else f'"{name}": {{}}')
        inner = ",\n".join(blocks)
        parts.append(f"{json.dumps(key)}: {{\n{inner}\n}}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def installed_bindings() -> str:
    """Return the source text of the installed bindings, without importing them."""
    package, _, module = BINDINGS.rpartition(".")
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{package} is not installed: pip install ai-edge-litert")
    return Path(spec.submodule_search_locations[0], f"{module}.py").read_text(encoding="utf-8")


def _identifier(source: str) -> str:
    found = set(re.findall(r'BufferHasIdentifier\(buf, offset, b"([^"]*)"', source))
    if len(found) != 1:
        raise ValueError(f"expected one file identifier in the bindings, got: {sorted(found)}")
    return bytes.fromhex(found.pop().replace("\\x", "")).decode("ascii")


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    methods = (item for item in node.body if isinstance(item, ast.FunctionDef))
    return next((method for method in methods if method.name == name), None)


def _constants(node: ast.ClassDef) -> dict[str, int]:
    assigns = [item for item in node.body if isinstance(item, ast.Assign)]
    return {item.targets[0].id: ast.literal_eval(item.value) for item in assigns}  # type: ignore[attr-defined]


def _calls(node: ast.AST) -> list[ast.Call]:
    return [item for item in ast.walk(node) if isinstance(item, ast.Call)]


def _called(call: ast.Call) -> str:
    """Return the last part of what is called: `Get` for `self._tab.Get(…)`."""
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _union_fields(unpacked: ast.ClassDef) -> dict[str, str]:
    """Map each union field's accessor to its union, read from `self.x = XCreator(tag, t.X())`."""
    found = {}
    for call in _calls(unpacked):
        if _called(call).endswith("Creator"):
            value = call.args[1]
            if not isinstance(value, ast.Call):
                raise ValueError(f"unexpected union in {unpacked.name}: {ast.unparse(call)}")
            found[_called(value)] = _called(call).removesuffix("Creator")
    return found


def _fields(node: ast.ClassDef, unions: dict[str, str]) -> dict[str, dict[str, Any]]:
    fields: dict[str, dict[str, Any]] = {}
    methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
    names = {method.name for method in methods}
    for method in methods:
        # What accompanies a vector: ShapeLength beside Shape.
        stem = re.sub(r"(AsNumpy|Length|IsNone)$", "", method.name)
        if stem != method.name and stem in names:
            continue
        slots = [call for call in _calls(method) if _called(call) == "Offset"]
        if not slots:
            continue
        slot = ast.literal_eval(slots[0].args[0])
        name = FIELD_NAMES.get(method.name) or _snake_case(method.name)
        fields[name] = {"id": (slot - 4) // 2, **_type(method, unions, f"{node.name}.{name}")}
    # A deprecated field leaves a gap; two fields of one id would be a misreading.
    ids = [field["id"] for field in fields.values()]
    if ids != sorted(set(ids)):
        raise ValueError(f"the field ids of {node.name} do not rise: {fields}")
    return fields


def _type(method: ast.FunctionDef, unions: dict[str, str], where: str) -> dict[str, Any]:
    calls = {_called(call): call for call in _calls(method)}
    vector = len(method.args.args) == 2
    if method.name in unions:
        name = unions[method.name]
    elif "String" in calls:
        name = "string"
    elif "Indirect" in calls:
        name = next(
            _called(item.value)
            for item in ast.walk(method)
            if isinstance(item, ast.Assign)
            and isinstance(item.value, ast.Call)
            and ast.unparse(item.targets[0]) == "obj"
        )
    elif "Get" in calls:
        name = ast.unparse(calls["Get"].args[0]).rpartition(".")[2].removesuffix("Flags").lower()
    else:
        raise ValueError(f"no known type in the accessor of {where}:\n{ast.unparse(method)}")
    if vector:
        return {"type": f"[{name}]"}
    default = ast.literal_eval(method.body[-1].value)  # type: ignore[attr-defined]
    # 0, 0.0, False and no object are what a missing field means unless the schema says otherwise.
    return {"type": name, "default": default} if default else {"type": name}


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _attach_enums(schema: dict[str, Any]) -> None:
    used = set()
    for table, fields in schema["tables"].items():
        for name, field in fields.items():
            where = f"{table}.{name}"
            if (union := fields.get(name.removesuffix("_type"), {}).get("type")) in schema[
                "unions"
            ]:
                enum = union if name.endswith("_type") else None
            else:
                enum = FIELD_ENUMS.get(where) or FIELD_ENUMS.get(name)
            if enum is not None and where not in NOT_ENUMS:
                field["enum"] = enum
                used.add(enum)
    if unknown := set(schema["enums"]) - used:
        raise ValueError(f"which fields hold these enums? Add to FIELD_ENUMS: {sorted(unknown)}")


def main(arguments: list[str]) -> int:
    """Write `tflite.json`, or with `--check` say whether it is what the bindings say.

    Args:
        arguments: The command line without the program's name.

    Returns:
        The exit status.
    """
    text = render(derive(installed_bindings()))
    if "--check" in arguments:
        current = TARGET.read_text(encoding="utf-8")
        if current != text:
            print(f"{TARGET.name} is not what the installed LiteRT says: run {Path(__file__).name}")
            return 1
        return 0
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
