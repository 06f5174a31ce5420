"""Quantization-aware training of the digits network, cell by cell.

Open it in an editor that knows `# %%`, or run it whole:
``python samples/quantization_aware_training.py``. It takes a minute.
"""

# %%
from pathlib import Path

import keras
import numpy as np
import train_digits

import tfq
import tfq.keras
import tfq.qat

PROFILE = "tidl-tda4vm"  # scales are powers of two there
samples = Path(train_digits.__file__).parent
parts = train_digits.split(train_digits.load_images())

# %% [markdown]
# The float network, and what is left of it after post-training quantization as the device wants it,
# without any of what tfq does for accuracy.

# %%
model = keras.models.load_model(samples / "digits.keras")
plain = tfq.convert(
    model,
    mode="full_integer",
    granularity="per_tensor",
    passes="minmax,power_of_two",
    calibration_data=parts.calibration.image,
)

# %% [markdown]
# The same network, computing as the device will. It is compiled and trained as any other.

# %%
keras.utils.set_random_seed(train_digits.SEED)
aware = tfq.qat.quantize_model(model, profile=PROFILE)
aware.compile(keras.optimizers.Adam(3e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
aware.fit(
    *train_digits.add_shifted(parts.training),
    batch_size=train_digits.BATCH_SIZE,
    epochs=2,
    validation_data=parts.validation,
    verbose=2,
)

# %% [markdown]
# No calibration data: the ranges were trained. What training simulated is what the file computes.

# %%
made = tfq.convert(aware, profile=PROFILE)
images, labels = parts.evaluation
simulated = np.argmax(aware.predict(images, verbose=0), axis=-1)
before = tfq.compare(model, plain, images, labels=labels)
after = tfq.compare(model, made, images, labels=labels)
print(f"float:                  {before.reference_scores['top1']:.1%}")
print(f"quantized afterwards:   {before.candidate_scores['top1']:.1%}")
print(f"trained, as simulated:  {np.mean(simulated == labels):.1%}")
print(f"trained, as a .tflite:  {after.candidate_scores['top1']:.1%}")
print(f"{PROFILE}: {made.report.verdict}")
