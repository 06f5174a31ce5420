"""In which numbers an operator computes."""

from __future__ import annotations

from tfq.ops import roles
from tfq.ops.dtypes import FLOATS, QUANTIZED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfq.model import Operator

_FLOAT16 = "float16"


def compute(op: Operator) -> str:
    """Say in which numbers an operator computes, judged by the tensors it touches.

    Its inputs and outputs decide, in this order; intermediate tensors do not count.

    1. `float16`: one of them is float16. So are the DEQUANTIZE operators that unpack the constants
       of a float16 model; the operators that take what comes out compute in float32 (case 4).
    2. `integer`: none of them holds floating-point numbers. That is quantized arithmetic, and also
       what only moves or counts things: shapes, indices, bools, strings, resources; and an
       operator without tensors.
    3. `hybrid`: there are floats, and the operator's own weights are integers stored in the file.
       The kernel multiplies integers after it quantized its input on the run, or unpacks them.
    4. `float`: all others. So are QUANTIZE and DEQUANTIZE where a model passes between floats and
       integers, SHAPE of a float tensor, control flow that hands floats on, and custom operators
       with a float anywhere.

    Args:
        op: Any operator, built-in or custom.

    Returns:
        `"integer"`, `"hybrid"`, `"float16"` or `"float"`.
    """
    touched = {tensor.dtype for tensor in (*op.inputs, *op.outputs) if tensor is not None}
    if _FLOAT16 in touched:
        return "float16"
    if touched.isdisjoint(FLOATS):
        return "integer"
    for tensor in roles.all_weights(op):
        if tensor.is_constant and tensor.dtype in QUANTIZED:
            return "hybrid"
    return "float"


def integer_share(operators: Iterable[Operator]) -> float:
    """Return which share of the operators computes in integers.

    Args:
        operators: Operators of one or more subgraphs.

    Returns:
        A number from 0 to 1; 1 for no operators at all.
    """
    kinds = [op.compute for op in operators]
    return kinds.count("integer") / len(kinds) if kinds else 1.0
