"""How the integers of a tensor stand for real numbers: real = scale * (integer - zero point)."""

from __future__ import annotations

import math

from tfq.errors import Error, InvalidModelError
from tfq.format import ABSENT
from tfq.model.lazy import lazy
from tfq.model.view import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tfq.format import Table
    from tfq.model.tensor import Tensor

# What stands for 0.0 in symmetric quantization, where it is not 0: the middle of the range.
_MIDDLES = {"uint4": 8, "uint8": 128, "uint16": 1 << 15}
_LISTED = 4


class Quantization(View):
    """The quantization parameters of one tensor.

    Two of them are equal if they map integers to the same real numbers.
    """

    _tensor: Tensor
    _details: Table | None

    def __init__(self, table: Table, tensor: Tensor) -> None:
        """View the parameters of `tensor`."""
        details = table["details"]
        # Custom quantization has details too, but says nothing that can be read here.
        if details is not None and "scales" not in details.schema.fields:
            details = None
        vars(self).update(table=table, _tensor=tensor, _details=details)

    @lazy
    def scales(self) -> tuple[float, ...]:
        """The scales: one, or one for each channel or block in row-major order.

        None at all where they stand in a file beside the model that cannot be read.
        """
        if self._details is not None:
            return self._from_tensor("scales")
        return self.table["scale"] or ()

    @lazy
    def zero_points(self) -> tuple[int, ...]:
        """The integers that stand for 0.0, one for each scale; blockwise: empty if all are 0."""
        if self._details is not None:
            return self._from_tensor("zero_points") if "zero_points" in self._details else ()
        return self.table["zero_point"] or ()

    @property
    def zero_point(self) -> int:
        """The integer that stands for 0.0 with the first scale; 0 if none is stated."""
        return next(iter(self.zero_points), 0)

    @property
    def quantized_dimension(self) -> int:
        """The axis along which the scales of per-channel quantization lie."""
        return self.quantized_dimensions[0]

    @lazy
    def quantized_dimensions(self) -> tuple[int, ...]:
        """The axes along which scales lie: more than one only in multi-axis quantization."""
        if self._details is not None and "quantized_dimensions" in self._details:
            dimensions: tuple[int, ...] = self._details["quantized_dimensions"]
            return dimensions or (0,)
        return (self.table["quantized_dimension"],)

    @lazy
    def block_size(self) -> int:
        """How many values share a scale in blockwise quantization; 0 if it is not blockwise."""
        return self._details["block_size"] if self._details is not None else 0

    @lazy
    def granularity(self) -> str:
        """`"per_tensor"`, `"per_channel"` or `"blockwise"`.

        One scale is per tensor, also where the tensor has but one channel.
        """
        blocks = self._details is not None
        if blocks and (self.block_size > 0 or len(self.quantized_dimensions) > 1):
            return "blockwise"
        return "per_channel" if len(self.scales) > 1 else "per_tensor"

    @property
    def has_own_tensors(self) -> bool:
        """Whether scales and zero points are tensors, as in blockwise quantization."""
        return self._details is not None

    @lazy
    def symmetric(self) -> bool:
        """Whether 0.0 is the middle of the integers: 0 for signed types, 128 for uint8."""
        middle = _MIDDLES.get(self._tensor.dtype, 0)
        points = self.zero_points or (0,)
        return points.count(middle) == len(points)

    @lazy
    def power_of_two(self) -> bool:
        """Whether every scale is exactly a power of two, so that scaling is a shift."""
        return bool(self.scales) and all(
            scale > 0 and math.isfinite(scale) and math.frexp(scale)[0] == 0.5
            for scale in self.scales
        )

    @property
    def min(self) -> tuple[float, ...]:
        """The smallest real values that were seen in calibration; mostly empty."""
        return self.table["min"] or ()

    @property
    def max(self) -> tuple[float, ...]:
        """The largest real values that were seen in calibration; mostly empty."""
        return self.table["max"] or ()

    def __eq__(self, other: object) -> bool:
        """Compare the parameters."""
        if not isinstance(other, Quantization):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        """Hash the parameters."""
        return hash(self._key)

    def __repr__(self) -> str:
        """Return the granularity and the first scales and zero points."""
        shown = []
        for name, numbers in (("scale", self.scales), ("zero_point", self.zero_points)):
            listed = ", ".join(f"{number:.6g}" for number in numbers[:_LISTED])
            shown.append(f"{name}={listed}{', …' if len(numbers) > _LISTED else ''}")
        return f"<Quantization {self.granularity} {' '.join(shown)}>"

    @lazy
    def _key(self) -> tuple[object, ...]:
        granularity = self.granularity
        axes = () if granularity == "per_tensor" else (self.quantized_dimensions, self.block_size)
        return (granularity, self.scales, self.zero_points, axes)

    def _from_tensor(self, name: str) -> tuple[Any, ...]:
        """Read parameters that stand in a tensor of their own."""
        index = self._details[name] if self._details is not None else ABSENT
        if index == ABSENT:
            return ()
        tensor = self._tensor.subgraph.tensors[index]
        if not tensor.is_constant:
            raise InvalidModelError(
                f"{self._tensor.place}: its {name} are in tensor {index}, which is not constant"
            )
        try:
            return tensor.values
        except Error as error:
            if tensor.is_external and not isinstance(error, InvalidModelError):
                # The file beside the model is not there: all else of the model can be read.
                return ()
            raise InvalidModelError(str(error)) from None
