"""The callback and the export, in real training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")

import tfq  # noqa: E402
from tfq.keras import DeploymentCheck, export  # noqa: E402


@pytest.fixture(scope="module")
def data(samples: Path) -> dict[str, np.ndarray]:
    content = np.load(samples / "evaluation.npz")
    return {"image": content["image"].astype(np.float32), "y": content["y"]}


def network(classes: int = 10, activation: str | None = "softmax") -> Any:
    keras.utils.set_random_seed(0)
    x = image = keras.Input((8, 8, 1), name="image")
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    x = keras.layers.Dense(classes, activation=activation)(keras.layers.Flatten()(x))
    return keras.Model(image, x)


def compiled(**options: Any) -> Any:
    model = network(**options)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    return model


def fit(model: Any, data: dict[str, np.ndarray], *callbacks: Any, epochs: int = 3) -> Any:
    return model.fit(
        data["image"], data["y"], epochs=epochs, verbose=0, shuffle=False, callbacks=[*callbacks]
    ).history


def check(data: dict[str, np.ndarray], **options: Any) -> DeploymentCheck:
    pair = (data["image"], data["y"])
    given = {"calibration_data": data["image"][:50], "evaluation_data": pair, "accuracy": "none"}
    return DeploymentCheck("artpec8", **given | options)


def test_the_logs_hold_what_the_quantized_model_is_worth_and_others_read_them(
    data: dict[str, np.ndarray], tmp_path: Path
) -> None:
    model, watching = compiled(), check(data, path=tmp_path / "best.tflite")
    table = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    kept = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", "val_int8_accuracy", mode="max", save_best_only=True
    )
    history = fit(model, data, watching, table, kept)

    scores = history["val_int8_accuracy"]
    assert len(scores) == 3 and scores[-1] > scores[0] > 0.1
    assert watching.best == max(scores)
    assert history["val_int8_errors"] == [0, 0, 0]
    assert "val_int8_accuracy" in (tmp_path / "log.csv").read_text()
    assert (tmp_path / "best.keras").exists()
    assert watching.best_model is not None
    best = tfq.load(tmp_path / "best.tflite")
    assert bytes(best) == bytes(watching.best_model)
    found = tfq.compare(best, best, data["image"], labels=data["y"])
    assert found.candidate_scores is not None
    assert found.candidate_scores["top1"] == watching.best
    assert history["val_int8_size"][0] == pytest.approx(best.size, rel=0.05)


def test_training_stops_when_the_quantized_model_gains_no_more(
    data: dict[str, np.ndarray],
) -> None:
    model = compiled()
    model.optimizer.learning_rate = 0.0
    patience = keras.callbacks.EarlyStopping("val_int8_accuracy", mode="max", patience=1)
    assert len(fit(model, data, check(data), patience, epochs=9)["loss"]) == 2


def test_epochs_between_checks_repeat_the_numbers(data: dict[str, np.ndarray]) -> None:
    history = fit(compiled(), data, check(data, every=3), epochs=5)
    first, *same, last, end = history["val_int8_accuracy"]
    assert same == [first, first]
    assert first < last < end


def test_a_model_that_has_become_nan_is_a_warning(data: dict[str, np.ndarray]) -> None:
    model, watching = compiled(), check(data)
    watching.set_model(model)
    logs: dict[str, float] = {}
    watching.on_epoch_end(0, logs)
    model.layers[1].bias.assign(np.full(8, np.nan))
    with pytest.warns(tfq.ConversionWarning, match="not checked"):
        watching.on_epoch_end(1, logs)
    assert math.isnan(logs["val_int8_accuracy"]) and math.isnan(logs["val_int8_size"])
    assert watching.best is not None and not math.isnan(watching.best)


def test_without_evaluation_data_only_the_file_is_looked_at(data: dict[str, np.ndarray]) -> None:
    history = fit(compiled(), data, check(data, evaluation_data=None), epochs=1)
    assert {name for name in history if name.startswith("val_")} == {
        "val_int8_size",
        "val_int8_errors",
        "val_int8_warnings",
    }


def test_a_regression_is_watched_by_its_error(data: dict[str, np.ndarray]) -> None:
    model = network(classes=1, activation=None)
    model.compile("adam", "mse")
    target = data["y"].astype(np.float32)[:, None] + 0.5
    watching = check(data, evaluation_data=(data["image"], target))
    history = fit(model, data, watching, epochs=3)
    assert watching.best == min(history["val_int8_mae"]) == history["val_int8_mae"][-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "every: expected a number of epochs from 1 up, got 0"),
        ({"every": True}, "every: expected a number of epochs"),
        ({"path": "/nowhere/best.tflite"}, "there is no directory /nowhere"),
        ({"path": "best.tflite", "evaluation_data": None}, "path: expected evaluation_data"),
    ],
)
def test_what_cannot_be_is_refused_before_training(
    data: dict[str, np.ndarray], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(tfq.ArgumentError, match=message):
        check(data, **options)


def test_an_unknown_device_is_refused_before_training() -> None:
    with pytest.raises(tfq.ProfileError, match="artpec99"):
        DeploymentCheck("artpec99")


def test_evaluation_data_without_labels_end_the_training_with_an_error(
    data: dict[str, np.ndarray],
) -> None:
    with pytest.raises(tfq.ArgumentError, match="expected labels beside the samples"):
        fit(compiled(), data, check(data, evaluation_data=data["image"]), epochs=1)


def test_an_export_is_what_convert_makes(data: dict[str, np.ndarray], tmp_path: Path) -> None:
    model, path = network(), tmp_path / "model.tflite"
    made = export(model, path, profile="artpec8", calibration_data=data["image"][:50])
    assert bytes(tfq.load(path)) == bytes(made)
    assert made.report is not None and made.report.ok
    with pytest.warns(tfq.ConversionWarning, match=r"float.tflite: does not pass artpec8: \d+ err"):
        export(model, tmp_path / "float.tflite", profile="artpec8", mode="float32")


def test_nothing_is_converted_for_a_place_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(tfq.ArgumentError, match="there is no directory"):
        export(None, tmp_path / "missing" / "model.tflite")


def test_every_fit_begins_with_a_check_and_another_model_anew(data: dict[str, np.ndarray]) -> None:
    model, watching = compiled(), check(data, every=3)
    fit(model, data, watching, epochs=1)
    first = watching.best
    more = model.fit(
        data["image"], data["y"], initial_epoch=1, epochs=3, verbose=0, callbacks=[watching]
    ).history["val_int8_accuracy"]
    assert first is not None and more[0] > first and watching.best == max(more)
    other = compiled()
    other.optimizer.learning_rate = 0.0
    fit(other, data, watching, epochs=1)
    assert watching.best is not None and watching.best < max(more)


def test_a_model_that_is_nan_from_the_start_has_its_columns(data: dict[str, np.ndarray]) -> None:
    model, watching = compiled(), check(data)
    model.layers[1].bias.assign(np.full(8, np.nan))
    watching.set_model(model)
    logs: dict[str, float] = {}
    with pytest.warns(tfq.ConversionWarning, match="not checked"):
        watching.on_epoch_end(0, logs)
    assert set(logs) == {f"val_int8_{name}" for name in ("accuracy", "size", "errors", "warnings")}
    assert all(map(math.isnan, logs.values()))


def test_a_generator_is_refused_as_there_are_several_checks(data: dict[str, np.ndarray]) -> None:
    with pytest.raises(tfq.ArgumentError, match=r"calibration_data: .* got a generator"):
        check(data, calibration_data=iter([data["image"][:1]]))


def test_what_is_no_device_is_refused() -> None:
    with pytest.raises(tfq.ArgumentError, match="profile: expected the name of a device"):
        DeploymentCheck(None)
