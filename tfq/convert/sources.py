"""What a user may hand to `convert`, told apart and opened.

Everything TensorFlow can run becomes a `GraphSource`: named inputs, named outputs and a function
from the one to the other. A float `.tflite` is a `FlatbufferSource`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfq.convert import flatbuffers, keras_files
from tfq.convert.names import distinct as distinct
from tfq.errors import (
    ArgumentError,
    ConversionError,
    InvalidModelError,
    MissingDependencyError,
    one_line,
)
from tfq.model import Model, load
from tfq.runtime import quiet

if TYPE_CHECKING:
    from tfq.passes.scales import Scheme


@dataclass(frozen=True)
class InputSpec:
    """One input of a model.

    Attributes:
        name: as the model's author wrote it.
        shape: with the batch first; None where the model leaves a dimension open.
        dtype: "float32", "int32", …
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    @property
    def batch_size(self) -> int:
        """The first dimension; 1 where it is open or there is none."""
        return (self.shape[0] if self.shape else None) or 1

    def __str__(self) -> str:
        """Shows name, type and shape, as in `image: float32 [?, 8, 8, 1]`."""
        dims = ", ".join("?" if dim is None else str(dim) for dim in self.shape)
        return f"{self.name}: {self.dtype} [{dims}]"


@dataclass(frozen=True)
class GraphSource:
    """A model that TensorFlow can trace.

    Attributes:
        inputs: what it takes, in order.
        call: takes one tensor an input and returns the outputs by name, in order.
        label: what it is, for messages.
        owner: keeps the variables alive that `call` uses.
        scheme: the quantization that it simulates, if `tfq.qat` made it.
    """

    inputs: tuple[InputSpec, ...]
    call: Callable[[Sequence[Any]], dict[str, Any]]
    label: str
    owner: Any
    scheme: Scheme | None = None


@dataclass(frozen=True)
class FlatbufferSource:
    """A float `.tflite`.

    Attributes:
        inputs: what it takes, in order.
        model: with float32 weights, and a signature that names its inputs as `inputs` does.
        label: what it is, for messages.
    """

    inputs: tuple[InputSpec, ...]
    model: Model
    label: str


Source = GraphSource | FlatbufferSource


def open_source(
    source: Any,
    *,
    signature: str | None = None,
    unsafe_load: bool = False,
    verbose: bool = False,
) -> Source:
    """Opens whatever a user calls a model.

    Args:
        source: a Keras 3 or tf_keras model, a tf.function or concrete function, a `tfq.Model`, or a
            path to a `.keras`, `.h5`, `.hdf5`, `.tflite` file or a SavedModel directory.
        signature: which signature of a SavedModel or `.tflite`; by default `serving_default`, or
            the only one.
        unsafe_load: load Keras files whose Lambda layers hold Python code, which runs on loading.
        verbose: let TensorFlow's log through.

    Raises:
        ArgumentError: `source` is nothing of the kind, or has no such signature.
        InvalidModelError: a file is missing, broken or of another format.
        ConversionError: a `.tflite` is quantized already, or has several signatures of which none
            is chosen; a Keras model has no known inputs.
    """
    with quiet.silenced(verbose):
        return _open(source, signature, unsafe_load)


def _open(source: Any, signature: str | None, unsafe_load: bool) -> Source:
    if isinstance(source, (str, os.PathLike)):
        return _open_path(Path(source), signature, unsafe_load)
    if isinstance(source, Model):
        return _from_flatbuffer(source, "the .tflite model", signature)
    if signature is not None:
        raise ArgumentError("signature: expected a SavedModel or a .tflite to choose one of")
    keras_model = _from_keras_object(source)
    if keras_model is not None:
        return keras_model
    function = _from_function_object(source)
    if function is not None:
        return function
    raise ArgumentError(
        "model: expected a Keras model, a tf.function with an input_signature, a concrete function,"
        " a tfq.Model, or a path to a .keras, .h5, .tflite file or a SavedModel directory; "
        f"got {type(source).__module__}.{type(source).__qualname__}"
    )


