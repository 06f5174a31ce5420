"""How the pixels of an image become a model's input: stated, never guessed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfq.errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Scaling:
    """(pixel - mean) / std, with one mean and std for all channels or one each.

    Attributes:
        mean: in units of pixels, 0 to 255.
        std: likewise, not 0.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def parse(cls, text: str) -> Scaling:
        """Reads a scaling as users write it.

        Args:
            text: `LOW..HIGH`, what pixels 0 and 255 become (`0..1`, `-1..1`, `0..255`), or
                `MEAN,STD` in units of pixels, as two numbers, or six for three channels.

        Raises:
            ArgumentError: it is neither.
        """
        try:
            if ".." in text:
                low, high = (_finite(number) for number in text.split(".."))
                step = (high - low) / 255
                return cls((-low / step,), (1 / step,))
            numbers = tuple(_finite(number) for number in text.split(","))
            half = len(numbers) // 2
            if len(numbers) not in (2, 6) or 0 in numbers[half:]:
                raise ValueError(text)
            return cls(numbers[:half], numbers[half:])
        except (ValueError, ZeroDivisionError):
            raise ArgumentError(
                "image_scale: expected LOW..HIGH (such as 0..1, -1..1 or 0..255), or MEAN,STD as "
                f"2 or 6 numbers; got {text!r}"
            ) from None

    @property
    def is_identity(self) -> bool:
        """Whether pixels stay what they are."""
        return set(self.mean) == {0} and set(self.std) == {1}

    def apply(self, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Scales pixels to float64.

        Args:
            pixels: integers, channels last.

        Raises:
            ArgumentError: there are means for another number of channels.
        """
        import numpy as np

        if len(self.mean) not in (1, pixels.shape[-1]):
            raise ArgumentError(
                f"image_scale: expected a mean for 1 or {pixels.shape[-1]} channels; "
                f"got {len(self.mean)}"
            )
        scaled: np.ndarray[Any, Any] = (pixels - np.asarray(self.mean)) / np.asarray(self.std)
        return scaled


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
