"""What holds for the package as a whole."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

import tfq

CHECKOUT = Path(__file__).resolve().parents[1]
HEAVY = ("numpy", "tensorflow", "keras", "tf_keras", "ai_edge_litert", "litert_quantizer", "PIL")


def loaded_by(code: str) -> set[str]:
    """Which heavy packages a fresh process has loaded after `code`."""
    ending = "\nimport sys\nprint('\\n' + ' '.join({name.split('.')[0] for name in sys.modules}))"
    run = subprocess.run(
        [sys.executable, "-c", code + ending], capture_output=True, text=True, check=True
    )
    return set(run.stdout.splitlines()[-1].split()) & set(HEAVY)


def test_importing_tfq_loads_nothing_heavy() -> None:
    assert loaded_by("import tfq") == set()


@pytest.mark.parametrize("words", [["inspect"], ["lint", "--profile=artpec8"]])
def test_commands_that_only_read_load_nothing_heavy(shared_models: Path, words: list[str]) -> None:
    model = str(shared_models / "edgetpu_pairs" / "deeplabv3_mnv2_dm05_pascal_quant.tflite")
    assert loaded_by(f"from tfq.cli import main\nmain({[*words, model]!r})") == set()


def test_quantizing_a_tflite_file_needs_no_tensorflow(digits, tmp_path: Path) -> None:
    pytest.importorskip("litert_quantizer")
    digits(mode="float32").save(tmp_path / "float.tflite")
    code = (
        "import numpy as np, tfq\n"
        "data = np.random.default_rng(0).random((20, 8, 8, 1), np.float32)\n"
        f"tfq.convert({str(tmp_path / 'float.tflite')!r}, calibration_data=data)"
    )
    assert loaded_by(code).isdisjoint({"tensorflow", "keras", "tf_keras"})


def test_functions_stay_functions_though_packages_have_their_names() -> None:
    from tfq.convert.modes import MODES
    from tfq.lint.rules import all_rules

    assert MODES
    assert all_rules()
    assert callable(tfq.convert)
    assert callable(tfq.lint)


def test_every_package_is_installed() -> None:
    config = configparser.ConfigParser()
    config.read(CHECKOUT / "setup.cfg")
    installed = set(config["options"]["packages"].split())
    found = {
        ".".join(init.parent.relative_to(CHECKOUT).parts)
        for init in (CHECKOUT / "tfq").rglob("__init__.py")
    }
    assert installed == found | {"tfq.schemas"}


def test_every_public_name_exists_and_every_error_is_caught_as_one() -> None:
    for name in tfq.__all__:
        thing = getattr(tfq, name)
        if name.endswith("Error"):
            assert issubclass(thing, tfq.Error)