def _open_path(path: Path, signature: str | None, unsafe_load: bool) -> Source:
    if not path.exists():
        raise InvalidModelError(f"{path}: no such file or directory")
    if path.is_dir():
        return _open_saved_model(path, signature)
    suffix = path.suffix.lower()
    if suffix == ".tflite":
        return _from_flatbuffer(load(path), str(path), signature)
    if signature is not None:
        raise ArgumentError(f"signature: expected a SavedModel or a .tflite, got {path}")
    if not path.is_file():
        raise InvalidModelError(f"{path}: expected a file, found a pipe or a device")
    if suffix in (".keras", ".h5", ".hdf5"):
        model = keras_files.load(path, unsafe=unsafe_load)
        opened = _from_keras_object(model, label=str(path))
        if opened is None:
            raise InvalidModelError(
                f"{path}: expected a whole model, found a {type(model).__name__}"
            )
        return opened
    raise InvalidModelError(
        f"{path}: expected a .keras, .h5, .hdf5 or .tflite file or a SavedModel directory; "
        f"found a file named *{suffix or path.name}"
    )


def _from_flatbuffer(model: Model, label: str, signature: str | None) -> FlatbufferSource:
    model = flatbuffers.prepared(model, label, signature)
    inputs = tuple(
        InputSpec(
            name,
            tuple(None if dim < 0 else dim for dim in tensor.shape_signature or tensor.shape),
            tensor.dtype,
        )
        for name, tensor in zip(model.input_names, model.inputs, strict=True)
    )
    return FlatbufferSource(inputs, model, label)


def _open_saved_model(path: Path, signature: str | None) -> GraphSource:
    if not any((path / name).exists() for name in ("saved_model.pb", "saved_model.pbtxt")):
        raise InvalidModelError(
            f"{path}: expected a SavedModel directory; it holds no saved_model.pb"
        )
    tensorflow = _tensorflow()
    try:
        loaded = tensorflow.saved_model.load(str(path))
    except Exception as error:  # TensorFlow raises whatever the broken part of the file provokes
        raise InvalidModelError(f"{path}: TensorFlow cannot load it: {one_line(error)}") from error
    signatures = dict(loaded.signatures)
    if signature is None:
        signature = next(iter(signatures)) if len(signatures) == 1 else "serving_default"
    if signature not in signatures:
        raise InvalidModelError(
            f"{path}: expected a signature {signature!r}; it has {', '.join(signatures) or 'none'}"
        )
    return _from_concrete(signatures[signature], str(path), owner=loaded)


def _from_function_object(source: Any) -> GraphSource | None:
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return None
    if isinstance(source, tensorflow.types.experimental.ConcreteFunction):
        return _from_concrete(source, "the concrete function", owner=source)
    if not isinstance(source, tensorflow.types.experimental.PolymorphicFunction):
        return None
    if source.input_signature is None:
        raise ArgumentError(
            "model: expected a tf.function with an input_signature; pass "
            "fn.get_concrete_function(tf.TensorSpec(shape, dtype, name=…)) instead"
        )
    try:
        function = source.get_concrete_function()
    except Exception as error:  # the model's own code runs here
        raise ConversionError(f"the tf.function cannot be traced: {one_line(error)}") from error
    return _from_concrete(function, "the tf.function", owner=source)


def _from_concrete(function: Any, label: str, owner: Any) -> GraphSource:
    """Gives a concrete function, whatever the structure of its arguments, flat named ones."""
    tree = _tensorflow().nest
    structure = function.structured_input_signature
    if structure is None:  # a frozen or imported graph: no structure, but named placeholders
        specs = list(function.inputs)
        names = [spec.name.split(":")[0] for spec in specs]

        def call(tensors: Sequence[Any]) -> dict[str, Any]:
            return _named(tree, function(*tensors))
    else:
        leaves = tree.flatten(structure)  # specs, and constants such as training=False
        places = [index for index, leaf in enumerate(leaves) if hasattr(leaf, "shape")]
        specs = [leaves[place] for place in places]
        names = [str(spec.name or f"input_{index}") for index, spec in enumerate(specs)]

        def call(tensors: Sequence[Any]) -> dict[str, Any]:
            filled = list(leaves)
            for place, tensor in zip(places, tensors, strict=True):
                filled[place] = tensor
            arguments, keywords = tree.pack_sequence_as(structure, filled)
            return _named(tree, function(*arguments, **keywords))

    return GraphSource(_inputs(label, names, specs), call, label, owner)


