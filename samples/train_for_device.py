"""Trains the digits network, watches what it will be on a camera, and writes its `.tflite`.

Run it from anywhere: ``python samples/train_for_device.py [--profile=artpec8] [--epochs=6]
[--output=build/digits.tflite]``. Each epoch ends with the accuracy of the quantized model beside
that of the float one; training stops when the quantized one gains no more.
"""

import argparse
from pathlib import Path

import keras
import train_digits

import tfq
import tfq.keras


def main() -> None:
    """Trains, exports, and prints what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="artpec8")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--output", type=Path, default=Path("build/digits.tflite"))
    asked = parser.parse_args()
    asked.output.parent.mkdir(parents=True, exist_ok=True)

    parts = train_digits.split(train_digits.load_images())
    keras.utils.set_random_seed(train_digits.SEED)
    model = train_digits.build_model()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    check = tfq.keras.DeploymentCheck(
        asked.profile,
        calibration_data=parts.calibration.image,
        evaluation_data=parts.validation,
        path=asked.output,
    )
    patience = keras.callbacks.EarlyStopping("val_int8_accuracy", mode="max", patience=2)
    model.fit(
        *train_digits.add_shifted(parts.training),
        batch_size=train_digits.BATCH_SIZE,
        epochs=asked.epochs,
        validation_data=parts.validation,
        callbacks=[check, patience],  # what reads the quantized accuracy stands behind the check
        verbose=2,
    )
    best = check.best_model
    print(f"{asked.output}: {best.size} bytes, {check.best:.1%} of the validation images")
    print(best.report)


if __name__ == "__main__":
    main()
