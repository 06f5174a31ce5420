"""A model that runs, and what each of its activations then holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfq.accuracy.counterparts import is_fixed
from tfq.accuracy.layer_sums import decoded
from tfq.errors import InvalidModelError
from tfq.model import Model
from tfq.passes.parameters import Parameters, parameters
from tfq.runtime import Runner

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from tfq.model import Tensor

    Array = np.ndarray[Any, Any]


class Running:
    """A model in its interpreter, and what its activations held in the last run."""

    def __init__(self, model: Model) -> None:
        """Load a model.

        Raises:
            InvalidModelError: If the interpreter refuses it.
        """
        try:
            self._runner = Runner(model, every_tensor=True)
        except InvalidModelError:
            # XNNPACK runs some scales that LiteRT's own kernels refuse; it keeps outputs only.
            self._runner = Runner(_showing_all(model))
        self._parameters: dict[Tensor, Parameters | None] = {}
        self._real: dict[Tensor, Array | None] = {}

    def run(self, sample: Mapping[str, Array]) -> None:
        """Run the first subgraph on one sample: real values by the name of each input."""
        self._runner.run(sample)
        self._real = {}

    def stored(self, tensor: Tensor) -> Array | None:
        """Return the values as they are held; None if the interpreter has none for it."""
        try:
            return self._runner.stored(tensor.index)
        except ValueError:
            return None

    def real(self, tensor: Tensor) -> Array | None:
        """Return the numbers that the values stand for."""
        if tensor not in self._real:
            if tensor not in self._parameters:
                self._parameters[tensor] = parameters(tensor)
            values = self.stored(tensor)
            known = self._parameters[tensor]
            self._real[tensor] = None if values is None else decoded(values, known)
        return self._real[tensor]


def _showing_all(model: Model) -> Model:
    """Make every activation an output of the model."""
    draft = model.draft()
    made = dict.fromkeys(each for operator in model.operators for each in operator.outputs)
    shown = [each.index for each in made if not is_fixed(each)]
    draft["subgraphs"][0]["outputs"] = shown
    return Model.from_draft(draft)
