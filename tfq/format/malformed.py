"""How the checks say what is wrong and where."""

from __future__ import annotations

from tfq.errors import InvalidModelError

# A single angle quote stands between the parts of a place, from the outside in.
SEPARATOR = " \u203a "


class Malformed(Exception):  # noqa: N818
    """A broken rule of the format; each level that it passes adds where it stands.

    Attributes:
        places: Where, from the innermost outwards.
    """

    def __init__(self, what: str) -> None:
        """Say what is wrong, in words that fit after the place and a colon."""
        super().__init__(what)
        self.places: list[str] = []

    def within(self, place: str) -> Malformed:
        """Add the next place outwards, and return the exception itself."""
        self.places.append(place)
        return self

    def as_error(self, name: str) -> InvalidModelError:
        """Return what a user sees: one line with the file's name, the place and the fault."""
        where = SEPARATOR.join(reversed(self.places))
        return InvalidModelError(f"{name}: {where}: {self}" if where else f"{name}: {self}")


def element(field: str, index: int) -> str:
    """Name one element of a vector of tables: `subgraph 0`, `operator code 3`, `metadata 1`."""
    singular = field[:-1] if field.endswith("s") else field
    return f"{singular.replace('_', ' ')} {index}"
