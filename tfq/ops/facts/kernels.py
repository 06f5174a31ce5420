"""Facts about kernels: of convolutions, and the windows of pooling."""

from __future__ import annotations

from tfq.ops import roles
from tfq.ops.facts.places import data, result, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tfq.model import Operator


def _option(op: Operator, *names: str) -> int | None:
    """Return the first of these options that the operator has."""
    for name in names:
        if name in op.options:
            value: int = op.options[name]
            return value
    return None


def _kernel(op: Operator, axis: int, option: str) -> int | None:
    tensor = op.weights
    return size(tensor, axis) if tensor is not None else _option(op, option)


def kernel_height(op: Operator) -> int | None:
    """The height of the kernel or of the pooling window."""
    return _kernel(op, 1, "filter_height")


def kernel_width(op: Operator) -> int | None:
    """The width of the kernel or of the pooling window."""
    return _kernel(op, 2, "filter_width")


def kernel_area(op: Operator) -> int | None:
    """Height times width of the kernel or of the pooling window."""
    height, width = kernel_height(op), kernel_width(op)
    return height * width if height is not None and width is not None else None


def kernel_covers_input(op: Operator) -> bool | None:
    """Whether the kernel or window is as large as the input."""
    tensor = data(op)
    kernel, given = (kernel_height(op), kernel_width(op)), (size(tensor, 1), size(tensor, 2))
    return None if None in (*kernel, *given) else kernel == given


def kernel_fits_input(op: Operator) -> bool | None:
    """Whether the kernel or window is not larger than the input."""
    tensor = data(op)
    sizes = (kernel_height(op), kernel_width(op), size(tensor, 1), size(tensor, 2))
    if None in sizes:
        return None
    height, width, rows, columns = (each or 0 for each in sizes)
    return height <= rows and width <= columns


def stride_height(op: Operator) -> int | None:
    """The stride along the height."""
    return _option(op, "stride_h")


def stride_width(op: Operator) -> int | None:
    """The stride along the width."""
    return _option(op, "stride_w")


def strides_equal(op: Operator) -> bool | None:
    """Whether the strides along height and width are the same."""
    return None if stride_height(op) is None else stride_height(op) == stride_width(op)


def dilation_height(op: Operator) -> int | None:
    """The dilation along the height."""
    return _option(op, "dilation_h_factor")


def dilation_width(op: Operator) -> int | None:
    """The dilation along the width."""
    return _option(op, "dilation_w_factor")


def dilations_equal(op: Operator) -> bool | None:
    """Whether the dilations along height and width are the same."""
    return None if dilation_height(op) is None else dilation_height(op) == dilation_width(op)


def depth_multiplier(op: Operator) -> float | None:
    """How many output channels a depthwise convolution makes of one input channel."""
    if op.name != "DEPTHWISE_CONV_2D":
        return None
    tensor, made = data(op), result(op)
    if tensor is None or made is None or not tensor.shape or not made.shape:
        return None
    return made.shape[-1] / tensor.shape[-1] if tensor.shape[-1] else None


def groups(op: Operator) -> float | None:
    """Into how many groups the input channels of CONV_2D are divided."""
    weights = op.weights
    tensor = data(op)
    if op.name != "CONV_2D" or weights is None or tensor is None or not tensor.shape:
        return None
    depth = size(weights, 3)
    return tensor.shape[-1] / depth if depth else None


def weights_per_output(op: Operator) -> int | None:
    """How many weights are multiplied and summed for one value of the output."""
    weights = op.weights
    if weights is None or not weights.shape:
        return None
    count = 1
    for axis, each in enumerate(weights.shape):
        if axis != roles.channel_axis(op):
            count *= each
    return count


FACTS: dict[str, Callable[[Operator], object]] = {
    each.__name__: each
    for each in (
        depth_multiplier,
        dilation_height,
        dilation_width,
        dilations_equal,
        groups,
        kernel_area,
        kernel_covers_input,
        kernel_fits_input,
        kernel_height,
        kernel_width,
        stride_height,
        stride_width,
        strides_equal,
        weights_per_output,
    )
}
