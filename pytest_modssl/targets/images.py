"""The image that a server's container is made from: found, pulled, or built; each once a machine.

The project's own images (`recipes`) are built when they are first asked for. Whoever comes first holds a file lock
while it builds; others wait for it and find the image then. Their base is pulled where a registry answers; where none
does, it is made from Debian's packages.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import docker.errors
import docker.utils

from pytest_modssl.errors import EngineError
from pytest_modssl.folders import turn
from pytest_modssl.httpds.sources import fetch
from pytest_modssl.progress import Step
from pytest_modssl.targets.engine_errors import engine_errors, said
from pytest_modssl.targets.recipes import DEFAULT, LABEL, add_file, recipe_for
from pytest_modssl.targets.registry import default_base

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.progress import Say
    from pytest_modssl.targets.engine import Engine
    from pytest_modssl.targets.recipes import Recipe

# The slowest build that is known, httpd from its sources on two busy cores, takes 5 minutes.
_BUILD_SECONDS = 1800
_LAST_LINES = 15
# "Step 3/7 : RUN ..." of docker, "STEP 3/7: RUN ..." of podman.
_BUILD_STEP = re.compile(r"step (?P<done>\d+)/(?P<total>\d+) ?: (?P<what>.*)", re.IGNORECASE)
_BASE = "modssl/base:"
# Debian's suites without a release date of their own: a mirror's list of theirs may have expired (seen in forky, sid).
_UNDATED = frozenset({"forky", "testing", "sid", "unstable"})


@dataclass(frozen=True, slots=True)
class OwnImage:
    """One of the project's images in an engine.

    Attributes:
        name: what it was built for, for example `"modssl/debian:bookworm"`, or `"modssl/base:bookworm"` for a base.
        tag: its name in the engine.
        current: whether it is the one that this version of the package takes.
        size: bytes.
        created: when.
    """

    name: str
    tag: str
    current: bool
    size: int
    created: datetime


def image_for(engine: Engine, name: str | None, *, say: Say, again: bool = False, offline: bool = False) -> str:
    """The name, in the engine, of the image to run; it is there when this returns.

    Args:
        engine: where it is to be.
        name: `modssl/debian[:SUITE]`, `modssl/source[:VERSION]` or `modssl/legacy[:VERSION]` for one of the project's
            own; any other is an image that the engine has or can pull; `None` for the default,
            `modssl/debian:bookworm`.
        say: told of every step that takes long, and how far it is.
        again: build an image of the project's own, or pull another, also where it is there.
        offline: take what is there, or fail.

    Raises:
        EngineError: when it cannot be had, with the last lines of the step that failed.
    """
    name = name or DEFAULT
    recipe = recipe_for(name)
    if offline:
        tag = name if recipe is None else recipe.tag
        if not _has(engine, tag):
            command = f"docker pull {name}" if recipe is None else f"pytest-modssl images build {name}"
            raise EngineError(
                f"the engine has no image {tag}, and offline mode forbids to get it. What to do: `{command}` "
                "beforehand, or name another target (--modssl-target).",
                reason="no-image",
            )
        return tag
    if recipe is None:
        if again or not _has(engine, name):
            _pull(engine, name, say)
        return name
    if again or not _has(engine, recipe.tag):
        lock = default_base() / "images.lock"  # two builds at once would take as long as one after the other
        with turn(lock, to=f"build {name}", seconds=_BUILD_SECONDS, say=say):
            if again or not _has(engine, recipe.tag):
                _build(engine, recipe, say, again=again)
    return recipe.tag


def default_is_ready(engine: Engine) -> bool:
    """Whether the default image is there, so that nothing has to be built or pulled."""
    recipe = recipe_for(DEFAULT)
    return recipe is not None and _has(engine, recipe.tag)


def own_images(engine: Engine) -> list[OwnImage]:
    """The project's images in an engine, by name, the current one of each first."""
    with engine_errors("list the images"):
        found = engine.client.api.images(filters={"label": LABEL})
    images = []
    for image in found:
        name = image["Labels"][LABEL]
        created = datetime.fromtimestamp(image["Created"], tz=timezone.utc)
        for tag in image.get("RepoTags") or ():
            # podman has a registry in every name.
            short = tag.removeprefix("docker.io/")
            if _is_ours(name, short):
                images.append(OwnImage(name, short, _is_current(name, short), image["Size"], created))
    return sorted(images, key=lambda image: (image.name, not image.current, image.tag))


def remove(engine: Engine, tag: str) -> None:
    """Removes an image of the project's own.

    Raises:
        EngineError: when it is in use, or is not one of the project's own.
    """
    with engine_errors(f"remove {tag}"):
        labels = engine.client.images.get(tag).labels or {}
        if not _is_ours(labels.get(LABEL, ""), tag):
            raise EngineError(f"{tag} was not made by pytest-modssl, and is left alone.", reason="other")
        engine.client.images.remove(tag)


def _build(engine: Engine, recipe: Recipe, say: Say, *, again: bool) -> None:
    """Builds an image; `again` without what the engine remembers of earlier builds."""
    base = _base(engine, recipe, say)
    context = io.BytesIO(recipe.context)
    with tarfile.open(fileobj=context, mode="a") as tar:
        for archive in recipe.archives:
            add_file(tar, archive.file, fetch(archive, say))
    context.seek(0)
    what = f"build the image {recipe.name}"
    say(Step(f"building {recipe.name} as {recipe.tag}"))
    with engine_errors(what):
        progress = engine.client.api.build(
            fileobj=context,
            custom_context=True,
            tag=recipe.tag,
            buildargs={**recipe.arguments, "BASE": base},
            labels={LABEL: recipe.name},
            nocache=again,
            rm=True,
            forcerm=True,
            decode=True,
            timeout=_BUILD_SECONDS,
        )
        _follow(progress, recipe.name, say)
    if not _has(engine, recipe.tag):
        raise EngineError(f"cannot {what}: the engine told of no error, and has no {recipe.tag}.", reason="other")


