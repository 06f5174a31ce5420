"""LiteRT Quantizer, for float `.tflite` sources and for what TFLiteConverter does not offer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from typing import Any, NamedTuple

from tfq.convert.calibration import Samples
from tfq.convert.feed import Feed
from tfq.convert.flatbuffers import in_todays_form, with_distinct_names
from tfq.convert.memory import Memory
from tfq.convert.request import Request
from tfq.convert.small_weights import misfits, unfused, warn_of_others
from tfq.convert.sources import InputSpec
from tfq.errors import ConversionError, MissingDependencyError, one_line
from tfq.model import Model, load
from tfq.passes.ranges import digest
from tfq.runtime import quiet

_EVERY = ".*"


def quantize(
    model: Model,
    inputs: Sequence[InputSpec],
    request: Request,
    samples: Samples | None,
    label: str,
    memory: Memory,
) -> bytes:
    """Quantizes a float model.

    Args:
        model: all its weights in float32; with a signature that names all its inputs.
        inputs: its inputs, in order.
        request: mode, granularity, bits of weights.
        samples: calibration data by the names of the model's inputs, where the mode needs them.
        label: what to call the model in messages.
        memory: where ranges are kept: calibrating takes longer than all else. They are a moving
            average of the samples', and clip what is larger.

    Returns:
        The content of a file.

    Raises:
        ConversionError: LiteRT Quantizer refuses the model.
        MissingDependencyError: litert-quantizer is not installed.
    """
    if request.mode.name == "float32":
        return bytes(model)
    try:
        from litert_quantizer import quantizer
    except ImportError as error:
        raise MissingDependencyError(
            f"{request.mode.name} of this model needs litert-quantizer: pip install 'tfq[quantize]'"
        ) from error
    with quiet.silenced(request.verbose) as terminal:
        try:
            ready = in_todays_form(with_distinct_names(unfused(model, request)))
            work = quantizer.Quantizer(bytearray(bytes(ready)))
            _configure(work, request, ready)
            ranges = None
            if request.mode.needs_calibration and samples is not None:
                names = dict(zip([spec.name for spec in inputs], ready.input_names, strict=True))
                with Feed(samples, inputs, names, terminal) as feed:
                    measure = partial(work.calibrate, {_entry(ready): feed}, num_threads=1)
                    # Quantizing may write into them.
                    ranges = deepcopy(memory.once(("litert ranges", digest(ready)), measure))
            result = work.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
            content = bytes(result.quantized_model)
        except Exception as error:  # the library raises many types
            raise ConversionError(
                f"{label}{_custom(model)} cannot be quantized to {request.mode.name}: "
                f"{one_line(error)}"
            ) from error
    if request.weight_bits != 8:
        warn_of_others(load(content), request)
    return content


def _custom(model: Model) -> str:
    """What may be why it does not run: LiteRT's message does not always name the operator."""
    operators = [op for subgraph in model.subgraphs for op in subgraph.operators if op.is_custom]
    names = dict.fromkeys(op.name for op in operators)
    return f" with custom operators ({', '.join(names)})" if names else ""


def _entry(model: Model) -> str:
    """The signature whose names are those of `input_names`."""
    names = set(model.input_names)
    return next(each.name for each in model.signatures if names <= each.inputs.keys())


def _configure(work: Any, request: Request, model: Model) -> None:
    """Writes the recipe for a mode."""
    from litert_quantizer import qtyping
    from litert_quantizer.algorithm_manager import AlgorithmName

    ops = qtyping.TFLOperationName
    if request.mode.name == "float16":
        half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
        config = qtyping.OpQuantizationConfig(
            weight_tensor_config=half,
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        )
        work.update_quantization_recipe(
            _EVERY, ops.ALL_SUPPORTED, config, AlgorithmName.FLOAT_CASTING
        )
        return
    for row in _recipe(request, model):
        _add(work, request, row)
    for place, dtype in (("INPUT", request.input_type), ("OUTPUT", request.output_type)):
        if request.mode.integer and dtype == "float32":
            work.update_quantization_recipe(
                _EVERY, ops[place], algorithm_key=AlgorithmName.NO_QUANTIZE
            )


class _Row(NamedTuple):
    """What weights become; a later row overrides an earlier one.

    Attributes:
        scope: a pattern of operators' names, which are those of their outputs.
        operator: the library's name of a kind of operators.
        bits: of the weights.
        granularity: the library's name of one.
    """

    scope: str
    operator: str
    bits: int
    granularity: str


def _recipe(request: Request, model: Model) -> list[_Row]:
    """8 bits for all that has weights, then 4 for the operators that can have them."""
    whole = "TENSORWISE" if request.granularity == "per_tensor" else "CHANNELWISE"
    rows = [_Row(_EVERY, "ALL_SUPPORTED", 8, whole)]
    if request.weight_bits == 8:
        return rows
    if request.block_size is None:
        return rows + [_Row(_EVERY, name, 4, whole) for name in request.mode.four_bits]
    blocks = f"BLOCKWISE_{request.block_size}"
    rows += [_Row(_EVERY, name, 4, blocks) for name in request.mode.blockwise]
    unfit = [re.escape(op.outputs[0].name) for op in misfits(model, request)]
    if unfit:
        scope = rf"\A({'|'.join(unfit)});"
        rows += [_Row(scope, name, 8, whole) for name in request.mode.blockwise]
    return rows


def _add(work: Any, request: Request, row: _Row) -> None:
    from litert_quantizer import qtyping

    operator = qtyping.TFLOperationName[row.operator]
    granularity = qtyping.QuantGranularity[row.granularity]
    match request.mode.name:
        case "dynamic_range":
            work.add_dynamic_config(row.scope, operator, row.bits, granularity)
        case "weight_only":
            work.add_weight_only_config(row.scope, operator, row.bits, granularity)
        case "full_integer":
            work.add_static_config(row.scope, operator, 8, row.bits, granularity)
        case "int16x8":
            work.add_static_config(row.scope, operator, 16, row.bits, granularity)


def with_shapes(model: Model, inputs: Sequence[InputSpec], label: str) -> Model:
    """The float model with the shapes that were asked for its inputs, and what follows from them.

    Args:
        model: a float model.
        inputs: its inputs, in order, with the shapes to give them; an open one leaves all open.
        label: what to call the model in messages.

    Raises:
        ConversionError: the model does not run with these shapes.
    """
    asked = [spec.shape for spec in inputs]
    own = [tensor.shape_signature or tensor.shape for tensor in model.inputs]
    if any(None in shape for shape in asked) or asked == own:
        return model
    from ai_edge_litert import interpreter as litert

    plain = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    with quiet.silenced():
        try:
            runner = litert.Interpreter(
                model_content=bytes(model), experimental_op_resolver_type=plain
            )
            for tensor, shape in zip(model.inputs, asked, strict=True):
                runner.resize_tensor_input(tensor.index, shape)
            runner.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ConversionError(
                f"{label} does not run with inputs {'; '.join(map(str, inputs))}: {one_line(error)}"
            ) from error
    shapes = {detail["index"]: detail["shape"] for detail in runner.get_tensor_details()}
    draft = model.draft()
    for index, tensor in enumerate(draft["subgraphs"][0]["tensors"]):
        tensor["shape"], tensor["shape_signature"] = shapes[index].tolist(), None
    return Model.from_draft(draft)
