"""What all views on a model share: they are read-only, and one view stands for one thing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from tfq.format import Table


class View:
    """A read-only view on a part of a model.

    A model makes one view of each of its parts, so that two views are equal only if they are the
    same object, and a view can be a key of a dict. What a view has read, it keeps.

    Attributes:
        table: The part as it stands in the file; what `tfq.format` edits and writes.
    """

    table: Table

    def _repr_html_(self) -> str:
        """Return tables for a notebook."""
        from tfq.model import notebook

        return notebook.html(self)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: raises AttributeError."""
        kind = type(self).__name__
        raise AttributeError(f"{kind}.{name} is read-only: a changed model is a new model")
