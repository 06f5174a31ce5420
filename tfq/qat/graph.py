"""A Keras model as a list of calls: nested models taken apart, no layer touched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import keras

from tfq.errors import ArgumentError, one_line

_TENSOR = "__keras_tensor__"


@dataclass(frozen=True)
class Value:
    """What one call hands to others.

    Attributes:
        number: Tells it from others.
        dtype: Its type, such as `"float32"`.
        shape: With the batch first; None where a dimension is open.
    """

    number: int
    dtype: str = field(default="float32", compare=False)
    shape: tuple[int | None, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Call:
    """One call of a layer or operation.

    Attributes:
        layer: What is called.
        args: Its positional arguments: values, alone or in lists, and what is no tensor.
        kwargs: Its named arguments, likewise.
        outputs: What others read of what it returns, by place.
        path: The names of the models that the layer is in, and its own.
    """

    layer: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: dict[int, Value]
    path: str

    @property
    def output(self) -> Value:
        """The first output that is read."""
        return next(iter(self.outputs.values()))

    @property
    def values(self) -> list[Value]:
        """What it reads, in order."""
        leaves = keras.tree.flatten((list(self.args), self.kwargs))
        return [each for each in leaves if isinstance(each, Value)]


@dataclass(frozen=True)
class Graph:
    """A model.

    Attributes:
        inputs: What it takes, in the structure in which the model takes it.
        calls: What it does, in an order in which it can be done.
        outputs: What it gives, in the structure in which the model gives it.
        input_names: What Keras calls the inputs, in flat order.
        output_names: What it calls the outputs.
    """

    inputs: Any
    calls: list[Call]
    outputs: Any
    input_names: list[str]
    output_names: list[str]

    def readers(self) -> dict[Value, list[Call]]:
        """Return the calls that read a value, by value; nothing for one that nobody reads."""
        found: dict[Value, list[Call]] = {}
        for call in self.calls:
            for value in dict.fromkeys(call.values):
                found.setdefault(value, []).append(call)
        return found

    def is_output(self, value: Value) -> bool:
        """Say whether the model gives a value."""
        return value in keras.tree.flatten(self.outputs)


def read(model: Any) -> Graph:
    """Read a functional or Sequential model.

    Args:
        model: It, built.

    Raises:
        ArgumentError: If it is no such model, or not built.
    """
    _check(model)
    reader = _Reader()
    if isinstance(model, keras.Sequential):
        (inputs,) = values = [reader.value(model.inputs[0])]
        (outputs,) = reader.run_sequence(model, values, {}, ())
        names = [model.layers[-1].name]
    else:
        inputs = keras.tree.map_structure(reader.value, model.input)
        values = keras.tree.flatten(inputs)
        outputs = reader.run_function(model, values, {}, ())
        names = list(model.output_names)
    return Graph(inputs, reader.calls, outputs, [each.name for each in model.inputs], names)


def _check(model: Any) -> None:
    if not isinstance(model, keras.Model):
        raise ArgumentError(f"model: expected a Keras 3 model, got {type(model).__name__}")
    if keras.backend.backend() != "tensorflow":
        raise ArgumentError(
            f"model: expected Keras on its TensorFlow backend, got {keras.backend.backend()!r}"
        )
    if not isinstance(model, (keras.Sequential, keras.Function)):
        raise ArgumentError(
            f"model: expected a functional or Sequential model, got the subclass "
            f"{type(model).__name__}, whose layers cannot be seen; build it as "
            "keras.Model(inputs, outputs), or quantize the functional models inside"
        )
    if not model.built or not model.inputs:
        raise ArgumentError(
            f"model: expected {model.name!r} built; call model.build(input_shape) or it on a sample"
        )


class _Reader:
    """Collects calls, those of nested models among them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._count = 0

    def value(self, like: Any) -> Value:
        """Return a new value of the type and shape of a symbolic tensor."""
        return self._new(keras.backend.standardize_dtype(like.dtype), tuple(like.shape))

    def _new(self, dtype: str, shape: tuple[int | None, ...]) -> Value:
        self._count += 1
        return Value(self._count, dtype, shape)

    def run_sequence(
        self, model: Any, values: list[Value], kwargs: dict[str, Any], path: tuple[str, ...]
    ) -> list[Value]:
        """Read a Sequential model, called on one value."""
        (value,) = values
        for layer in model.layers:
            made = layer.compute_output_spec(keras.KerasTensor(value.shape, value.dtype))
            (value,) = self.run(layer, (value,), kwargs, {0: _spec(made)}, path).values()
        return [value]

    def run_function(
        self, model: Any, values: list[Value], kwargs: dict[str, Any], path: tuple[str, ...]
    ) -> Any:
        """Read a functional model, called on the values that it takes, in flat order."""
        config = _config(model)
        layers = {each.name: each for each in model.operations}
        names = keras.tree.flatten(_mapped(config["input_layers"], _Leaf))
        known = {leaf.key: value for leaf, value in zip(names, values, strict=True)}
        specs = _specs(config, keras.tree.flatten(model.outputs))
        waiting = [
            (each["name"], place, node)
            for each in config["layers"]
            for place, node in enumerate(each["inbound_nodes"])
        ]
        while waiting:
            left = []
            for name, place, node in waiting:
                if not all(key in known for key, _ in _references(node)):
                    left.append((name, place, node))
                    continue
                args, given = _filled(node["args"], known), _filled(node["kwargs"], known)
                wanted = {key[2]: spec for key, spec in specs.items() if key[:2] == (name, place)}
                made = self.run(layers[name], tuple(args), {**given, **kwargs}, wanted, path)
                known.update({(name, place, index): each for index, each in made.items()})
            assert len(left) < len(waiting), "the calls of a model have an order"
            waiting = left
        return _mapped(config["output_layers"], known.__getitem__)

    def run(
        self,
        layer: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        specs: dict[int, Any],
        path: tuple[str, ...],
    ) -> dict[int, Value]:
        """Read one call, which may be that of a model; return what it makes, by place."""
        inner = (*path, layer.name)
        if isinstance(layer, (keras.Sequential, keras.Function)):
            values = [each for each in keras.tree.flatten(list(args)) if isinstance(each, Value)]
            own = {name: each for name, each in kwargs.items() if name == "training"}
            own = {name: each for name, each in own.items() if each is not None}
            is_chain = isinstance(layer, keras.Sequential)
            run = self.run_sequence if is_chain else self.run_function
            return dict(enumerate(keras.tree.flatten(run(layer, values, own, inner))))
        outputs = {index: self._new(*spec) for index, spec in specs.items()}
        given = {name: each for name, each in kwargs.items() if name != "mask"}
        is_layer = isinstance(layer, keras.layers.Layer)
        if not is_layer or given.get("training") is None:
            given.pop("training", None)
        self.calls.append(Call(layer, args, given, outputs, "/".join(inner)))
        return outputs


