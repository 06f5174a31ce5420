import importlib.util
import json
import zipfile
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def load(name):
    import numpy as np

    with np.load(SAMPLES / name, allow_pickle=False) as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def calibration():
    return load("calibration.npz")


@pytest.fixture(scope="module")
def evaluation():
    return load("evaluation.npz")


@pytest.fixture(scope="module")
def script():
    # samples/ is no package, so its script is loaded by its path.
    spec = importlib.util.spec_from_file_location("train_digits", SAMPLES / "train_digits.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def parts(script):
    return script.split(script.load_images())


@pytest.fixture(scope="module")
def model():
    import keras

    return keras.models.load_model(SAMPLES / "digits.keras")


@pytest.mark.parametrize(
    ("name", "limit"),
    [("digits.keras", 400_000), ("calibration.npz", 20_000), ("evaluation.npz", 50_000)],
)
def test_files_are_small(name, limit):
    assert 0 < (SAMPLES / name).stat().st_size <= limit


def test_calibration_holds_100_images_under_the_name_of_the_input(calibration):
    assert list(calibration) == ["image"]
    check_images(calibration["image"], 100)


def test_evaluation_holds_400_images_with_labels(evaluation):
    assert sorted(evaluation) == ["image", "y"]
    check_images(evaluation["image"], 400)
    assert evaluation["y"].shape == (400,)
    assert evaluation["y"].dtype == "int64"
    assert set(evaluation["y"].tolist()) == set(range(10))


def check_images(image, count):
    assert image.shape == (count, 8, 8, 1)
    assert image.dtype == "float32"
    assert image.min() == 0
    assert image.max() == 1


def test_no_image_stands_twice_or_in_two_parts(parts):
    images = [image.tobytes() for part in parts for image in part.image]
    assert len(images) > 1700
    assert len(set(images)) == len(images)


def test_shifts_of_training_images_are_not_evaluation_or_calibration_images(
    script, parts, calibration, evaluation
):
    trained_on = {image.tobytes() for image in script.add_shifted(parts.training).image}
    held_out = [*calibration["image"], *evaluation["image"]]
    assert not trained_on & {image.tobytes() for image in held_out}


def test_a_repeated_image_is_kept_once(script, monkeypatch):
    digits = script.load_digits()
    for key in ("data", "images", "target"):
        digits[key] = digits[key][[0, 1, 0, 2, 1]]
    monkeypatch.setattr(script, "load_digits", lambda: digits)
    data = script.load_images()
    assert data.image.shape == (3, 8, 8, 1)
    assert data.label.tolist() == digits.target[[0, 1, 3]].tolist()


def test_shifting_moves_by_one_pixel(script, parts):
    shifted = script.add_shifted(parts.calibration)
    image = parts.calibration.image
    assert len(shifted.image) == len(shifted.label) == 900
    assert (shifted.image[400:500] == image).all()
    assert (shifted.image[:100, 1:, 1:] == image[:, :-1, :-1]).all()
    assert (shifted.label[:100] == parts.calibration.label).all()


def test_files_hold_what_the_script_splits_off(parts, calibration, evaluation):
    assert (calibration["image"] == parts.calibration.image).all()
    assert (evaluation["image"] == parts.evaluation.image).all()
    assert (evaluation["y"] == parts.evaluation.label).all()


def test_model_is_the_one_the_script_builds(script, model):
    assert outline(model) == outline(script.build_model())
    assert model.input.name == "image"
    assert not model.compiled


def test_model_was_saved_by_a_keras_that_python_3_10_has():
    # Later ones record settings, such as an initializer's axes, that Keras 3.12 refuses to load.
    with zipfile.ZipFile(SAMPLES / "digits.keras") as archive:
        version = json.loads(archive.read("metadata.json"))["keras_version"]
    assert tuple(int(number) for number in version.split(".")[:2]) <= (3, 12)


def outline(model):
    return [
        (type(layer).__name__, layer.name, layer.output.shape, [w.shape for w in layer.weights])
        for layer in model.layers
    ]


def test_model_labels_96_percent_of_the_evaluation_images_correctly(model, evaluation):
    import numpy as np

    scores = np.asarray(model(evaluation["image"], training=False))
    assert np.mean(scores.argmax(axis=-1) == evaluation["y"]) >= 0.96
