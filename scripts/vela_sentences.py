"""What the sentences of vela's report mean, in the words of `tfq.ops.facts`.

See `profiles_from_vela.py`.
"""

from __future__ import annotations

import re
from typing import Any

Constraint = dict[str, Any]
EIGHT_BIT_OR_16 = ["int8", "uint8", "int16"]
INT32, INT64 = "int32", "int64"
STRIDE_UP_TO_3: Constraint = {
    "require": {"stride_height": {"max": 3}, "stride_width": {"max": 3}},
}


MATRICES = r"IF Matmul or \(FC with dynamic weights\)"


def types(quoted: str) -> list[Constraint]:
    """The types in a list such as {"INT8", "BOOL"}."""
    return [{"require": {"feature_map_types": {"in": re.findall(r"\w+", quoted.lower())}}}]


def average_window(area: str, height: str, padded: str) -> list[Constraint]:
    """How large the window of AVERAGE_POOL_2D may be."""
    side = int(padded)
    return [
        {
            "when": {"padding": "VALID"},
            "require": {
                "kernel_area": {"max": product(area)},
                "kernel_height": {"max": int(height)},
            },
        },
        {
            "when": {"padding": "SAME"},
            "require": {"kernel_height": {"max": side}, "kernel_width": {"max": side}},
        },
    ]


