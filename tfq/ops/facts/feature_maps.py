"""Facts about feature maps: the inputs and outputs that hold data, be they constants or not.

Weights, biases and parameters (shapes, axes, paddings, begins, sizes, slopes) are no feature maps;
the constant that ADD adds is one. Compilers for accelerators think in this word.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tfq.model import Operator, Tensor

# Which inputs are parameters.
_SECOND = (1,)
_PARAMETERS: dict[str, tuple[int, ...]] = {
    "ARG_MAX": _SECOND,
    "ARG_MIN": _SECOND,
    "BATCH_TO_SPACE_ND": (1, 2),
    "BROADCAST_TO": _SECOND,
    "CUMSUM": _SECOND,
    "DYNAMIC_UPDATE_SLICE": (2,),
    "EXPAND_DIMS": _SECOND,
    "FILL": (0,),
    "MEAN": _SECOND,
    "MIRROR_PAD": _SECOND,
    "PAD": _SECOND,
    "PADV2": _SECOND,
    # The slopes.
    "PRELU": _SECOND,
    "REDUCE_ALL": _SECOND,
    "REDUCE_ANY": _SECOND,
    "REDUCE_MAX": _SECOND,
    "REDUCE_MIN": _SECOND,
    "REDUCE_PROD": _SECOND,
    "RESHAPE": _SECOND,
    "RESIZE_BILINEAR": _SECOND,
    "RESIZE_NEAREST_NEIGHBOR": _SECOND,
    "REVERSE_V2": _SECOND,
    "SCATTER_ND": (0, 2),
    "SLICE": (1, 2),
    "SPACE_TO_BATCH_ND": (1, 2),
    "SPLIT": (0,),
    "SPLIT_V": (1, 2),
    "STRIDED_SLICE": (1, 2, 3),
    "SUM": _SECOND,
    "TILE": _SECOND,
    "TOPK_V2": _SECOND,
    "TRANSPOSE": _SECOND,
    "TRANSPOSE_CONV": (0,),
}


def parameters(op: Operator) -> list[Tensor]:
    """Return the inputs that say what to do with the data."""
    places = [place for place in _PARAMETERS.get(op.name, ()) if place < len(op.inputs)]
    found = [op.inputs[place] for place in places]
    return [each for each in found if each is not None]


def incoming(op: Operator) -> list[Tensor]:
    """Return the inputs that hold data."""
    # The second matrix of BATCH_MATMUL is data like the first, constant or not.
    weights = () if op.name == "BATCH_MATMUL" else op.all_weights
    others = {*weights, *op.all_biases, *parameters(op)}
    return [each for each in op.inputs if each is not None and each not in others]


def feature_maps(op: Operator) -> list[Tensor]:
    """Return the inputs and outputs that hold data."""
    return [*incoming(op), *op.outputs]


def feature_map_types(op: Operator) -> tuple[str, ...]:
    """The type of each feature map."""
    return tuple([each.dtype for each in feature_maps(op)])


def parameter_types(op: Operator) -> tuple[str, ...]:
    """The type of each input that is a shape, an axis, a padding, a begin or a size."""
    return tuple([each.dtype for each in parameters(op)])


def parameters_stored(op: Operator) -> bool:
    """Whether the parameters stand in the file: shapes, axes, paddings, begins, sizes."""
    return all(each.is_constant for each in parameters(op))


def unquantized_types(op: Operator) -> tuple[str, ...]:
    """The types of the feature maps and weights that have no scale."""
    tensors = [*feature_maps(op), *op.all_weights]
    return tuple([each.dtype for each in tensors if not _scales(each)])


def smallest_scale(op: Operator) -> float | None:
    """The smallest scale of a feature map or of weights."""
    tensors = [*feature_maps(op), *op.all_weights]
    return min((scale for each in tensors for scale in _scales(each)), default=None)


def scaled_inputs(op: Operator) -> int:
    """How many inputs that hold data have a scale."""
    return sum(bool(_scales(each)) for each in incoming(op))


def output_scale_power_of_two(op: Operator) -> bool | None:
    """Whether the output's scale is a power of two."""
    table = op.outputs[0].quantization if op.outputs else None
    return table.power_of_two if table is not None else None


