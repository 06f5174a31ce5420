"""What vela 5.2 does beside what its report says, as constraints.

Found by compiling models of one operator: see `tests/lint/test_placement_ethos.py`.
"""

from __future__ import annotations

from typing import Any

# By profile, operators of the report that vela never takes.
NEVER = {"ethos-u55": ("REVERSE_V2",), "ethos-u85": ()}
REFUSED = "vela refuses the whole model"
ARITHMETIC = ["ADD", "DIV", "MUL", "SUB"]
COMPARISONS = ["EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL"]
CONVOLUTIONS = ["CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"]


def refused(operators: list[str], **require: Any) -> dict[str, Any]:
    """What an operator must be like for vela to compile the model at all."""
    return {"operators": operators, "require": require, "why": REFUSED}


BOTH = [
    {
        "operators": ARITHMETIC,
        "when": {"fused_activation": {"is_not": "NONE"}},
        "require": {"feature_map_types": {"is_not": "int32"}},
        "why": "no fused activation of 32 bits",
    },
    refused(["ARG_MAX", "HARD_SWISH"], input_type={"in": ["int8", "uint8"]}),
    refused([*ARITHMETIC, "MAXIMUM", "MINIMUM"], different_input_types=1),
]
# By profile, constraints of several operators.
WHAT_IT_DOES: dict[str, list[dict[str, Any]]] = {
    "ethos-u55": [
        *BOTH,
        refused(["ARG_MAX", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"], input_batch=1),
        refused(CONVOLUTIONS, weights_constant=True),
        refused(["FULLY_CONNECTED"], input_type={"in": ["int8", "uint8", "int16"]}),
    ],
    "ethos-u85": [
        *BOTH,
        refused(["TRANSPOSE_CONV"], weights_constant=True),
        refused(
            [
                *ARITHMETIC,
                *COMPARISONS,
                "ABS",
                "CAST",
                "LEAKY_RELU",
                "LOGICAL_AND",
                "LOGICAL_NOT",
                "LOGICAL_OR",
                "MAXIMUM",
                "MINIMUM",
                "NEG",
                "REDUCE_ALL",
                "REDUCE_ANY",
                "REDUCE_MAX",
                "REDUCE_MIN",
                "SUM",
            ],
            input_type={"is_not": "int64"},
        ),
        refused(
            [
                *CONVOLUTIONS,
                "AVERAGE_POOL_2D",
                "BATCH_MATMUL",
                "EXP",
                "FULLY_CONNECTED",
                "LOGISTIC",
                "MAX_POOL_2D",
                "QUANTIZE",
                "RELU",
                "RELU6",
                "RELU_0_TO_1",
                "RELU_N1_TO_1",
                "RESIZE_BILINEAR",
                "RESIZE_NEAREST_NEIGHBOR",
                "SOFTMAX",
                "TANH",
            ],
            input_type={"not_in": ["int32", "int64"]},
        ),
    ],
}
