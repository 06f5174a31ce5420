"""One activation in several parameters: QUANTIZE and DEQUANTIZE where types or scales meet."""

from __future__ import annotations

from tfq.format import Draft
from tfq.passes.parameters import Parameters, encoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from tfq.model import Subgraph, Tensor
    from tfq.passes.rewrite import Rewrite

# The versions that know int8 and int16 (tensorflow/compiler/mlir/lite/tools/versioning/
# op_version.cc); DEQUANTIZE and QUANTIZE: for int8, one more for int16.
_VERSIONS = {"ADD": 3, "CAST": 3, "DEQUANTIZE": 2, "QUANTIZE": 1}


class Views:
    """The tensors that hold the values of one tensor of a model, each in other parameters."""

    def __init__(self, rewrite: Rewrite, graph: Subgraph) -> None:
        """Know of nothing but the model."""
        self._rewrite, self._graph = rewrite, graph
        # (tensor, parameters) → the index of the tensor that holds it so; None: as floats.
        self._known: dict[tuple[Tensor, Parameters | None], int] = {}
        self._homes: dict[Tensor, Parameters | None] = {}

    def settle(
        self, tensor: Tensor, parameters: Parameters | None, shown: Parameters | None = None
    ) -> None:
        """Say in which parameters an activation itself is.

        Args:
            tensor: The activation.
            parameters: As its operator writes it; None for floats.
            shown: As an output of the model shows it; None for the same.
        """
        place, rewrite, index = self._graph.index, self._rewrite, tensor.index
        self._homes[tensor] = parameters
        if shown is not None and parameters is not None:
            draft = rewrite.view(tensor)
            index = rewrite.add_tensor(place, draft, f"{tensor.name}_{parameters.dtype}")
            rewrite.write_to(place, tensor.index, index)
            rewrite.set_parameters(draft, shown)
        if parameters is not None:
            rewrite.set_parameters(rewrite.tensor(place, index), parameters)
        self._known[tensor, parameters] = index
        if shown is not None:
            self._known[tensor, shown] = self._converted(tensor, shown, tensor.index)

    def constant(
        self, tensor: Tensor, parameters: Parameters, content: bytes, *, alone: bool
    ) -> None:
        """Add a view of a constant.

        Args:
            tensor: The constant.
            parameters: Those of the view.
            content: Its integers.
            alone: Whether nobody needs the constant as it was: then the view takes its place.
        """
        place, rewrite = self._graph.index, self._rewrite
        draft, index = rewrite.view(tensor), tensor.index
        if not alone or any(known is tensor for known, _ in self._known):
            name = f"{tensor.name}_{len(self._known)}"
            index = rewrite.add_tensor(place, draft, name, constant=True)
            draft = rewrite.tensor(place, index)
        rewrite.set_parameters(draft, parameters)
        rewrite.set_data(draft, content)
        self._known[tensor, parameters] = index

    def __contains__(self, key: tuple[Tensor, Parameters | None]) -> bool:
        """Say whether a tensor is there in certain parameters."""
        return key in self._known

    def index(self, tensor: Tensor, wanted: Parameters | None) -> int:
        """Return the index of a tensor with the values of another in certain parameters.

        Args:
            tensor: A tensor of the model as it was.
            wanted: The parameters; None for floats.
        """
        if (tensor, wanted) not in self._known:
            self._known[tensor, wanted] = self._converted(tensor, wanted)
        return self._known[tensor, wanted]

    def _converted(
        self, tensor: Tensor, wanted: Parameters | None, index: int | None = None
    ) -> int:
        """Set the operators that bring an activation into other parameters."""
        home = self._homes[tensor]
        source = self._known[tensor, home]
        if wanted is None:
            return self._insert("DEQUANTIZE", [source], tensor, None, index)
        if home is not None and (home.dtype, wanted.dtype) == ("int8", "int16"):
            return self._widened(tensor, home, wanted, index)
        return self._insert("QUANTIZE", [source], tensor, wanted, index)

    def _widened(
        self, tensor: Tensor, home: Parameters, wanted: Parameters, index: int | None
    ) -> int:
        """Turn int8 into int16, which LiteRT's QUANTIZE does not do.

        CAST keeps the integers, which stand for too much or too little by the zero point; ADD takes
        that out, and rescales.
        """
        place, rewrite = self._graph.index, self._rewrite
        raw = Parameters("int16", home.scales, (0,))
        cast = self._insert("CAST", [self._known[tensor, home]], tensor, raw)
        shift = rewrite.add_tensor(place, rewrite.view(tensor), f"{tensor.name}_zero_point")
        draft = rewrite.tensor(place, shift)
        draft["shape"], draft["shape_signature"] = (1,), None
        rewrite.set_parameters(draft, raw)
        rewrite.set_data(draft, encoded(_array(-home.zero_points[0]), "int16"))
        return self._insert("ADD", [cast, shift], tensor, wanted, index)

    def _insert(
        self,
        name: str,
        sources: list[int],
        tensor: Tensor,
        wanted: Parameters | None,
        index: int | None = None,
    ) -> int:
        """Set an operator behind the one that writes what it reads, or first."""
        place, rewrite = self._graph.index, self._rewrite
        if index is None:
            count = len(rewrite.draft["subgraphs"][place]["tensors"])
            ending = f"_{count}" if wanted is not None else ""
            label = {"ADD": "widened", "CAST": "cast"}.get(name, f"{name.lower()}d")
            draft = rewrite.view(tensor)
            index = rewrite.add_tensor(place, draft, f"{tensor.name}_{label}{ending}")
            rewrite.set_parameters(rewrite.tensor(place, index), wanted)
        operators = rewrite.operators(place)
        behind = [at for at, each in enumerate(operators) if sources[0] in (each["outputs"] or ())]
        operator = rewrite.new_operator(name, self._version(name, tensor, wanted), sources, index)
        if name == "ADD":
            operator["builtin_options"] = Draft("AddOptions", pot_scale_int16=False)
        operators.insert(behind[-1] + 1 if behind else 0, operator)
        return index

    def _version(self, name: str, tensor: Tensor, wanted: Parameters | None) -> int:
        integers = wanted or self._homes[tensor]
        is_wide = integers is not None and integers.dtype == "int16"
        return _VERSIONS[name] + (is_wide and name in ("QUANTIZE", "DEQUANTIZE"))


def _array(number: int) -> np.ndarray[Any, Any]:
    import numpy as np

    return np.array([number])
