from __future__ import annotations

from pathlib import Path

import pytest

from tfq import profiles, schemas
from tfq.profiles import Conversion


@pytest.mark.parametrize("name", profiles.names())
class TestEveryShippedProfile:
    def test_has_the_name_of_its_file_and_says_where_its_facts_stand(self, name: str) -> None:
        profile = profiles.load(name)
        assert profile.name == name
        assert profile.sources
        assert {source.read for source in profile.sources} == {"2026-11"}

    def test_meets_the_schema(self, name: str, tmp_path: Path) -> None:
        """Shipped profiles are not checked when they are loaded; a copy is."""
        copy = tmp_path / "copy.json"
        copy.write_bytes(Path(profiles.load(name).path).read_bytes())
        assert profiles.load(copy).name == name

    def test_cannot_be_changed(self, name: str) -> None:
        profile = profiles.load(name)
        with pytest.raises(AttributeError):
            profile.name = "other"  # type: ignore[misc]
        with pytest.raises(TypeError):
            profile.severity["Q101"] = "hint"  # type: ignore[index]

    def test_chooses_for_conversion_what_it_takes_itself(self, name: str) -> None:
        profile = profiles.load(name)
        wants, convert = profile.quantization, profile.convert
        assert convert.input_type in (None, *wants.inputs)
        assert convert.output_type in (None, *wants.outputs)
        assert wants.granularity.required in (None, convert.granularity)
        if wants.compute == "integer":
            assert convert.mode == "full_integer"


def test_the_devices() -> None:
    assert {
        "artpec7",
        "artpec8",
        "artpec9",
        "cpu",
        "cv25",
        "edgetpu",
        "tidl-am6xa",
        "tidl-tda4vm",
    } <= set(profiles.names())


def test_artpec8_wants_one_scale_a_weight_tensor() -> None:
    profile = profiles.load("artpec8")
    assert profile.quantization.granularity.required == "per_tensor"
    assert profile.convert == Conversion("full_integer", "per_tensor", "int8", "int8")


def test_what_no_source_says_stays_unknown() -> None:
    quantization = profiles.load("cv25").quantization
    assert quantization.compute == "float"
    assert (quantization.activations, quantization.inputs) == ((), ())
    assert profiles.load("artpec9").quantization.granularity.recommended is None


def test_the_schema_is_json_schema_2020_12() -> None:
    schema = schemas.load("profile.schema")
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(schema)
