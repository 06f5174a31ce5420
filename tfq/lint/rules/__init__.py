"""The rules: one file a family, one documented function a rule.

Adding a rule is adding a function; adding a family is adding a file and its row in FAMILIES.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from tfq.lint.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

# In the order of their ids, which is the order of the findings.
FAMILIES = (
    "full_integer",
    "naming",
    "granularity",
    "scheme",
    "source",
    "parameters",
    "bias",
    "agreement",
    "redundancy",
    "channels",
    "support",
    "shapes",
    "resources",
)


@lru_cache(maxsize=1)
def all_rules() -> Mapping[str, Rule]:
    """Every rule by its id, in the order of the ids."""
    modules = [importlib.import_module(f"{__name__}.{family}") for family in FAMILIES]
    found = [each for module in modules for each in vars(module).values() if isinstance(each, Rule)]
    return MappingProxyType({each.id: each for each in found})