def _follow(progress: Iterator[dict[str, Any]], name: str, say: Say) -> None:
    """Tells the steps of the build of an image; raises EngineError with the last lines of the one that failed."""
    lines: deque[str] = deque(maxlen=_LAST_LINES)
    failed = None
    # To its end also after an error, so that the connection is free again.
    for event in progress:
        for line in str(event.get("stream", "")).splitlines():
            if step := _BUILD_STEP.match(line):
                lines.clear()
                if "RUN" in line:
                    doing = shorten(step["what"], 80, placeholder=" ...")
                    say(Step(f"building {name}: {doing}", int(step["done"]), int(step["total"])))
            if line.strip():
                lines.append(line)
        failed = failed or event.get("error")
    if failed:
        error = said(str(failed), f"build the image {name}")
        shown = "".join(f"\n    {line}" for line in lines)
        raise EngineError(f"{error}\n  Last lines of the step that failed:{shown}", reason=error.reason)


def _base(engine: Engine, recipe: Recipe, say: Say) -> str:
    """Name of the image to build on: there, or pulled, or made from packages."""
    made = f"{_BASE}{recipe.suite}"
    for name in (recipe.base, made):
        if _has(engine, name):
            return name
    try:
        _pull(engine, recipe.base, say)
    except EngineError as error:
        if error.reason not in {"no-registry", "no-image"}:
            raise
        say(Step(f"no registry has it for us; making Debian {recipe.suite} from its packages with mmdebstrap"))
        _bootstrap(engine, recipe.suite, made, because=error)
        return made
    return recipe.base


def _bootstrap(engine: Engine, suite: str, name: str, *, because: EngineError) -> None:
    """Makes a minimal Debian from its packages and imports it as an image."""
    instead = f"The base of the image is made from Debian's packages because of this:\n  {because}"
    if shutil.which("mmdebstrap") is None:
        raise EngineError(
            "cannot make a base image: mmdebstrap is not installed. What to do: as root on Debian or Ubuntu "
            f"apt-get install mmdebstrap, or load an image debian:{suite}-slim into the engine. {instead}",
            reason="no-registry",
        )
    # --variant=minbase is what Debian's own slim images begin with; mmdebstrap(1).
    options = ["--variant=minbase", "--quiet"]
    if suite in _UNDATED:
        options.append('--aptopt=Acquire::Check-Valid-Until "false"')
    with tempfile.TemporaryDirectory(prefix="modssl-base-") as folder:
        archive = Path(folder) / "base.tar"
        done = subprocess.run(
            ["mmdebstrap", *options, suite, str(archive)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            check=False,
        )
        if done.returncode:
            shown = "".join(f"\n    {line}" for line in done.stderr.splitlines()[-_LAST_LINES:])
            root = "" if os.geteuid() == 0 else " It needs root, or user namespaces (apt-get install uidmap)."
            raise EngineError(
                f"cannot make Debian {suite} with mmdebstrap: exit status {done.returncode}.{root} Its last "
                f"lines:{shown}\n{instead}",
                reason="no-registry",
            )
        with engine_errors(f"import the image {name}"), engine.patience(_BUILD_SECONDS):
            answer = engine.client.api.import_image_from_file(str(archive), changes=[f"LABEL {LABEL}={name}"])
    imported = re.search(r"sha256:[0-9a-f]{64}", answer)
    if imported is None:
        raise said(answer, f"import the image {name}")
    with engine_errors(f"name the image {name}"):
        # podman puts another registry before a name that comes with an import than before one that is looked for.
        repository, _, tag = name.partition(":")
        engine.client.api.tag(imported.group(), repository, tag=tag)


def _has(engine: Engine, name: str) -> bool:
    with engine_errors(f"look for the image {name}"):
        try:
            engine.client.images.get(name)
        except docker.errors.ImageNotFound:
            return False
    return True


def _pull(engine: Engine, name: str, say: Say) -> None:
    """Pulls an image; unlike the client library's own function it does not lose what the engine says went wrong."""
    what = f"pull the image {name}"
    repository, tag = docker.utils.parse_repository_tag(name)
    with engine_errors(what):
        say(Step(f"pulling {name}"))
        failed = None
        layers: dict[str, tuple[int, int]] = {}
        for event in engine.client.api.pull(repository, tag=tag or "latest", stream=True, decode=True):
            failed = failed or event.get("error")
            told = event.get("progressDetail") or {}
            if event.get("status") == "Downloading" and told.get("total"):
                layers[str(event.get("id"))] = told["current"], told["total"]
                done, total = (sum(column) / 1e6 for column in zip(*layers.values(), strict=True))
                say(Step(f"pulling {name}", done, total, "MB"))
    if failed is not None:
        raise said(str(failed), what)


def _is_ours(name: str, tag: str) -> bool:
    """Whether a name in the engine is one that was given here: what others build on our images has our label too."""
    return name.startswith("modssl/") and (tag == name if name.startswith(_BASE) else tag.startswith(f"{name}-"))


def _is_current(name: str, tag: str) -> bool:
    if name.startswith(_BASE):
        return True
    try:
        recipe = recipe_for(name)
    except EngineError:
        return False
    return recipe is not None and tag == recipe.tag
