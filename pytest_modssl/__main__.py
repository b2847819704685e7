"""`python -m pytest_modssl`: the same as the program `pytest-modssl`."""

from __future__ import annotations

import sys

from pytest_modssl.cli import main

if __name__ == "__main__":
    sys.exit(main())
