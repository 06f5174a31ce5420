"""One model in every mode: what each costs and what it is worth, and which to ship.

Nothing heavy is imported here: `import tfq` imports this module.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tfq.profiles import Profile
    from tfq.sweep.result import Sweep

__all__ = ["sweep"]

MAX_ACCURACY_DROP = 0.01
"""A point of accuracy: what TensorFlow's guide calls a small loss of 8-bit quantization."""


def sweep(
    source: Any,
    *,
    profiles: Sequence[str | os.PathLike[str] | Profile] = (),
    calibration_data: Any = None,
    evaluation_data: Any = None,
    labels: Any = None,
    metric: str | Callable[..., Any] | None = None,
    max_accuracy_drop: float = MAX_ACCURACY_DROP,
    modes: Sequence[str] = (),
    output: str | os.PathLike[str] | None = None,
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
) -> Sweep:
    """Convert a model in every mode, and compare what comes out.

    The model is converted to float32 once, and calibrated once; all modes are made from that. With
    `output`, what an earlier sweep left there is not done again where model, data, options, the
    versions of packages and the files themselves are the same.

    Args:
        source: As in `tfq.convert`.
        profiles: Devices, by name or path: every file is linted for each.
        calibration_data: As there; without, the modes that need them fail.
        evaluation_data: Samples like those, with or without labels, on which every mode is run; by
            default the calibration data.
        labels: One a sample, as in `tfq.compare`; by default those among the evaluation data.
        metric: What the labels are for, as there. Without labels it is the agreement of the
            answers with float32's where every output is a softmax or an argmax, else the SQNR.
        max_accuracy_drop: The most that a recommended row may lose: of the metric, or, where that
            is the SQNR, the relative error of the outputs.
        modes: Patterns of the rows' names, such as `"full_integer.*"`; empty for all. Other rows
            that are in `output` and still valid stay in the table.
        output: A directory for the `.tflite` files and `sweep.json`; it is made if it is missing.
            Files of others in it are left alone. None keeps nothing.
        image_scale: As in `tfq.convert`, and so the rest; for both data.
        parse_function: As there.
        batch_size: As there.
        input_shapes: As there.
        signature: As there.
        allow_float_fallback: As there.
        allow_select_tf_ops: As there.
        allow_custom_ops: As there.
        unsafe_load: As there.
        verbose: As there.

    Returns:
        A row for each mode, and the recommended one: the smallest file of those that pass all
        profiles and lose no more than `max_accuracy_drop`. A mode that fails is a row with its
        reason.

    Raises:
        tfq.ArgumentError: An argument is unknown or contradicts another, or a file of others is in
            the way.
        tfq.InvalidModelError: `source` is missing, broken or of another kind.
        tfq.CalibrationDataError: Data or labels do not fit the model.
        tfq.ConversionError: The model cannot even be converted to float32.
        tfq.ProfileError: A profile is unknown or broken.
        tfq.MissingDependencyError: A package that this needs is not installed.

    Example:
        >>> found = tfq.sweep("digits.keras", profiles=["artpec8"], calibration_data="data.npz",
        ...                   evaluation_data="test.npz", output="swept")
        >>> found.recommended
        'full_integer.per_tensor.standard'
    """
    from pathlib import Path

    from tfq.sweep import ways
    from tfq.sweep.materials import Materials
    from tfq.sweep.run import Sweeper
    from tfq.sweep.store import Store

    devices = _devices(profiles)
    _check_drop(max_accuracy_drop)
    chosen = ways.chosen(devices, modes)
    directory = None if output is None else Path(output)
    read = {
        "source": source,
        "calibration_data": calibration_data,
        "evaluation_data": evaluation_data,
        "labels": labels,
    }
    store = Store(directory, [way.name for way in chosen])
    store.check_apart(read)
    materials = Materials(
        **read,
        metric=metric,
        options={
            "image_scale": image_scale,
            "parse_function": parse_function,
            "batch_size": batch_size,
            "input_shapes": dict(input_shapes or {}),
            "signature": signature,
            "allow_float_fallback": allow_float_fallback,
            "allow_select_tf_ops": allow_select_tf_ops,
            "allow_custom_ops": allow_custom_ops,
            "unsafe_load": unsafe_load,
            "verbose": verbose,
        },
    )
    return Sweeper(materials, chosen, devices, store, max_accuracy_drop).run(verbose)


def _devices(profiles: Sequence[str | os.PathLike[str] | Profile]) -> list[Profile]:
    """Load the profiles, each once.

    Raises:
        tfq.ArgumentError: If two have the same name.
    """
    from tfq.errors import ArgumentError
    from tfq.profiles import resolve

    if isinstance(profiles, (str, os.PathLike)):
        profiles = [profiles]
    named: dict[str, Profile] = {}
    for each in profiles:
        device = resolve(each)
        if named.setdefault(device.name, device) != device:
            raise ArgumentError(f"profiles: expected each name once, got {device.name!r} twice")
    return list(named.values())


def _check_drop(value: float) -> None:
    import math

    from tfq.errors import ArgumentError

    if not math.isfinite(value) or value < 0:
        raise ArgumentError(f"max_accuracy_drop: expected a number from 0 up; got {value!r}")
