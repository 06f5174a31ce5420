from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tfq import schemas
from tfq.format import tflite

_SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


@pytest.fixture(scope="module")
def extract() -> ModuleType:
    spec = importlib.util.spec_from_file_location("extract", _SCHEMAS / "extract_tflite.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_schema_is_what_the_installed_litert_says(extract: ModuleType) -> None:
    pytest.importorskip("ai_edge_litert")

    derived = extract.derive(extract.installed_bindings())

    assert schemas.load("tflite") == derived, "run: python schemas/extract_tflite.py"
    assert (_SCHEMAS / "tflite.json").read_text(encoding="utf-8") == extract.render(derived)


def test_no_table_contains_itself() -> None:
    """The verifier recurses as deep as the schema does; this is why that is no danger."""
    schema = tflite()

    def walk(name: str, inside: tuple[str, ...]) -> None:
        assert name not in inside, f"{name} contains itself: {inside}"
        for field in schema.table(name).fields.values():
            if field.kind in ("table", "tables"):
                walk(field.type, (*inside, name))
            elif field.kind == "union":
                for tag in schemas.load("tflite")["unions"][field.type].values():
                    walk(schema.union(field.type)[tag].name, (*inside, name))

    walk(schema.root, ())


def test_every_table_compiles() -> None:
    schema = tflite()
    for name in schema.table_names:
        for field in schema.table(name).fields.values():
            assert field.kind in {
                *("scalar", "scalars", "bytes", "string", "table", "tables", "union")
            }


@pytest.mark.parametrize(
    ("enum", "value", "name"),
    [
        ("BuiltinOperator", 3, "CONV_2D"),
        ("BuiltinOperator", 9000, "BUILTIN_9000"),
        ("TensorType", 9, "INT8"),
        ("TensorType", 99, "TENSOR_TYPE_99"),
        ("Padding", 7, "PADDING_7"),
        ("BuiltinOptions", 1, "Conv2DOptions"),
    ],
)
def test_values_have_names_even_those_from_the_future(enum: str, value: int, name: str) -> None:
    assert tflite().enum_name(enum, value) == name


def test_the_script_says_when_a_new_enum_has_no_field(extract: ModuleType) -> None:
    source = extract.installed_bindings() + "\n\nclass Flavour(object):\n    SWEET = 0\n"

    with pytest.raises(ValueError, match="Flavour"):
        extract.derive(source)
