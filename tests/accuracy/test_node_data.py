from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tfq
from tfq.accuracy.layers import LayerError, LayerErrors, layer_errors
from tfq.accuracy.node_data import node_data
from tfq.model import Model


@pytest.fixture(scope="module")
def errors(digits: Callable[..., Model], samples: Path) -> LayerErrors:
    rows = np.load(samples / "evaluation.npz")["image"][:8, None].astype(np.float32)
    candidate = digits(mode="full_integer", accuracy="none")
    return layer_errors(digits(mode="float32"), candidate, [{"image": row} for row in rows])


def shown(path: Path) -> dict[str, dict[str, str]]:
    """Model Explorer's own graphs of a file: by their ids, the labels of nodes by theirs."""
    module = pytest.importorskip("model_explorer.builtin_tflite_flatbuffer_adapter")
    (collection,) = module.BuiltinTfliteFlatbufferAdapter().convert(str(path), {})[
        "graphCollections"
    ]
    return {
        graph["id"]: {node["id"]: node["label"] for node in graph["nodes"]}
        for graph in collection.graphs
    }


def like(errors: LayerErrors, **changes: Any) -> LayerError:
    return dataclasses.replace(errors.layers[0], **changes)


def test_the_keys_are_nodes_of_the_graph_that_model_explorer_draws(
    digits: Callable[..., Model], errors: LayerErrors, tmp_path: Path
) -> None:
    model = digits(mode="full_integer", accuracy="none")
    model.save(tmp_path / "model.tflite")

    data = node_data(model, errors)

    graphs = shown(tmp_path / "model.tflite")
    ((graph, values),) = data.items()
    labels = {key: graphs[graph][key] for key in values["results"]}
    assert labels == {str(each.index): each.name.lower() for each in model.operators}


def test_a_graph_has_the_name_that_model_explorer_gives_it(
    faces: dict[str, Path], errors: LayerErrors, tmp_path: Path
) -> None:
    named = tfq.load(faces["face_detection_front"])
    draft = named.draft()
    draft["subgraphs"][0]["name"] = None
    unnamed = Model.from_draft(draft)
    for place, model in enumerate((named, unnamed)):
        path = tmp_path / f"{place}.tflite"
        model.save(path)
        assert list(node_data(model, errors)) == list(shown(path))


def test_model_explorer_reads_the_file(
    digits: Callable[..., Model], errors: LayerErrors, tmp_path: Path
) -> None:
    explorer = pytest.importorskip("model_explorer")
    builder = pytest.importorskip("model_explorer.node_data_builder")
    model, paths = digits(mode="full_integer", accuracy="none"), [tmp_path / "m.tflite"]
    paths.append(tmp_path / "out.json")
    model.save(paths[0])
    data = node_data(model, errors)
    paths[1].write_text(json.dumps(data, allow_nan=False))

    config = explorer.config().add_model_from_path(str(paths[0]))
    config.add_node_data_from_path(str(paths[1]), model_name="m.tflite")
    rebuilt = {
        graph: builder.GraphNodeData(
            **values
            | {
                "results": {
                    key: builder.NodeDataResult(**each) for key, each in values["results"].items()
                },
                "gradient": [builder.GradientItem(**each) for each in values["gradient"]],
            }
        )
        for graph, values in json.loads(paths[1].read_text()).items()
    }

    assert config.get_transferrable_data()["node_data_sources"] == [str(paths[1])]
    back = json.loads(builder.ModelNodeData(rebuilt).to_json_string())
    assert all(back[graph]["results"] == values["results"] for graph, values in data.items())
    assert all(back[graph]["gradient"] == values["gradient"] for graph, values in data.items())


def test_of_several_outputs_the_worst_counts_and_all_numbers_are_finite(
    digits: Callable[..., Model], errors: LayerErrors
) -> None:
    layers = tuple(
        like(errors, operator=operator, tensor=tensor, sqnr=decibels)
        for operator, tensor, decibels in (
            (0, 1, 30.0),
            (0, 2, 20.0),
            (1, 3, math.inf),
            (2, 4, -math.inf),
        )
    )

    data = node_data(digits(mode="float32"), LayerErrors(4, 4, layers))

    ((_, values),) = data.items()
    found = {key: each["value"] for key, each in values["results"].items()}
    assert found == {"0": 20.0, "1": 120.0, "2": -120.0}


def test_the_gradient_goes_from_the_worst_to_the_best(
    digits: Callable[..., Model], errors: LayerErrors
) -> None:
    ((_, values),) = node_data(digits(mode="float32"), errors).items()

    stops = [each["stop"] for each in values["gradient"]]
    assert (stops[0], stops[-1]) == (0, 1)
    assert stops == sorted(stops)
