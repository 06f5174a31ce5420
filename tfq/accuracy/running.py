"""A model that runs, and what each of its activations then holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfq.accuracy.layer_sums import decoded
from tfq.accuracy.values import is_fixed
from tfq.errors import InvalidModelError
from tfq.model import Model
from tfq.passes.parameters import Parameters, parameters
from tfq.runtime import Runner

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from tfq.model import Tensor

    Array = np.ndarray[Any, Any]

# By the operator that a vendor's compiler leaves.
_COMPILED_FOR = {"edgetpu-custom-op": "the Edge TPU", "ethos-u": "Arm Ethos-U"}


def check_not_compiled(model: Model) -> None:
    """Refuse what a vendor's compiler made: no interpreter has its operator.

    Raises:
        InvalidModelError: If the model has such an operator.
    """
    for operator in model.operators:
        device = _COMPILED_FOR.get(operator.name)
        if device is not None:
            raise InvalidModelError(
                f"{model.name}: is compiled for {device} (operator {operator.name}) and runs only "
                "there; compare the file that went into the compiler: it computes the same"
            )


class Running:
    """A model in its interpreter, and what its activations held in the last run."""

    def __init__(self, model: Model) -> None:
        """Load a model.

        Raises:
            InvalidModelError: If the interpreter refuses it.
        """
        check_not_compiled(model)
        self._model = model
        self._has_run = False
        try:
            self._runner = Runner(model, every_tensor=True)
        except InvalidModelError:
            self._runner = self._with_delegate()
        self._parameters: dict[Tensor, Parameters | None] = {}
        self._real: dict[Tensor, Array | None] = {}

    def run(self, sample: Mapping[str, Array]) -> None:
        """Run the first subgraph on one sample: real values by the name of each input.

        Raises:
            InvalidModelError: If a kernel fails.
            ArgumentError: If the sample does not fit.
        """
        try:
            self._runner.run(sample)
        except InvalidModelError:
            # With open sizes, kernels are prepared only now.
            if self._has_run:
                raise
            self._runner = self._with_delegate()
            self._runner.run(sample)
        self._has_run = True
        self._real = {}

    def _with_delegate(self) -> Runner:
        """XNNPACK runs some scales that LiteRT's own kernels refuse; it keeps outputs only."""
        return Runner(_showing_all(self._model))

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
