"""What a diagnosis says, as values."""

from __future__ import annotations

from dataclasses import dataclass

VERDICTS = {
    "healthy": "8 bits are close to float",
    "input": "the data may not be as the model wants them, even in float",
    "float_model": "the float model itself does badly on these data",
    "quantization": "quantization is the cause",
    "elsewhere": "16 bits are not close to float either, so that the cause is not the 8 bits",
    "unproven": "8 bits are not close to float, and there is no 16-bit model to compare with",
    "unmade": "the 8-bit model could not be made",
}
"""By the name of a verdict, what it says."""

CAUSES = {
    "weight_channels": "Channels with very different weights share a scale",
    "weight_outlier": "A few large weights set the scale of the others",
    "activation_outlier": "Rare values set the range of an activation",
    "activation_channels": "Channels of an activation differ widely in range, and share a scale",
    "shared_scale": "What is joined has different ranges, and shares a scale",
    "bias_overflow": "A bias does not fit into its integer type",
    "saturation": "Values are cut off at the end of the integer range",
    "softmax_input": "The steps of a SOFTMAX's input are coarse",
    "softmax_output": "Probabilities are too small for the scale that a SOFTMAX must have",
    "huge_value": "A huge constant, such as a mask's, sets a range",
    "input_range": "The quantized input cannot represent the data",
    "unlike_calibration": "The calibration data are unlike the data of the evaluation",
    "float_operator": "Operators stay in float",
    "constant_output": "The outputs are the same whatever the input",
    "not_finite": "The outputs have NaN or infinity",
}
"""By the kind of a cause, its headline."""


@dataclass(frozen=True)
class Evaluation:
    """How well one model does on the evaluation data.

    Attributes:
        name: `"float"`, `"16 bits"`, `"8 bits"`, or the remedy.
        what: How it was made, such as `"full_integer, per_channel, minmax"`.
        scores: By the metric, the principal first; None without labels.
        sqnr: Of the outputs against those of the float model, in dB: their mean; None of the
            float model.
        worst: Likewise, of the output that has the lowest, within ±120: this must be close.
        agreement: The share of samples with the float model's top-1 class, 0 to 1; None where
            no output holds classes.
        close: Whether it is close to float; None of the float model, and where nothing was made.
        error: Why it could not be made or run; None if it was.
    """

    name: str
    what: str
    scores: dict[str, float] | None = None
    sqnr: float | None = None
    worst: float | None = None
    agreement: float | None = None
    close: bool | None = None
    error: str | None = None

    @property
    def score(self) -> float | None:
        """The principal score; None without labels."""
        return next(iter(self.scores.values())) if self.scores else None


@dataclass(frozen=True)
class Check:
    """One change of the data or labels that was tried on the float model.

    Attributes:
        name: What was changed, such as `"input / 255"`.
        advice: What to do if it helps, a sentence.
        score: The principal score with it.
        gain: By how much that is better than without; positive is better.
        samples: On how many samples that is; what seems to help is run on all that are judged.
        helps: Whether that is enough to matter, and more than the luckiest of several tries gains
            by chance.
    """

    name: str
    advice: str
    score: float
    gain: float
    samples: int
    helps: bool


@dataclass(frozen=True)
class Cause:
    """One reason for an error, with its evidence.

    Attributes:
        kind: A key of `CAUSES`.
        text: What was measured, a sentence.
        remedy: What helps against it, in the words of `tfq convert` or a short sentence.
    """

    kind: str
    text: str
    remedy: str


@dataclass(frozen=True)
class Layer:
    """One operator that errs.

    Attributes:
        operator: Its index in the quantized model.
        op: What it does: `"CONV_2D"`.
        name: Of its output there.
        key: What `--passes=int16:…` calls it; None where nothing in the float model matches.
        sqnr: Of its output against the float model's, in dB: what has gathered up to here.
        isolated: Likewise, fed with the float model's values: its own error; None if not measured.
        alone: Of the model's worst output, if this operator alone is in 8 bits and all others are
            in float: what it costs; None if not measured.
        causes: Why.
    """

    operator: int
    op: str
    name: str
    key: str | None
    sqnr: float
    isolated: float | None
    alone: float | None
    causes: tuple[Cause, ...]


@dataclass(frozen=True)
class Remedy:
    """Something that was tried.

    Attributes:
        name: In a few words.
        flags: Of `tfq convert`, such as `"--mode=full_integer --accuracy=best"`.
        cost: What it costs on the device, a few words.
        evaluation: What came of it.
        gain_sqnr: Against the 8-bit model, of the output that is worst, in dB; None if it could not
            be made.
        gain_score: Against the 8-bit model's score; positive is better; None without labels.
        allowed: Whether the profile takes it; True without a profile.
        reason: Why it does not; None if it does.
    """

    name: str
    flags: str
    cost: str
    evaluation: Evaluation
    gain_sqnr: float | None
    gain_score: float | None
    allowed: bool
    reason: str | None


@dataclass(frozen=True)
class Advice:
    """Something about the model or the data that makes quantization harder than it need be.

    Attributes:
        kind: `"batch_norm"`, `"huge_weights"`, `"dead_channels"`, `"regression_ends"`,
            `"calibration_size"`, `"same_data"` or `"unseen"` (what cannot be checked).
        text: What was found and what to do, a sentence or two.
        layer: The layer's name; None where it is about the whole.
    """

    kind: str
    text: str
    layer: str | None = None


@dataclass(frozen=True)
class Diagnosis:
    """What costs a model its accuracy, and what to do.

    Attributes:
        model: What was diagnosed: its path, or what it is.
        profile: The device's profile; None without one.
        samples: How many samples were run.
        available: How many there are.
        metric: Of the scores; None without labels.
        higher_is_better: Whether a larger score is a better one.
        verdict: A key of `VERDICTS`.
        sentence: The verdict, with its figures.
        thresholds: What counts as close, a sentence each.
        evaluations: Float, 16 bits, 8 bits; 8-bit weights alone, where 16 bits are not close.
        checks: What was tried on the float model; empty without labels.
        unchecked: What could not be checked, a sentence each.
        causes: About the whole model.
        layers: Those with the largest isolated errors, the one that costs most first.
        errors: In running order, the index of each operator of the 8-bit model that could be
            compared, with the SQNR of its output in dB.
        remedies: What was tried, the best first.
        recommended: The name of the remedy that is best; None if none is needed or helps.
        command: The `tfq convert` command of that remedy; None likewise.
        hygiene: Advice on model and data.
    """

    model: str
    profile: str | None
    samples: int
    available: int
    metric: str | None
    higher_is_better: bool
    verdict: str
    sentence: str
    thresholds: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    checks: tuple[Check, ...] = ()
    unchecked: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    layers: tuple[Layer, ...] = ()
    errors: tuple[tuple[int, float], ...] = ()
    remedies: tuple[Remedy, ...] = ()
    recommended: str | None = None
    command: str | None = None
    hygiene: tuple[Advice, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether 8 bits are close to float, and the float model does its job."""
        return self.verdict == "healthy"

    def __str__(self) -> str:
        """Return the verdict."""
        return self.sentence
