"""Q108: what a file's name promises."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from tfq.lint.finding import Hit
from tfq.lint.rule import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfq.model import Model
    from tfq.profiles import Profile

# "int8" and its kin in a file's name, not the "int" of "print" or "point".
CLAIMS_INTEGER = re.compile(r"(?<![a-z])u?int(8|16)?(?![a-z0-9])|full[_-]?int", re.IGNORECASE)
# Such a name says itself that not all is in integers.
ADMITS_FLOAT = re.compile(r"dynamic|hybrid|weight", re.IGNORECASE)


@rule("Q108", "integer-name", severity="warning")
def integer_name(model: Model, profile: Profile) -> Iterator[Hit]:
    """File is named like an integer model, but is dynamic-range quantized.

    ## What it does
    Reports a file whose name promises integers (int8, uint8, full_integer …) while operators in it
    have integer weights and float activations, whatever the device; one finding for the model.
    Where the device wants integers, Q104 says it.

    ## Why is this bad?
    Whoever deploys the file expects what its name says: integers from input to output. It runs as a
    float model does, with the activations quantized anew on every run.

    ## Example
    `model_int8.tflite` from a converter that was given `Optimize.DEFAULT` and no
    `representative_dataset`.

    ## Use instead
    `tfq convert --mode=full_integer` with calibration data, or a name that says `dynamic_range`.

    ## Fix safety
    No fix of the file alone: the ranges of the activations must be measured on data.

    ## References
    - https://ai.google.dev/edge/litert/models/post_training_quant
    - https://github.com/roboflow/rf-detr/issues/1363
    """
    if profile.quantization.compute == "integer" or not claims_integer(model):
        return
    operators = [operator for subgraph in model.subgraphs for operator in subgraph.operators]
    hybrid = [operator for operator in operators if operator.compute == "hybrid"]
    if hybrid:
        found = f"{len(hybrid)} of {len(operators)} ops have integer weights and float activations"
        yield Hit(f"the file's name says integer, but {found}: dynamic-range quantization")


def claims_integer(model: Model) -> bool:
    """Say whether a model's file has a name that promises integers.

    Args:
        model: Any model; one without a path promises nothing.

    Returns:
        Whether it does.
    """
    name = os.path.basename(model.path or "")  # noqa: PTH119
    return CLAIMS_INTEGER.search(name) is not None and ADMITS_FLOAT.search(name) is None
