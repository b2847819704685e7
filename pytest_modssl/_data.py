"""Where the data that ships with the package lies: beside the checkout's top level, or inside an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
# A wheel carries the top-level folders and the examples inside the package (see pyproject.toml); a checkout has them
# beside it.
_ROOT = _PACKAGE / "_data" if (_PACKAGE / "_data").is_dir() else _PACKAGE.parent


def fixture(name: str) -> Path:
    """Path of a file or folder below `fixtures/`.

    Args:
        name: path relative to `fixtures/`, with forward slashes, for example `"dh/ffdhe2048.pem"`.

    Raises:
        FileNotFoundError: when nothing of that name ships with the package.
    """
    return _existing(_ROOT / "fixtures" / name)


def container(name: str) -> Path:
    """Path of a file or folder below `containers/`; arguments and errors as for `fixture`."""
    return _existing(_ROOT / "containers" / name)


def example(name: str) -> Path:
    """Path of an example of a test; arguments and errors as for `fixture`."""
    return _existing((_ROOT if _ROOT.name == "_data" else _ROOT / "tests") / "examples" / name)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not ship with pytest-modssl: the installation is incomplete")
    return path
