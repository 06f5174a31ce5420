"""Runs a model: through ai-edge-litert, else TensorFlow's tf.lite, else tflite_runtime."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from tfq.errors import ArgumentError, InvalidModelError, MissingDependencyError, one_line
from tfq.runtime import quiet
from tfq.runtime.fatal import check_scales

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from tfq.model import Model

__all__ = ["Runner", "interpreter_class"]


def _litert() -> type[Any]:
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter  # type: ignore[no-any-return]


def _tensorflow() -> type[Any]:
    import tensorflow

    return tensorflow.lite.Interpreter  # type: ignore[no-any-return]


def _tflite_runtime() -> type[Any]:
    from tflite_runtime.interpreter import Interpreter

    return Interpreter  # type: ignore[no-any-return]


_CHOICES = {
    "ai_edge_litert": _litert,
    "tensorflow": _tensorflow,
    "tflite_runtime": _tflite_runtime,
}


def interpreter_class() -> type[Any]:
    """The first interpreter that imports.

    Raises:
        MissingDependencyError: there is none. tflite_runtime's last release, 2.14, was built for
            NumPy 1 and fails to import beside NumPy 2; the message says so.
    """
    broken = []
    for package, load in _CHOICES.items():
        try:
            return load()
        except ModuleNotFoundError as error:
            if error.name != package:
                broken.append(f"{package} ({error})")
        except (ImportError, AttributeError, SystemError) as error:
            # A module built for NumPy 1 fails in any of these ways beside NumPy 2.
            reason = one_line(error)
            if package == "tflite_runtime" and "numpy" in reason.lower():
                reason = "its last release, 2.14, needs numpy < 2"
            broken.append(f"{package} ({reason})")
    found = f"; found, but failing to import: {', '.join(broken)}" if broken else ""
    raise MissingDependencyError(
        f"running a model needs an interpreter: pip install 'tfq[runtime]'{found}"
    )


class Runner:
    """A model, loaded and ready to run."""

    def __init__(self, model: Model, *, threads: int = 1, every_tensor: bool = False) -> None:
        """Loads `model` into an interpreter.

        Args:
            model: any model.
            threads: how many the kernels may use.
            every_tensor: whether `tensor` may be asked for what is inside. Kernels then run one by
                one, without a delegate, and no tensor's memory is used for another.

        Raises:
            InvalidModelError: the interpreter refuses the model, in its own words, or would end
                the process over it.
            MissingDependencyError: no interpreter is installed.
        """
        check_scales(model)
        try:
            with quiet.silenced():
                interpreter = interpreter_class()
                options = _watching(interpreter) if every_tensor else {}
                self._interpreter = interpreter(
                    model_content=bytes(model), num_threads=threads, **options
                )
        except (RuntimeError, ValueError) as error:
            raise InvalidModelError(f"{model.name}: does not load: {one_line(error)}") from error
        self._inputs = self._interpreter.get_input_details()
        self._label, self._names = model.name, model.input_names
        # Open dimensions are stated as 1: too small for many a kernel, so a sample's size comes
        # first.
        self._is_allocated = False
        if not any(-1 in detail["shape_signature"] for detail in self._inputs):
            self._allocate()
        self._outputs = self._interpreter.get_output_details()
        self._details = {
            detail["index"]: detail
            for detail in (self._interpreter.get_tensor_details() if every_tensor else ())
        }

    def run(self, sample: Mapping[str, np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """Runs the model on one sample.

        Args:
            sample: real values with the batch axis, by input name (see `input_names`). Where
                an input is quantized, they are quantized with its scale and zero point.

        Returns:
            The outputs in order; quantized ones as the float32 values they stand for.

        Raises:
            ArgumentError: an input is missing, or has another shape or type than the model's.
            InvalidModelError: a kernel fails.
        """
        if set(sample) != set(self._names):
            raise ArgumentError(
                f"expected a value for each of {', '.join(self._names)}; got {', '.join(sample)}"
            )
        try:
            self._resize([sample[name].shape for name in self._names])
            for name, detail in zip(self._names, self._inputs, strict=True):
                self._interpreter.set_tensor(detail["index"], _encoded(sample[name], detail))
        except ValueError as error:
            raise ArgumentError(f"a sample does not fit the model: {one_line(error)}") from error
        with quiet.silenced():
            self.run_again()
        return [
            _decoded(self._output(place, detail), detail)
            for place, detail in enumerate(self._outputs)
        ]

    def _output(self, place: int, detail: dict[str, Any]) -> np.ndarray[Any, Any]:
        """What an output holds, without decoding."""
        import numpy as np

        try:
            value: np.ndarray[Any, Any] = self._interpreter.get_tensor(detail["index"])
        except ValueError:
            # So the interpreter says that an output whose shape is only known now came out empty.
            now = self._interpreter.get_output_details()[place]
            if math.prod(now["shape"]):
                raise
            return np.empty(now["shape"], now["dtype"])
        return value

    def run_again(self) -> None:
        """Runs the model on the sample that it has, and reads no outputs.

        Raises:
            InvalidModelError: a kernel fails.
        """
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise InvalidModelError(f"{self._label}: does not run: {one_line(error)}") from error

    def _resize(self, shapes: list[tuple[int, ...]]) -> None:
        """Gives inputs of open dimensions the sizes of the sample."""
        for shape, detail in zip(shapes, self._inputs, strict=True):
            is_set = self._is_allocated and shape == tuple(detail["shape"])
            if -1 in detail["shape_signature"] and not is_set:
                self._interpreter.resize_tensor_input(detail["index"], shape, strict=True)
                self._is_allocated = False
        if not self._is_allocated:
            self._allocate()

    def _allocate(self) -> None:
        try:
            with quiet.silenced():
                self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise InvalidModelError(f"{self._label}: does not load: {one_line(error)}") from error
        self._inputs = self._interpreter.get_input_details()
        self._is_allocated = True

    def tensor(self, index: int) -> np.ndarray[Any, Any]:
        """Returns what a tensor of the first subgraph held in the last run.

        Args:
            index: that of an activation; the runner was made with `every_tensor`.

        Returns:
            A copy; of a quantized tensor the float32 values it stands for.
        """
        return _decoded(self.stored(index), self._details[index])

    def stored(self, index: int) -> np.ndarray[Any, Any]:
        """Returns the same as it is held: of a quantized tensor the integers.

        Args:
            index: that of an activation; the runner was made with `every_tensor`.

        Returns:
            A copy.

        Raises:
            ValueError: the tensor holds nothing.
        """
        values: np.ndarray[Any, Any] = self._interpreter.get_tensor(index)
        return values


def _watching(interpreter: type[Any]) -> dict[str, Any]:
    """The options that keep every tensor; their types stand beside the interpreter's class."""
    resolver = sys.modules[interpreter.__module__].OpResolverType
    return {
        "experimental_op_resolver_type": resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        "experimental_preserve_all_tensors": True,
    }


def _encoded(value: np.ndarray[Any, Any], detail: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Real to integer: round(value / scale) + zero point, clipped to the type."""
    import numpy as np

    scale, zero_point = detail["quantization"]
    dtype = detail["dtype"]
    if not scale or value.dtype.kind != "f":
        return value
    limits = np.iinfo(dtype)
    integers: np.ndarray[Any, Any] = np.rint(value / scale) + zero_point
    # Twice as fast for small arrays as `clip`.
    integers = np.minimum(np.maximum(integers, limits.min), limits.max)
    return integers.astype(dtype)


def _decoded(value: np.ndarray[Any, Any], detail: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Integer to real: (value - zero point) * scale."""
    import numpy as np

    scale, zero_point = detail["quantization"]
    if not scale:
        return value
    real: np.ndarray[Any, Any] = (value.astype(np.float64) - zero_point) * scale
    return real.astype(np.float32)
