"""Float `.tflite` files, whatever made them, brought into the one form that conversions take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tfq import ops
from tfq.convert.names import distinct
from tfq.errors import ArgumentError, ConversionError
from tfq.format import Draft
from tfq.model import Model, Signature, Tensor
from tfq.passes.float_weights import float_weights

DEFAULT_SIGNATURE = "serving_default"
_HALVES = ("float16", "bfloat16")


def prepared(model: Model, label: str, signature: str | None = None) -> Model:
    """Brings a float model into the form that conversions take.

    1. What is converted is the first subgraph: that of the chosen signature.
    2. Weights stored as float16 or sparse are float32 and dense.
    3. A signature names every input and every output, each differently.

    Args:
        model: any model.
        label: what to call it in messages.
        signature: which of several signatures; by default `serving_default`, or the only one.

    Returns:
        The new model, or `model` itself if it has this form.

    Raises:
        ArgumentError: there is no such signature.
        ConversionError: the model has no inputs, is quantized, computes in float16, or has several
            signatures of which none is chosen.
    """
    model = _chosen(model, label, signature)
    if not model.inputs:
        raise ConversionError(f"{label} has no inputs")
    if not model.outputs:
        raise ConversionError(f"{label} has no outputs")
    _check_not_quantized(model, label)
    model, _ = float_weights(model)
    _check_single_precision(model, label)
    return with_signature(model)


def with_distinct_names(model: Model) -> Model:
    """The model with another name for each tensor, in all subgraphs together.

    Args:
        model: any model.

    Returns:
        The new model, or `model` itself if every tensor has a name of its own already.
    """
    tensors = [tensor for subgraph in model.subgraphs for tensor in subgraph.tensors]
    uses = Counter(tensor.name for tensor in tensors)
    if len(uses) == len(tensors) and "" not in uses:
        return model
    draft = model.draft()
    rows = [row for subgraph in draft["subgraphs"] for row in subgraph["tensors"] or ()]
    for number, (tensor, row) in enumerate(zip(tensors, rows, strict=True)):
        if tensor.name and uses[tensor.name] == 1:
            continue
        name = f"{tensor.name or 'tensor'}_{number}"
        while name in uses:
            name += "_"
        uses[name] = 1
        row["name"] = name
    return Model.from_draft(draft)


def in_todays_form(model: Model) -> Model:
    """The model as today's converters write it, where they write what old ones did not.

    1. Every operator is named by the field that schema 3a (TensorFlow 2.4) added. Older files have
       the old field only, and so 0 in the new one, which is ADD: LiteRT Quantizer 0.11, which reads
       the new one only, takes their weights for activations.
    2. There is an empty buffer for the tensors that have none.

    Args:
        model: any model.

    Returns:
        The new model, or `model` itself if it has this form.
    """
    draft = model.draft()
    codes = draft["operator_codes"] or ()
    old = [code for code in codes if code["builtin_code"] < code["deprecated_builtin_code"]]
    if not old and model.buffers:
        return model
    for code in old:
        code["builtin_code"] = code["deprecated_builtin_code"]
    draft["buffers"] = draft["buffers"] or [Draft("Buffer")]
    return Model.from_draft(draft)


def with_signature(model: Model) -> Model:
    """The model with a signature by which every input and output can be told from the others.

    Args:
        model: any model.

    Returns:
        The new model, or `model` itself if it has such a signature.
    """
    for signature in model.signatures:
        named = (set(signature.inputs.values()), set(signature.outputs.values()))
        if named == (set(model.inputs), set(model.outputs)):
            return model
    own = next(iter(model.signatures), None)
    draft = model.draft()
    draft["signature_defs"] = [
        Draft(
            "SignatureDef",
            signature_key=own.name if own else DEFAULT_SIGNATURE,
            inputs=_named("input", model.inputs, own.inputs if own else {}),
            outputs=_named("output", model.outputs, own.outputs if own else {}),
        )
    ]
    return Model.from_draft(draft)


def _chosen(model: Model, label: str, name: str | None) -> Model:
    """Leaves one subgraph to convert, and those that it runs.

    Each signature on a subgraph of its own is another function, with other inputs: calibration
    data fit one of them. So one is chosen, as from a SavedModel. Several names of the first
    subgraph need no choice.
    """
    entries = {signature.name: signature for signature in model.signatures}
    places = {signature.subgraph.index for signature in model.signatures}
    if name is None:
        if not places - {0}:
            return model
        name = next(iter(entries)) if len(entries) == 1 else DEFAULT_SIGNATURE
        if name not in entries:
            raise ConversionError(
                f"{label}: expected one signature, or signature=… to choose one; it has "
                f"{', '.join(entries)}"
            )
    if name not in entries:
        raise ArgumentError(
            f"signature: expected one of {label} ({', '.join(entries) or 'it has none'}); "
            f"got {name!r}"
        )
    return model if places == {0} and len(entries) == 1 else _only(model, entries[name])


def _only(model: Model, chosen: Signature) -> Model:
    """The model with one entry: the subgraph of a signature first, then those that it runs."""
    kept = _reached(model, chosen.subgraph.index)
    numbers = {old: new for new, old in enumerate(kept)}
    draft = model.draft()
    subgraphs = draft["subgraphs"]
    for old in kept:
        rows = subgraphs[old]["operators"] or ()
        for operator, row in zip(model.subgraphs[old].operators, rows, strict=True):
            if ops.called_subgraphs(operator):
                _renumber(row, numbers)
    signature = draft["signature_defs"][model.signatures.index(chosen)]
    signature["subgraph_index"] = 0
    draft["signature_defs"] = [signature]
    draft["subgraphs"] = [subgraphs[old] for old in kept]
    _drop_data(draft, _buffers(subgraphs) - _buffers(draft["subgraphs"]))
    return Model.from_draft(draft)


def _reached(model: Model, start: int) -> list[int]:
    """The subgraphs that one runs, itself first."""
    reached = [start]
    for index in reached:  # grows meanwhile
        for operator in model.subgraphs[index].operators:
            reached += [each for each in ops.called_subgraphs(operator) if each not in reached]
    return list(dict.fromkeys(reached))


def _renumber(operator: Draft, numbers: dict[int, int]) -> None:
    for union in ("builtin_options", "builtin_options_2"):
        options = operator[union]
        if options is None:
            continue
        for name in options.schema.fields:
            if "subgraph" in name and name in options:
                old = options[name]
                many = not isinstance(old, int)
                options[name] = tuple(numbers[each] for each in old) if many else numbers[old]


def _buffers(subgraphs: list[Draft]) -> set[int]:
    return {row["buffer"] for subgraph in subgraphs for row in subgraph["tensors"] or ()}


def _drop_data(draft: Draft, unused: set[int]) -> None:
    for index in unused - {entry["buffer"] for entry in draft["metadata"] or ()}:
        draft["buffers"][index] = Draft("Buffer")


def _check_not_quantized(model: Model, label: str) -> None:
    """A quantized model cannot be quantized again: its float values are gone."""
    for tensor in _tensors(model):
        if tensor.quantization is not None and tensor.dtype not in ("float32", *_HALVES):
            raise ConversionError(
                f"{label} is already quantized (tensor {tensor.name!r} is {tensor.dtype}); "
                "expected a float model"
            )


def _check_single_precision(model: Model, label: str) -> None:
    """Kernels of integers come from float32 ones; float16 weights are unpacked by now."""
    for tensor in _tensors(model):
        if tensor.dtype in _HALVES:
            raise ConversionError(
                f"{label} computes in {tensor.dtype} (tensor {tensor.name!r}); expected one that "
                "computes in float32, with no more than its weights in float16"
            )


def _tensors(model: Model) -> Iterator[Tensor]:
    return (tensor for subgraph in model.subgraphs for tensor in subgraph.tensors)


def _named(kind: str, tensors: Sequence[Tensor], given: dict[str, Tensor]) -> list[Draft]:
    """Names by an incomplete signature, else those of the tensors, else numbers."""
    names = {tensor: name for name, tensor in given.items()}
    wanted = [
        names.get(tensor) or tensor.name or f"{kind}_{place}"
        for place, tensor in enumerate(tensors)
    ]
    return [
        Draft("TensorMap", name=name, tensor_index=tensor.index)
        for name, tensor in zip(distinct(wanted), tensors, strict=True)
    ]
