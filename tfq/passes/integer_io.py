"""Integers at the inputs and outputs of a model."""

from __future__ import annotations

from tfq.errors import ArgumentError
from tfq.passes.interface import FLOAT, TYPES, Interface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfq.model import Model
    from tfq.passes.changes import Changes


def integer_io(
    model: Model,
    input_types: Sequence[str] = ("int8",),
    output_types: Sequence[str] = ("int8",),
) -> tuple[Model, Changes]:
    """Let a model take and give integers.

    The scale and zero point are those of the integers inside; a caller sends
    `real / scale + zero_point`, and reads `scale * (integer - zero_point)`. Names, order and
    signatures stay.

    1. A float input that only QUANTIZE reads: it becomes what that gives, and the QUANTIZE goes.
       Of several with different scales one goes, the others convert between integers.
    2. A float output that DEQUANTIZE gives: likewise.
    3. int8 inside, uint8 wanted, or the other way round: QUANTIZE stays, or is added, as a shift
       by 128, which is exact.
    4. An integer that two outputs show: the second one has a QUANTIZE that changes nothing.
    5. All subgraphs that signatures name.

    Left alone:

    6. A float input that another operator takes, and a float output that another operator gives or
       that is used inside too: there the model computes in floats.
    7. 8 bits where 16 are inside, and the other way round.
    8. Inputs and outputs of subgraphs that operators call; those that are no quantized numbers.

    Args:
        model: Any model.
        input_types: Inputs of one of these types stay; others become what they are inside, if that
            is among them, else the first that is possible: `"int8"`, `"uint8"`, `"int16"` or
            `"float32"`. If empty, inputs stay.
        output_types: Likewise.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed.

    Raises:
        ArgumentError: If a type is none of these.
    """
    for name, dtypes in (("input_types", input_types), ("output_types", output_types)):
        for dtype in dtypes:
            if dtype not in (*TYPES, FLOAT):
                known = ", ".join((*TYPES, FLOAT))
                raise ArgumentError(f"{name}: expected {known}; got {dtype!r}")
    interface = Interface(model)
    if input_types:
        interface.change_inputs(input_types)
    if output_types:
        interface.change_outputs(output_types)
    return interface.finish("integer_io")
