"""LiteRT Quantizer, for float `.tflite` sources and for what TFLiteConverter does not offer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfq.convert.calibration import Samples
from tfq.convert.feed import Feed
from tfq.convert.request import Request
from tfq.convert.sources import InputSpec
from tfq.errors import ConversionError, MissingDependencyError, one_line
from tfq.format import Draft
from tfq.model import Model
from tfq.runtime import quiet


def quantize(
    model: Model,
    inputs: Sequence[InputSpec],
    request: Request,
    samples: Samples | None,
    label: str,
) -> bytes:
    """Quantizes a float model.

    Args:
        model: all its weights in float32.
        inputs: its inputs, in order.
        request: mode and granularity.
        samples: calibration data by the names of the model's inputs, where the mode needs them.
        label: what to call the model in messages.

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
    feed = None
    with quiet.silenced(request.verbose) as terminal:
        try:
            ready = _with_signature(model)
            work = quantizer.Quantizer(bytearray(bytes(ready)))
            _configure(work, request)
            ranges = None
            if request.mode.needs_calibration and samples is not None:
                names = dict(zip([spec.name for spec in inputs], ready.input_names, strict=True))
                feed = Feed(samples, inputs, names, terminal)
                ranges = work.calibrate({ready.signatures[0].name: feed}, num_threads=1)
            result = work.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
            return bytes(result.quantized_model)
        except Exception as error:  # the library raises many types
            raise ConversionError(
                f"{label} cannot be quantized to {request.mode.name}: {one_line(error)}"
            ) from error
        finally:
            if feed is not None:
                feed.close()


def _configure(work: Any, request: Request) -> None:
    """Writes the recipe for a mode."""
    from litert_quantizer import qtyping
    from litert_quantizer.algorithm_manager import AlgorithmName

    every, ops = ".*", qtyping.TFLOperationName
    weights = (
        qtyping.QuantGranularity.TENSORWISE
        if request.granularity == "per_tensor"
        else qtyping.QuantGranularity.CHANNELWISE
    )
    match request.mode.name:
        case "dynamic_range":
            work.add_dynamic_config(every, ops.ALL_SUPPORTED, 8, weights)
        case "weight_only":
            work.add_weight_only_config(every, ops.ALL_SUPPORTED, 8, weights)
        case "float16":
            half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
            config = qtyping.OpQuantizationConfig(
                weight_tensor_config=half,
                compute_precision=qtyping.ComputePrecision.FLOAT,
                explicit_dequantize=True,
            )
            work.update_quantization_recipe(
                every, ops.ALL_SUPPORTED, config, AlgorithmName.FLOAT_CASTING
            )
        case "full_integer" | "int16x8":
            bits = 8 if request.mode.name == "full_integer" else 16
            work.add_static_config(every, ops.ALL_SUPPORTED, bits, 8, weights)
            for place, dtype in (("INPUT", request.input_type), ("OUTPUT", request.output_type)):
                if dtype == "float32":
                    work.update_quantization_recipe(
                        every, ops[place], algorithm_key=AlgorithmName.NO_QUANTIZE
                    )


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


def _with_signature(model: Model) -> Model:
    """The model with a signature, which LiteRT Quantizer insists on: its inputs and outputs."""
    if model.signatures:
        return model
    draft = model.draft()
    inputs, outputs = (
        [Draft("TensorMap", name=tensor.name, tensor_index=tensor.index) for tensor in tensors]
        for tensors in (model.inputs, model.outputs)
    )
    draft["signature_defs"] = [
        Draft("SignatureDef", signature_key="serving_default", inputs=inputs, outputs=outputs)
    ]
    return Model.from_draft(draft)