def weight_sums(eight: str, sixteen: str) -> list[Constraint]:
    """How large the weights of an output channel may be together, by the type of the input."""
    return [
        {
            # Fewer weights cannot reach the sum: an uint8 is at most 255 from its zero point.
            "when": {
                "input_type": {"in": kinds},
                "weights_per_output": {"min": -(-int(limit) // 255)},
            },
            "require": {"weights_sum": {"max": int(limit)}},
        }
        for kinds, limit in ((["int8", "uint8"], eight), (["int16"], sixteen))
    ]


def reduced_values(int8: str, uint8: str, int16: str) -> list[Constraint]:
    """How many values MEAN may reduce to one, by the type of the input."""
    limits = {"int8": int8, "uint8": uint8, "int16": int16}
    return [
        {"when": {"input_type": kind}, "require": {"reduced_values": {"max": int(limit)}}}
        for kind, limit in limits.items()
    ]


def product(text: str) -> int:
    """The value of a text such as "256*256"."""
    first, _, second = text.partition("*")
    return int(first) * int(second or 1)


def resize_u55(*, bilinear: bool) -> list[Constraint]:
    """By which factors an Ethos-U55 resizes."""
    one: Constraint = {"input_height": 1, "input_width": 1}
    plain: Constraint = {"half_pixel_centers": False} if bilinear else {}
    groups: list[Constraint] = [one, {"resize_factors": 1, **plain}, {"resize_factors": 2}]
    for factor in (2, 4, 8):
        groups += [{"resize_factors": factor, **plain}] if factor > 2 else []
        for across, along in (("height", "width"), ("width", "height")):
            factors = {f"resize_factor_{across}": 1, f"resize_factor_{along}": factor}
            groups.append({f"output_{across}": 1, **factors, **plain})
    return [{"any": groups}]


def resize_u85(aligned: str, other: str) -> list[Constraint]:
    """By how much an Ethos-U85 resizes at most."""
    return [
        {"when": {"align_corners": yes}, "require": {"resize_factors": {"below": int(limit) + 1}}}
        for yes, limit in ((True, aligned), (False, other))
    ]


# A pattern of a whole sentence, lines joined by "/" → its constraints, or what makes them of the
# groups of the pattern. No constraints: the file cannot break it, or vela does not act on it.
SENTENCES: dict[str, Any] = {
    # All or most operators.
    r"Only the first dimension of tensors can be dynamic\.": [
        {"require": {"free_axes": {"max": 0}}}
    ],
    r"Feature-map dataTypes must be one of (\{.*\})": types,
    # Without a shape, a tensor that is no constant counts as one whose shape is unknown.
    r"Tensors must have constant shape\.": [{"require": {"rank": {"min": 1}}}],
    r"Operations must have at least one IFM\.": [{"require": {"inputs": {"min": 1}}}],
    r"Operations must have at least one OFM\.": [{"require": {"outputs": {"min": 1}}}],
    # Integers of 32 bits and more and bools need no scale.
    r"Input\(s\), Output and Weight tensors must have quantization parameters\.": [
        {
            "require": {"unquantized_types": {"in": [INT32, INT64, "bool"]}},
            "why": "types without a scale",
        }
    ],
    # It takes scales of 0 and below.
    r"Quantization scale of any tensor must be positive\.": [],
    r"Per-axis quantization is not supported\.": [
        {"require": {"most_scales": {"max": 1}}, "why": "no per-channel scales"}
    ],
    r"64-bit feature-maps are not supported\.": [
        {"require": {"feature_map_types": {"is_not": INT64}}}
    ],
    r"32-bit feature-maps are not supported\.": [
        {"require": {"feature_map_types": {"is_not": INT32}}}
    ],
    r"Zero-points must be 0 for Int32 and non-negative for unsigned dataTypes": [
        {
            "require": {
                "input_zero_points_int32": 0,
                "input_zero_points_uint8": {"min": 0},
                "output_zero_points_int32": 0,
                "output_zero_points_uint8": {"min": 0},
            }
        }
    ],
    # Weights and biases.
    r"Bias tensors must be constant": [{"require": {"bias_constant": True}}],
    r"Bias tensors precision must be Int32 or Int64": [
        {"require": {"bias_type": {"in": [INT32, INT64]}}}
    ],
    r"Bias values must be stored in the channel axis": [{"require": {"bias_along_channels": True}}],
    r"Int64 bias must be smaller than (\d+)": lambda limit: [
        {"when": {"bias_type": INT64}, "require": {"largest_bias": {"below": int(limit)}}}
    ],
    r"Weight tensors must be 8-bit precision": [
        {"require": {"weights_type": {"in": ["int8", "uint8"]}}}
    ],
    r"Weigth sum constraints:/IF 8-bit IFM:/The sum of absolute weights cannot exceed (\d+)"
    r"/IF 16-bit IFM:/The sum of absolute weights cannot exceed (\d+)": weight_sums,
    r"FullyConnected weights must be on the form O,1,1,..,1,I\.": [
        {"require": {"weights_middle_sizes": 1}}
    ],
    rf"{MATRICES}: IFM precision must be Int8": [
        {
            "operators": ["FULLY_CONNECTED"],
            "when": {"weights_constant": False},
            "require": {"input_type": "int8"},
        },
        {"operators": ["BATCH_MATMUL"], "require": {"input_type": "int8"}},
    ],
    rf"{MATRICES}: OFM depth must be less than or equal to 2\^(\d+)": (
        lambda power: [
            {
                "operators": ["FULLY_CONNECTED"],
                "when": {"weights_constant": False},
                "require": {"output_depth": {"max": 1 << int(power)}},
            },
            {"operators": ["BATCH_MATMUL"], "require": {"output_depth": {"max": 1 << int(power)}}},
        ]
    ),
    rf"{MATRICES}: Reduced axis must be less than or equal to 2\^(\d+)": (
        lambda power: [
            {
                "operators": ["FULLY_CONNECTED"],
                "when": {"weights_constant": False},
                "require": {"multiplied_depth": {"max": 1 << int(power)}},
            },
            {
                "operators": ["BATCH_MATMUL"],
                "require": {"multiplied_depth": {"max": 1 << int(power)}},
            },
        ]
    ),
    # Windows.
    r"Kernel stride must be in the range \(1,3\)\.": [STRIDE_UP_TO_3],
    r"Stride>3 is only supported IF \(dilation = 1 AND padding = VALID\)": [
        {
            "any": [
                STRIDE_UP_TO_3["require"],
                {"dilation_height": 1, "dilation_width": 1, "adds_padding": False},
            ],
        }
    ],
    r"Kernel constraints:/IF padding=VALID:/Kernel product must be less than or equal to (\d+\*\d+)"
    r"/Kernel height must be less than or equal to (\d+)\./ELSE:/Kernel width and height must be"
    r" less than or equal to (\d+)": average_window,
    r"kernel product must be less than or equal to (\d+\*\d+) and kernel height must be less than"
    r" or equal to (\d+)\.": lambda area, height: [
        {"require": {"kernel_area": {"max": product(area)}, "kernel_height": {"max": int(height)}}}
    ],
    r"Shape constraints:/IF PADDING=SAME:/OFM must be equal to IFM \* stride/ELSE:/OFM must be"
    r" equal to IFM \* stride \+ \(kernel - stride\)": [
        {"require": {"transposed_size_fits": True}}
    ],
    r"Stride values WxH must be: 1x1 OR 2x2 OR 2x1 \(if IFM height and kernel height is 1\) OR 1x2"
    r" \(if IFM width and kernel width is 1\)": [
        {
            "any": [
                {"stride_height": 1, "stride_width": 1},
                {"stride_height": 2, "stride_width": 2},
                {"stride_height": 1, "stride_width": 2, "input_height": 1, "kernel_height": 1},
                {"stride_height": 2, "stride_width": 1, "input_width": 1, "kernel_width": 1},
            ],
        }
    ],
    # Types and quantization of some operators.
    r"IFM and OFM datatypes must match, and must be (\w+)(?: or (\w+))?": lambda *names: [
        {
            "require": {
                "same_types": True,
                "input_type": {"in": [name.lower() for name in names if name]},
            }
        }
    ],
    r"IFM and OFM shapes must match": [{"require": {"same_shapes": True}}],
    r"IFM must be Int8 or Int16": [{"require": {"input_type": {"in": ["int8", "int16"]}}}],
    r"IFM precision must be one of: \(Int8, UInt8, Int16\)": [
        {"require": {"input_type": {"in": EIGHT_BIT_OR_16}}}
    ],
    r"Both Input quantization parameters must match OFM quantization parameters": [
        {"require": {"one_quantization": True}}
    ],
    # Reductions, and what works along axes.
    r"IFM depth must be less than or equal to (\d+)\.": lambda limit: [
        {"require": {"input_depth": {"max": int(limit)}}}
    ],
    r"Operation must be performed along the depth axis\.": [{"require": {"axes_from_end": -1}}],
    r"The product of IFM width and height must be less than (\d+)": lambda limit: [
        {"require": {"input_plane": {"max": int(limit)}}}
    ],
    r"Amount of reduced elements cannot exceed: (\d+)\(Int8\), (\d+)\(UInt8\), (\d+)\(Int16\)\.": (
        reduced_values
    ),
    r"Batch must be 1\.": [{"require": {"input_batch": 1}}],
    r"Reduced axis must be less than (\d+)": lambda limit: [
        {"require": {"reduced_sizes": {"max": int(limit)}}}
    ],
    r"Reduction over depth is only supported if any of h,w,c == 1": [
        {"when": {"reduces_depth": True}, "require": {"inner_dimensions": {"max": 2}}}
    ],
    r"Parameter tensors must be constant": [{"require": {"parameters_stored": True}}],
    r"Params tensor must be Int32 or Int64": [
        {"require": {"parameter_types": {"in": [INT32, INT64]}}}
    ],
    r"num_splits must match the number of outputs\.": [{"require": {"split_count_fits": True}}],
    r"Slice must represent a volume\. Stride must be non-negative \(and over W or H\)\.": [
        {"require": {"slice_strides": {"min": 1}, "strided_axes": {"in": [-2, -3]}}}
    ],
    r"Axis attribute is not supported\.": [],
    r"Tensor dimension must be <= (\d+)": lambda limit: [
        {"require": {"input_rank": {"max": int(limit)}}}
    ],
    r"axis must be equal to batch_dims": [{"require": {"gathers_after_batch": True}}],
    r"Index tensor elements must be unique": [{"require": {"indices_distinct": True}}],
    r"Index tensor must be constant": [{"require": {"parameters_stored": True}}],
    r"Index tensor must have channel=1": [{"require": {"index_depth": 1}}],
    r"Shape tensor must be constant": [{"require": {"parameters_stored": True}}],
    r"Variable handle tensors must be Resource\. Variable data tensors must be one of (\{.*\})": (
        lambda quoted: [
            {
                "require": {
                    "feature_map_types": {"in": ["resource", *re.findall(r"\w+", quoted.lower())]}
                }
            }
        ]
    ),
    # Recurrent.
    r"Gate normalization is not supported\.": [
        {"require": {"recurrent_extras": {"is_not": "normalization"}}}
    ],
    r"Implicit gate calculation is not supported\.": [
        {"require": {"recurrent_extras": {"is_not": "coupled gates"}}}
    ],
    r"Peephole variant is not supported\.": [
        {"require": {"recurrent_extras": {"is_not": "peepholes"}}}
    ],
    r"Projection is not supported\.": [{"require": {"recurrent_extras": {"is_not": "projection"}}}],
    # Resizing.
    r"IF not \(IFM H == IFM W == 1\) .*IF half pixel centers:/Scale-factor needs to be 2x/Else:"
    r"/Scale-factor needs to be one of: 2x/4x/8x": resize_u55(bilinear=True),
    r"IF NOT \(IFM H == IFM W == 1\) .*Scale-factor must be one of: 2x/4x/8x": resize_u55(
        bilinear=False
    ),
    r"Scale-factor must be an integer power of two\.": [
        {
            "any": [
                {"resize_factor_power_of_two": True},
                {"input_height": 1, "input_width": 1},
            ]
        }
    ],
    r"Scale-factor:/IF align_corners:/Scale-factor can be maximum (\d+)/ELSE:"
    r"/Scale-factor can be maximum (\d+)\.": resize_u85,
    r"align_corners and half_pixel_centers are mutually exclusive\.": [
        {"when": {"align_corners": True}, "require": {"half_pixel_centers": False}}
    ],
    # Transposing; the order of axes is the fact `axis_order`.
    r"IF IFM is Int32:/Rank must be less than or equal to 4/NHWC: C <= 2\^16/NWHC: N == 1,.*": [
        {
            "when": {"input_type": INT32},
            "require": {"input_rank": {"max": 4}},
            "any": [
                {"axis_order": "NHWC", "input_depth": {"max": 1 << 16}},
                {
                    "axis_order": "NWHC",
                    "input_batch": 1,
                    "inner_sizes": {"max": 1 << 16},
                    "input_depth": {"max": 1 << 14},
                },
                {
                    "axis_order": "NHCW",
                    "input_rows": {"max": 1 << 16},
                    "inner_sizes": {"max": 1 << 16},
                },
            ],
        }
    ],
    r"IF IFM is Int8 or Int16/NHWC: no shape constraints/ELSE IF permutation is: .*": [
        {
            "when": {"input_type": {"in": EIGHT_BIT_OR_16}},
            "any": [
                {"axis_order": "NHWC"},
                {
                    "axis_order": {"in": ["NWHC", "NHCW", "NCWH", "NWCH", "NCHW"]},
                    "input_batch": 1,
                    "inner_sizes": {"max": 1 << 16},
                },
                {"axis_order": "other", "most_without_two": {"max": 1 << 16}},
                {
                    "input_batch": {"above": 1},
                    "most_without_two": {"max": 1 << 16},
                },
            ],
        }
    ],
    r"IFM Zero-points must be in the range:/Int8: .*": [
        {
            "require": {
                "input_zero_points_int8": {"min": -128, "max": 127},
                "input_zero_points_uint8": {"min": 0, "max": 255},
                "input_zero_points_int16": 0,
                "input_zero_points_int32": 0,
            }
        },
    ],
    r"OFM Zero-points must be in the range:/Signed-integer: .*": [
        {
            "require": {
                "output_zero_points_signed": {"min": -128, "max": 127},
                "output_zero_points_uint8": {"min": 0, "max": 255},
            }
        }
    ],
}


def constraints(sentence: str) -> list[Constraint]:
    """What a sentence means.

    Raises:
        SystemExit: If no pattern matches.
    """
    for pattern, meaning in SENTENCES.items():
        if match := re.fullmatch(pattern, sentence):
            return meaning(*match.groups()) if callable(meaning) else meaning
    raise SystemExit(f"vela says something new, which SENTENCES must explain: {sentence}")
