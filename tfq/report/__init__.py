"""What people and programs read: terminal tables, and the contents of a model as text and JSON."""

from tfq.report.table import table

__all__ = ["table"]
