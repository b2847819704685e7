"""Images that are not the project's own: what is told of those that cannot serve, and which layouts can."""

from __future__ import annotations

import io
import shutil
import uuid
from typing import TYPE_CHECKING

import pytest

from pytest_modssl import _data
from pytest_modssl.errors import EngineError, MissingModuleError
from pytest_modssl.targets.choice import container_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_modssl.targets.engine import Engine
    from pytest_modssl.targets.registry import Owner

# A Debian whose httpd lies where RHEL's does, with modules and account likewise; it stays Debian's httpd.
RHEL_LIKENESS = """
RUN useradd --system apache && userdel www-data \\
 && mkdir -p /usr/lib64/httpd /etc/httpd && mv /usr/lib/apache2/modules /usr/lib64/httpd/modules \\
 && ln -s /usr/lib64/httpd/modules /etc/httpd/modules \\
 && mv /usr/sbin/apache2 /usr/sbin/httpd && rm -r /usr/lib/apache2
"""
# One whose httpd lies where that of the official image does, and is started and ended as it; `make test-images` runs on
# httpd that was built there.
OFFICIAL_LIKENESS = """
ENV PATH=/usr/local/apache2/bin:$PATH
RUN mkdir -p /usr/local/apache2/bin && mv /usr/sbin/apache2 /usr/local/apache2/bin/httpd \\
 && mv /usr/lib/apache2/modules /usr/local/apache2/modules && rm -r /usr/lib/apache2 \\
 && printf '#!/bin/sh\\nexec httpd -DFOREGROUND\\n' >/usr/local/bin/httpd-foreground \\
 && chmod 755 /usr/local/bin/httpd-foreground
STOPSIGNAL SIGWINCH
CMD ["httpd-foreground"]
"""
NO_SHELL = "RUN rm -f /bin/sh /usr/bin/sh /bin/dash /usr/bin/dash"
# The head of a program for 64-bit ARM (e_machine 183, elf(5)), and nothing behind it.
FOREIGN_SHELL = (
    r"RUN printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\267\0\1\0\0\0' >/x && head -c 4096 /dev/zero >>/x "
    "&& chmod 755 /x && mv /x /bin/sh"
)
GREEDY_SHELL = (
    r"RUN printf '#!/usr/bin/perl\nmy @x; push @x, q(x) x 1000000 while 1;\n' >/x && chmod 755 /x && mv /x /bin/sh"
)
HASTY_SHELL = r"RUN printf '#!/usr/bin/perl\nprint STDERR q(no way); exit 3;\n' >/x && chmod 755 /x && mv /x /bin/sh"


@pytest.fixture
def image_with(engine: Engine, image: str) -> Iterator[Callable[[str], str]]:
    """Builds an image out of the default one."""
    made = []

    def build(recipe: str) -> str:
        name = f"modssl-test-foreign:{uuid.uuid4().hex}"
        engine.client.images.build(fileobj=io.BytesIO(f"FROM {image}\n{recipe}\n".encode()), tag=name, rm=True)
        made.append(name)
        return name

    yield build
    for name in made:
        assert engine.client.api.containers(all=True, filters={"ancestor": name}) == []
        engine.client.images.remove(name, force=True)


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers are given so little memory that it is full in no time."""
    monkeypatch.setattr("pytest_modssl.targets.container._MEMORY", "64m")


@pytest.mark.parametrize(
    ("recipe", "reason", "words"),
    [
        (NO_SHELL, "shell", "take an image that has a POSIX shell"),
        (FOREIGN_SHELL, "architecture", "take an image made for the engine's machine"),
        (GREEDY_SHELL, "memory", "the container was killed: it needed more memory than it may have"),
        (HASTY_SHELL, "container", "ended with exit status 3.*\n  Its last words:\n    no way"),
    ],
    ids=["no-shell", "architecture", "memory", "ends"],
)
@pytest.mark.usefixtures("little_memory")
def test_an_image_that_does_not_run_is_told_with_the_reason(
    image_with: Callable[[str], str], owner: Owner, recipe: str, reason: str, words: str
) -> None:
    name = image_with(recipe)
    with pytest.raises(EngineError, match=words) as caught:
        container_target(name, owner, start_seconds=20, say=print)
    assert caught.value.reason == reason
    assert name in str(caught.value)


def test_an_image_that_is_labelled_for_another_machine_and_does_not_run_is_told(
    engine: Engine, owner: Owner, tmp_path: Path
) -> None:
    other = "arm64" if engine.architecture != "arm64" else "amd64"
    name = f"modssl-test-foreign:{uuid.uuid4().hex}"
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    engine.client.images.build(path=str(tmp_path), tag=name, platform=f"linux/{other}", rm=True)
    try:
        with pytest.raises(EngineError, match=f"{name}: it is for {other}, and .* is {engine.architecture}") as caught:
            container_target(name, owner, start_seconds=20, say=print)
        assert caught.value.reason == "architecture"
    finally:
        engine.client.images.remove(name, force=True)


def test_an_image_without_mod_ssl_is_told_with_the_package(image_with: Callable[[str], str], owner: Owner) -> None:
    name = image_with("RUN rm /usr/lib/apache2/modules/mod_ssl.so")
    with pytest.raises(MissingModuleError, match=rf"image {name}: /usr/sbin/apache2 .*\n  mod_ssl: apt-get install"):
        container_target(name, owner, start_seconds=20, say=print)


@pytest.mark.parametrize(
    ("recipe", "places"),
    [
        (RHEL_LIKENESS, ("/usr/sbin/httpd", "/usr/lib64/httpd/modules", "apache")),
        (OFFICIAL_LIKENESS, ("/usr/local/apache2/bin/httpd", "/usr/local/apache2/modules", "www-data")),
    ],
    ids=["rhel", "official"],
)
def test_the_sample_repository_passes_in_other_layouts(
    image_with: Callable[[str], str], pytester: pytest.Pytester, owner: Owner, recipe: str, places: tuple[str, str, str]
) -> None:
    name = image_with(recipe)
    target = container_target(name, owner, start_seconds=20, say=print)
    target.close()
    target._engine.close()
    found = target.installation
    assert (str(found.binary), str(found.modules_folder), found.user) == places
    shutil.copytree(_data.fixture("repos/shop"), pytester.path, dirs_exist_ok=True)
    result = pytester.runpytest_subprocess("--modssl", "--modssl-target", f"docker:{name}", "-p", "no:cacheprovider")
    assert result.ret == 0
    result.assert_outcomes(passed=21)
