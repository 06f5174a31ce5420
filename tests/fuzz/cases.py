"""The cases of the fuzz test: the same number gives the same bytes, on every machine."""

from __future__ import annotations

import os
import random
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from mutations import AIMED, BLIND, Seed

_CHECKOUT = Path(__file__).resolve().parents[2]
MODELS = Path(os.environ.get("TFQ_SHARED", _CHECKOUT.parent / "shared")) / "models"


class Case(NamedTuple):
    """One broken model.

    Attributes:
        number: Its number.
        model: What it was made of.
        steps: What was done to it.
        content: Its bytes.
    """

    number: int
    model: Seed
    steps: str
    content: bytes

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        return f"{self.model.name}: {self.steps}"


class Cases:
    """All cases of one seed of the dice."""

    def __init__(self, seed: int, folder: Path = MODELS) -> None:
        """Take every `.tflite` file below a directory as the start of cases.

        Args:
            seed: The seed of the dice.
            folder: The directory.

        Raises:
            FileNotFoundError: If there is no model.
        """
        self.seed = seed
        self.models = [
            Seed(str(path.relative_to(folder)), path.read_bytes())
            for path in sorted(folder.rglob("*.tflite"))
        ]
        if not self.models:
            raise FileNotFoundError(f"no .tflite file in {folder}: set TFQ_SHARED")
        # A model's share falls with the fourth root of the number of its tables: the smallest get
        # about three times as many cases as the largest, which take a hundred times as long.
        self._shares = list(accumulate(len(each.sites.tables) ** -0.25 for each in self.models))

    def case(self, number: int) -> Case:
        """Make one case.

        Args:
            number: Any number from 0.

        Returns:
            The case.
        """
        dice = random.Random(f"{self.seed} {number}")
        model, other = dice.choices(self.models, cum_weights=self._shares, k=2)
        content = bytearray(model.content)
        steps = []
        for _ in range(dice.choice([1, 1, 1, 2, 3])):
            mutate = dice.choice(dice.choice([BLIND, AIMED, AIMED]))
            mutate(content, dice, model, other)
            steps.append(mutate.__name__)
        return Case(number, model, ", ".join(steps), bytes(content))