def _from_keras_object(source: Any, label: str = "the Keras model") -> GraphSource | None:
    package = _keras_package(source)
    if package is None:
        return None
    _check_backend(package)
    tree = _tensorflow().nest
    structure = _keras_inputs(source, label)
    leaves = tree.flatten(structure)
    names = _structure_names(tree, structure) or [
        f"input_{index}" if re.fullmatch(r"keras_tensor(_\d+)?", leaf.name) else leaf.name
        for index, leaf in enumerate(leaves)
    ]
    output_names = list(getattr(source, "output_names", None) or ())

    scheme, exporting = _simulation(source)

    def call(tensors: Sequence[Any]) -> dict[str, Any]:
        with exporting():
            outputs = source(tree.pack_sequence_as(structure, list(tensors)), training=False)
        return _named(tree, outputs, output_names)

    return GraphSource(_inputs(label, names, leaves), call, label, source, scheme)


def _simulation(model: Any) -> tuple[Scheme | None, Callable[[], AbstractContextManager[None]]]:
    """The scheme that a Keras model simulates, and the context in which it is traced."""
    if "tfq.qat" in sys.modules:  # without that, there is no such model
        from tfq.qat.exporting import exporting
        from tfq.qat.trained import check_ranges, scheme_of

        scheme = scheme_of(model)
        if scheme is not None:
            check_ranges(model)
            return scheme, exporting
    return None, nullcontext


def _keras_package(source: Any) -> Any:
    """The package (`keras` or `tf_keras`) whose model this is, or None."""
    for name in ("keras", "tf_keras"):
        package = sys.modules.get(name)
        if package is not None and isinstance(source, package.Model):
            return package
    return None


def _check_backend(package: Any) -> None:
    backend = package.backend.backend()
    if backend != "tensorflow":
        raise ConversionError(
            f"expected Keras on its TensorFlow backend, found {backend!r}: save the model as .keras"
            " and convert that file, or set KERAS_BACKEND=tensorflow"
        )


def _keras_inputs(model: Any, label: str) -> Any:
    """The (nested) symbolic inputs of a Keras model, or specs where it was only ever called."""
    for attribute in ("input", "inputs"):  # the first keeps dictionaries and lists apart
        try:
            structure = getattr(model, attribute)
        except (AttributeError, ValueError, RuntimeError):
            continue
        if structure is not None and not (isinstance(structure, list) and not structure):
            return structure
    shapes = list((getattr(model, "_build_shapes_dict", None) or {}).values())
    if len(shapes) == 1 and isinstance(shapes[0], tuple):  # a subclass of keras.Model, once called
        open_batch = (None, *shapes[0][1:])
        return _tensorflow().TensorSpec(open_batch, model.compute_dtype, name="input_0")
    raise ConversionError(
        f"{label} has no known inputs: expected a functional, sequential or built model. Call it "
        "on a sample first, or convert tf.function(model, input_signature=[tf.TensorSpec(…)])"
    )


def _structure_names(tree: Any, structure: Any) -> list[str] | None:
    """Names from the keys of a dictionary of inputs; None for any other structure."""
    if not isinstance(structure, dict):
        return None
    return [str(key) for key in sorted(structure) for _ in tree.flatten(structure[key])]


def _inputs(label: str, names: Sequence[str], specs: Sequence[Any]) -> tuple[InputSpec, ...]:
    if not specs:
        raise ConversionError(f"{label} has no inputs")
    inputs = []
    for name, spec in zip(distinct(names), specs, strict=True):
        dtype = getattr(spec.dtype, "name", str(spec.dtype))
        if getattr(spec.shape, "rank", 0) is None:
            raise ConversionError(f"{label}: input {name!r} has no fixed rank")
        inputs.append(InputSpec(name, tuple(spec.shape), dtype))
    return tuple(inputs)


def _named(tree: Any, outputs: Any, names: Sequence[str] = ()) -> dict[str, Any]:
    """Names the outputs: by their dictionary's keys, else by `names`, else by number."""
    if isinstance(outputs, dict) and not any(isinstance(v, (dict, list)) for v in outputs.values()):
        return dict(outputs)
    flat = tree.flatten(outputs)
    if len(set(names)) != len(flat):
        names = [f"output_{index}" for index in range(len(flat))]
    return dict(zip(names, flat, strict=True))


def _tensorflow() -> Any:
    try:
        import tensorflow
    except ImportError as error:
        raise MissingDependencyError(
            "converting from TensorFlow or Keras needs tensorflow: pip install 'tfq[convert]'"
        ) from error
    return tensorflow
