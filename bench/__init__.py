"""How fast it is, measured side by side with what bounds it; `python -m bench` writes the table."""
