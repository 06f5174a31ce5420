"""What people and programs read: the contents of models, and how two differ, as text and JSON."""