def different_types(op: Operator) -> int:
    """How many different types the feature maps have."""
    return len(set(feature_map_types(op)))


def different_input_types(op: Operator) -> int:
    """How many different types the inputs that hold data have."""
    return len({each.dtype for each in incoming(op)})


def most_scales(op: Operator) -> int:
    """How many scales the tensor with the most of them has: more than 1 is per channel."""
    tensors = (*op.inputs, *op.outputs)
    return max((len(_scales(each)) for each in tensors if each is not None), default=0)


def granularities(op: Operator) -> tuple[str, ...]:
    """How many scales each feature map has: "per_tensor", "per_channel" or "blockwise"."""
    tables = [each.quantization for each in feature_maps(op)]
    return tuple([table.granularity for table in tables if table is not None])


def one_quantization(op: Operator) -> bool:
    """Whether all feature maps, also constant ones, have the same scales and zero points."""
    return len({each.quantization for each in feature_maps(op)}) <= 1


def free_axes(op: Operator) -> tuple[int, ...]:
    """The axes of feature maps that are open at run time, counted from 0."""
    return tuple(
        [
            axis
            for each in feature_maps(op)
            for axis, size in enumerate(each.shape_signature)
            if size < 0
        ]
    )


def empty_dimensions(op: Operator) -> int:
    """How many dimensions of feature maps are 0."""
    return sum(each.shape.count(0) for each in feature_maps(op))


def outputs(op: Operator) -> int:
    """How many outputs there are."""
    return len(op.outputs)


def input_zero_points_int8(op: Operator) -> tuple[int, ...]:
    """The zero points of the inputs that hold data of int8."""
    return _zero_points(incoming(op), "int8")


def input_zero_points_uint8(op: Operator) -> tuple[int, ...]:
    """The zero points of the inputs that hold data of uint8."""
    return _zero_points(incoming(op), "uint8")


def input_zero_points_int16(op: Operator) -> tuple[int, ...]:
    """The zero points of the inputs that hold data of int16."""
    return _zero_points(incoming(op), "int16")


def input_zero_points_int32(op: Operator) -> tuple[int, ...]:
    """The zero points of the inputs that hold data of int32."""
    return _zero_points(incoming(op), "int32")


def output_zero_points_int8(op: Operator) -> tuple[int, ...]:
    """The zero points of the outputs of int8."""
    return _zero_points(op.outputs, "int8")


def output_zero_points_int16(op: Operator) -> tuple[int, ...]:
    """The zero points of the outputs of int16."""
    return _zero_points(op.outputs, "int16")


def output_zero_points_uint8(op: Operator) -> tuple[int, ...]:
    """The zero points of the outputs of uint8."""
    return _zero_points(op.outputs, "uint8")


def output_zero_points_int32(op: Operator) -> tuple[int, ...]:
    """The zero points of the outputs of int32."""
    return _zero_points(op.outputs, "int32")


def output_zero_points_signed(op: Operator) -> tuple[int, ...]:
    """The zero points of the outputs of int8, int16 and int32."""
    return _zero_points(op.outputs, "int8", "int16", "int32")


def _zero_points(tensors: Sequence[Tensor], *dtypes: str) -> tuple[int, ...]:
    found = [each.quantization for each in tensors if each.dtype in dtypes]
    return tuple([point for table in found if table is not None for point in table.zero_points])


def _scales(tensor: Tensor) -> tuple[float, ...]:
    return tensor.quantization.scales if tensor.quantization is not None else ()


FACTS: dict[str, Callable[[Operator], object]] = {
    each.__name__: each
    for each in (
        different_input_types,
        different_types,
        empty_dimensions,
        feature_map_types,
        free_axes,
        granularities,
        input_zero_points_int16,
        input_zero_points_int32,
        input_zero_points_int8,
        input_zero_points_uint8,
        most_scales,
        one_quantization,
        output_scale_power_of_two,
        output_zero_points_int16,
        output_zero_points_int32,
        output_zero_points_int8,
        output_zero_points_signed,
        output_zero_points_uint8,
        outputs,
        parameter_types,
        parameters_stored,
        scaled_inputs,
        smallest_scale,
        unquantized_types,
    )
}
