"""Floats at the inputs and outputs of a model."""

from __future__ import annotations

from tfq.passes.interface import FLOAT, Interface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tfq.model import Model
    from tfq.passes.changes import Changes


def float_io(model: Model) -> tuple[Model, Changes]:
    """Let a model of integers take and give float32.

    1. A quantized input becomes float32, with a QUANTIZE behind it.
    2. A quantized output becomes float32, with a DEQUANTIZE before it.
    3. An input that only QUANTIZE reads needs no other.
    4. All subgraphs that signatures name. Names, order and signatures stay.

    Left alone:

    5. An input that is an output too, and an output that no operator writes.
    6. Inputs and outputs of subgraphs that operators call; those that are no quantized numbers.

    Args:
        model: Any model.

    Returns:
        The new model, or `model` itself if nothing changed; and what changed.
    """
    interface = Interface(model)
    interface.change_inputs([FLOAT])
    interface.change_outputs([FLOAT])
    return interface.finish("float_io")
