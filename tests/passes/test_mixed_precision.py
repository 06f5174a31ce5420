from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from float_models import as_samples, decibels, photographs

import tfq
from tfq.model import Model
from tfq.passes.equalize import equalize
from tfq.passes.expand import expand
from tfq.passes.float_weights import float_weights
from tfq.passes.integer_kernels import KERNELS
from tfq.passes.mixed_precision import named, sensitive
from tfq.passes.observe import observe
from tfq.passes.quantize import Scheme, quantize


class Face:
    """A float model of a face, equalized, with photographs.

    With `wide`, what has no kernel of 16 bits (PRELU) is made of what has one.
    """

    def __init__(self, path: Path, *, wide: bool = False) -> None:
        self.model, _ = equalize(float_weights(tfq.load(path))[0])
        if wide:
            self.model, _ = expand(self.model, "int16")
        shape = self.model.inputs[0].shape
        self.samples = as_samples(self.model, photographs(shape, 16, seed=3))
        self.spans = observe(self.model, self.samples).spans("moving_average")
        self.unseen = photographs(shape, 16, seed=4)

    def sensitive(self, dtype: str, budget: float) -> frozenset[Any]:
        return sensitive(self.model, self.spans, Scheme(), self.samples, dtype, budget)

    def quantized(self, types: dict[Any, str]) -> Model:
        return quantize(self.model, self.spans, Scheme(), types)[0]

    def decibels(self, model: Model) -> float:
        """On unseen photographs."""
        return decibels(self.model, model, self.unseen)

    def share(self, operators: frozenset[Any]) -> float:
        """How much of the MACs some operators have."""
        return sum(op.macs for op in operators) / sum(op.macs for op in self.model.operators)


@pytest.fixture(scope="module")
def face(faces: dict[str, Path]) -> Face:
    return Face(faces["face_detection_front"])


def test_sixteen_bits_for_a_third_of_the_macs_gain_on_unseen_photographs(
    faces: dict[str, Path],
) -> None:
    face = Face(faces["face_detection_front"], wide=True)

    chosen = face.sensitive("int16", 0.3)

    mixed = face.quantized(dict.fromkeys(chosen, "int16"))

    assert 0 < face.share(chosen) <= 0.3
    assert face.decibels(mixed) > face.decibels(face.quantized({})) + 0.3
    assert {op.outputs[0].dtype for op in mixed.operators} == {"int8", "int16"}
    assert all(op.compute == "integer" for op in mixed.operators)


def test_a_tenth_of_the_macs_in_float_gains_on_unseen_photographs(face: Face) -> None:
    chosen = face.sensitive("float32", 0.1)

    mixed = face.quantized(dict.fromkeys(chosen, "float32"))

    assert 0 < face.share(chosen) <= 0.1
    assert face.decibels(mixed) > face.decibels(face.quantized({})) + 0.3


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_without_a_budget_only_operators_without_macs_that_gain_are_chosen(
    face: Face, dtype: str
) -> None:
    chosen = face.sensitive(dtype, 0.0)

    assert face.share(chosen) == 0
    mixed, plain = (face.quantized(dict.fromkeys(each, dtype)) for each in (chosen, ()))
    images = [image for sample in face.samples for image in sample.values()]
    gain = decibels(face.model, mixed, images) - decibels(face.model, plain, images)
    assert gain > 0 if chosen else gain == 0


def test_the_same_data_choose_the_same_operators(face: Face) -> None:
    once, again = (face.sensitive("int16", 0.3) for _ in range(2))

    assert once == again


def test_only_what_has_a_kernel_of_16_bits_is_chosen(faces: dict[str, Path]) -> None:
    iris = Face(faces["iris_landmark"])

    chosen = {op.name for op in iris.sensitive("int16", 1.0)}

    assert not {op.name for op in iris.model.operators} <= KERNELS["int16"].keys()
    assert chosen
    assert chosen <= KERNELS["int16"].keys()


@pytest.fixture
def images(samples: Path) -> list[np.ndarray]:
    return list(np.load(samples / "calibration.npz")["image"][:8, None].astype(np.float32))


def test_where_all_are_as_precise_already_none_is_chosen(
    digits: Any, images: list[np.ndarray]
) -> None:
    plain = digits(mode="float32")
    data = as_samples(plain, images)
    spans = observe(plain, data).spans()

    assert not sensitive(plain, spans, Scheme(activations="int16"), data, "int16", 1.0)


def test_what_cannot_be_chosen_is_refused(face: Face) -> None:
    with pytest.raises(tfq.ArgumentError, match="expected int16 or float32, got 'int8'"):
        face.sensitive("int8", 0.3)
    with pytest.raises(tfq.ArgumentError, match="expected a share of MACs, 0 to 1, got 30"):
        face.sensitive("int16", 30)
    with pytest.raises(tfq.ArgumentError, match="expected samples, got none"):
        sensitive(face.model, face.spans, Scheme(), [], "int16", 0.3)


def test_operators_are_named_by_output_kind_or_index(digits: Any) -> None:
    model = digits(mode="float32")
    convolutions = {op for op in model.operators if op.name == "CONV_2D"}
    third = model.operators[2]

    assert named(model, ["CONV_2D"]) == convolutions
    assert named(model, ["*CONV_2D", "#2"]) >= convolutions | {third}
    assert named(model, [third.outputs[0].name]) == {third}
    assert named(model, ["#2"]) == {third}
    assert named(model, []) == frozenset()


def test_a_pattern_that_matches_nothing_names_what_is_near(digits: Any) -> None:
    with pytest.raises(tfq.ArgumentError, match=r"got 'CONV2D'; did you mean CONV_2D\?"):
        named(digits(mode="float32"), ["CONV2D"])


def test_what_is_named_computes_otherwise(digits: Any, images: list[np.ndarray]) -> None:
    plain = digits(mode="float32")
    spans = observe(plain, as_samples(plain, images)).spans()
    types = dict.fromkeys(named(plain, ["FULLY_CONNECTED"]), "int16")

    mixed, _ = quantize(plain, spans, Scheme(), types)

    kinds = {op.name: op.outputs[0].dtype for op in mixed.operators}
    assert kinds["FULLY_CONNECTED"] == "int16"
    assert kinds["CONV_2D"] == "int8"
    assert decibels(plain, mixed, images) > 20