def _config(model: Any) -> dict[str, Any]:
    try:
        config: dict[str, Any] = model.get_config()
    except Exception as error:  # the user's own layers are asked
        raise ArgumentError(
            f"model: {model.name!r} has no configuration, which a saved model needs, too: "
            f"{one_line(error)}"
        ) from error
    return config


@dataclass(frozen=True)
class _Leaf:
    """The place of a tensor, kept together where structures are flattened."""

    key: tuple[str, int, int]


def _spec(tensor: Any) -> tuple[str, tuple[int | None, ...]]:
    return keras.backend.standardize_dtype(tensor.dtype), tuple(tensor.shape)


def _specs(config: dict[str, Any], outputs: list[Any]) -> dict[tuple[str, int, int], Any]:
    """Find type and shape of all that calls make, where it is read."""
    keys = keras.tree.flatten(_mapped(config["output_layers"], _Leaf))
    found = {leaf.key: _spec(tensor) for leaf, tensor in zip(keys, outputs, strict=True)}
    for layer in config["layers"]:
        for node in layer["inbound_nodes"]:
            found.update(_references(node))
    return found


def _references(node: Any) -> list[tuple[tuple[str, int, int], Any]]:
    """Find the tensors that a serialized call reads."""
    if isinstance(node, dict) and node.get("class_name") == _TENSOR:
        config = node["config"]
        return [(tuple(config["keras_history"]), (config["dtype"], tuple(config["shape"])))]
    items = node.values() if isinstance(node, dict) else node if _is_list(node) else ()
    return [found for item in items for found in _references(item)]


def _filled(node: Any, known: dict[Any, Value]) -> Any:
    """Return serialized arguments with values in the places of tensors."""
    if isinstance(node, dict):
        if node.get("class_name") == _TENSOR:
            return known[tuple(node["config"]["keras_history"])]
        if not _references(node) and "class_name" in node:
            return keras.saving.deserialize_keras_object(node)
        return {name: _filled(each, known) for name, each in node.items()}
    if not _is_list(node):
        return node
    filled = [_filled(each, known) for each in node]
    # The subscript of a tensor is a tuple, which the serialized form calls a list.
    return tuple(filled) if any(isinstance(each, slice) for each in filled) else filled


def _mapped(structure: Any, change: Any) -> Any:
    """Change each place of a tensor in a structure of them."""
    if isinstance(structure, dict):
        return {name: _mapped(each, change) for name, each in structure.items()}
    if _is_list(structure) and len(structure) == 3 and isinstance(structure[0], str):
        return change(tuple(structure))
    return [_mapped(each, change) for each in structure]


def _is_list(node: Any) -> bool:
    return isinstance(node, (list, tuple))
