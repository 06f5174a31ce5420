from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tfq
from tfq import errors, runtime

pytest.importorskip("ai_edge_litert")


def test_a_quantized_model_takes_and_gives_real_values(
    digits: Callable[..., tfq.Model], samples: Path
) -> None:
    with np.load(samples / "evaluation.npz") as data:
        sample = {"image": data["image"][:1]}
    (reference,) = runtime.Runner(digits(mode="float32")).run(sample)
    (quantized,) = runtime.Runner(digits(mode="full_integer")).run(sample)
    assert quantized.dtype == np.float32
    # One step of the output is 1/256.
    np.testing.assert_allclose(quantized, reference, atol=0.1)
    assert quantized.argmax() == reference.argmax()


def test_inputs_are_named_as_the_signature_does(digits: Callable[..., tfq.Model]) -> None:
    assert digits(mode="float32").input_names == ("image",)


def test_inputs_without_a_signature_are_named_as_their_tensors(shared_models: Path) -> None:
    model = tfq.load(shared_models / "edgetpu_pairs" / "mobilenet_v1_0.25_128_quant.tflite")
    assert model.input_names == tuple(tensor.name for tensor in model.inputs)


def test_a_model_that_the_interpreter_refuses_is_one_line(shared_models: Path) -> None:
    model = tfq.load(shared_models / "litert" / "dynamic_string_custom_ops.tflite")
    with pytest.raises(errors.InvalidModelError, match="does not load") as caught:
        runtime.Runner(model)
    assert "\n" not in str(caught.value)


class TestChoice:
    """Which interpreter is taken; the packages are hidden, not imitated."""

    def hide(self, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        for name in names:
            for module in [name, *(m for m in sys.modules if m.startswith(f"{name}."))]:
                monkeypatch.setitem(sys.modules, module, None)

    def test_ai_edge_litert_comes_first(self) -> None:
        assert runtime.interpreter_class().__module__.startswith("ai_edge_litert")

    def test_tensorflow_comes_next(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("tensorflow")
        self.hide(monkeypatch, "ai_edge_litert")
        assert runtime.interpreter_class().__module__.startswith("tensorflow")

    def test_without_any_it_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hide(monkeypatch, "ai_edge_litert", "tensorflow", "tflite_runtime")
        with pytest.raises(errors.MissingDependencyError, match=r"pip install 'tfq\[runtime\]'"):
            runtime.interpreter_class()

    def test_tflite_runtime_beside_numpy_2_says_why(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        self.hide(monkeypatch, "ai_edge_litert", "tensorflow")
        # What its extension module does beside NumPy 2.
        package = tmp_path / "tflite_runtime"
        package.mkdir()
        (package / "__init__.py").touch()
        text = "raise ImportError('numpy.core.multiarray failed to import')"
        (package / "interpreter.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(errors.MissingDependencyError, match=r"tflite_runtime \(.*numpy < 2"):
            runtime.interpreter_class()

    def test_the_oldest_choice_works_where_it_imports(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.hide(monkeypatch, "ai_edge_litert", "tensorflow")
        module = types.ModuleType("tflite_runtime.interpreter")
        module.Interpreter = object  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "tflite_runtime", types.ModuleType("tflite_runtime"))
        monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", module)
        assert runtime.interpreter_class() is object
