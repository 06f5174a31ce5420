"""What costs a model its accuracy: the float model, 16 bits and 8 bits, and what to do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tfq.accuracy.diagnosis.result import Diagnosis
    from tfq.model import Model
    from tfq.profiles import Profile

__all__ = ["diagnose"]


def diagnose(
    source: Any,
    data: Any,
    *,
    labels: Any = None,
    metric: str | Callable[..., Any] | None = None,
    profile: str | os.PathLike[str] | Profile | None = None,
    candidate: Model | str | os.PathLike[str] | None = None,
    calibration_data: Any = None,
    image_scale: str | None = None,
    parse_function: Callable[[Any], Any] | None = None,
    batch_size: int | None = 1,
    input_shapes: Mapping[str, tuple[int | None, ...]] | None = None,
    signature: str | None = None,
    allow_float_fallback: bool = False,
    allow_select_tf_ops: bool = False,
    allow_custom_ops: bool = False,
    unsafe_load: bool = False,
    verbose: bool = False,
) -> Diagnosis:
    """Find out why a model loses accuracy in 8 bits, and what helps.

    The float model, its 16-bit and its 8-bit form are run on the evaluation data. 16 bits close to
    float and 8 bits not: quantization is the cause; the layers that err are named, with the reason,
    and what can be done is tried and measured. 16 bits bad as well: the cause is elsewhere, such as
    in data that were prepared otherwise than in training.

    Args:
        source: a float model, as in `tfq.convert`.
        data: evaluation data, in any form that calibration data may have; with labels, if they
            hold any. At most 500 samples are run, of a large model fewer (100 with labels, 32
            without).
        labels: one a sample, if they are not among the data: an array, or a `.npy` or `.npz`.
        metric: of the labels, as in `tfq.compare`; by default what the labels and outputs suggest.
        profile: a device, by name or path: its granularity and scheme are those of the 8-bit
            model, and what it does not take is not recommended.
        candidate: an 8-bit `.tflite` of this model, to be diagnosed instead of tfq's own.
        calibration_data: as in `tfq.convert`; by default the evaluation data.
        image_scale: as in `tfq.convert`, and so the rest.
        parse_function: as there.
        batch_size: as there.
        input_shapes: as there.
        signature: as there.
        allow_float_fallback: as there.
        allow_select_tf_ops: as there.
        allow_custom_ops: as there.
        unsafe_load: as there.
        verbose: as there.

    Returns:
        The verdict, the figures, the layers and their causes, and what was tried.

    Raises:
        tfq.Error: as in `tfq.convert` and `tfq.compare`.

    Example:
        >>> found = tfq.diagnose("digits.keras", "evaluation.npz", profile="artpec8")
        >>> found.verdict
        'healthy'
    """
    from tfq.accuracy.diagnosis.session import Session

    session = Session(
        source,
        data,
        labels=labels,
        metric=metric,
        profile=profile,
        candidate=candidate,
        calibration_data=calibration_data,
        image_scale=image_scale,
        parse_function=parse_function,
        batch_size=batch_size,
        input_shapes=input_shapes,
        signature=signature,
        allow_float_fallback=allow_float_fallback,
        allow_select_tf_ops=allow_select_tf_ops,
        allow_custom_ops=allow_custom_ops,
        unsafe_load=unsafe_load,
        verbose=verbose,
    )
    return session.diagnosis()
