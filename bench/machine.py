"""What all was measured on: the machine, and the versions of what took part."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from bench import peers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.httpd.installation import Installation

_PACKAGES = ("pytest-modssl", "pytest", "pytest-xdist", "pyOpenSSL", "cryptography", "requests")


def header(installation: Installation) -> Iterator[str]:
    """A list in Markdown, line by line."""
    yield f"- machine: {_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
    yield f"- httpd: {installation.version} with {installation.tls_library} {installation.openssl}"
    yield f"- Python: {platform.python_version()} with {ssl.OPENSSL_VERSION}"
    yield f"- packages: {', '.join(f'{name} {importlib.metadata.version(name)}' for name in _PACKAGES)}"
    yield f"- peers: {', '.join(peers.told())}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
