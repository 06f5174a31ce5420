"""Errors of layers as node data of Google's Model Explorer, which colours its graph by them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tfq.numerics.noise import clamped

if TYPE_CHECKING:
    from tfq.accuracy.layers import LayerErrors
    from tfq.model import Model

# From the worst to the best, dark enough on white and bright enough on black to be told apart.
_COLOURS = ("#d73027", "#fdae61", "#ffffbf", "#a6d96a", "#1a9850")
# What Model Explorer calls a subgraph without a name.
_UNNAMED = "main"


def node_data(model: Model, layers: LayerErrors) -> dict[str, Any]:
    """Return node data for a `.tflite` file.

    The format is that of the class ModelNodeData in node_data_builder.py of the package
    ai-edge-model-explorer: by graph, which is the name of the subgraph, the values by node, which
    is the index of the operator. Of several outputs of an operator the worst counts. The value is
    the error accumulated up to there, in dB between -120 and 120.

    Args:
        model: The candidate, of which the file shows the graph.
        layers: Its errors.

    Returns:
        What `json.dumps` turns into a file for Model Explorer.
    """
    values: dict[str, float] = {}
    for each in layers.layers:
        key = str(each.operator)
        values[key] = min(values.get(key, math.inf), clamped(each.sqnr))
    last = len(_COLOURS) - 1
    return {
        model.subgraphs[0].name or _UNNAMED: {
            "results": {key: {"value": round(value, 2)} for key, value in values.items()},
            "name": "SQNR (dB)",
            "gradient": [
                {"stop": place / last, "bgColor": colour} for place, colour in enumerate(_COLOURS)
            ],
        }
    }
