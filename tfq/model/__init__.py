"""What a user holds: models, subgraphs, operators, tensors, as read-only views on a file."""

from __future__ import annotations

from tfq.model.model import Model, load
from tfq.model.operator import Operator
from tfq.model.quantization import Quantization
from tfq.model.signature import Signature
from tfq.model.subgraph import Subgraph
from tfq.model.tensor import Tensor

__all__ = ["Model", "Operator", "Quantization", "Signature", "Subgraph", "Tensor", "load"]
