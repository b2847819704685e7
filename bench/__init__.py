"""Measurements of pytest-modssl side by side with plain Python that does the same work: `python -m bench`."""
