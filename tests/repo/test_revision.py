"""A revision of a repository in a folder: what is in it, that nothing changes for it, what is said without it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from pytest_modssl.errors import RevisionError
from pytest_modssl.repo.revision import find_revision, write_revision
from tests.repo.reviewed import commit, git

FILES = {
    "web/conf/httpd.conf": "Listen 80\n",
    "web/conf/crlf.conf": "# one\r\n# two\r\n",
    "web/htdocs/grüße.html": "hello\n",
    "web/secret.conf": "# not in an archive\n",
    ".gitattributes": "secret.conf export-ignore\n*.html filter=none\n",
    ".gitignore": "*.key\nnode_modules/\n",
    "README.md": "about\n",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two commits, work that is in none of them, and files that git ignores."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, FILES)
    (folder / "web/conf/link.conf").symlink_to("httpd.conf")
    commit(folder, {"web/conf/httpd.conf": "Listen 8080\n", "web/new.conf": "# new\n"})
    (folder / "web/conf/httpd.conf").write_text("Listen 9090\n")
    (folder / "web/untracked.conf").write_text("# in no commit\n")
    (folder / "web/tls.key").write_text("a key that only the machine has\n")
    (folder / "web/node_modules").mkdir()
    (folder / "web/node_modules/package.json").write_text("{}")
    return folder


def everything(folder: Path) -> dict[str, str]:
    """Every file below a folder, .git included, by its content and times."""
    return {
        str(path.relative_to(folder)): f"{path.stat().st_mtime_ns} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in folder.rglob("*")
        if path.is_file()
    }


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_the_files_are_those_of_the_revision_and_what_git_ignores(repository: Path, tmp_path: Path) -> None:
    before = everything(repository)
    folder = write_revision(find_revision(repository, "HEAD~1"), tmp_path / "made")
    assert names(folder) == {*FILES, "web/tls.key"}
    assert (folder / "web/conf/httpd.conf").read_text() == "Listen 80\n"
    assert (folder / "web/conf/crlf.conf").read_bytes() == FILES["web/conf/crlf.conf"].encode()
    assert everything(repository) == before
    newer = write_revision(find_revision(repository, "main"), tmp_path / "newer")
    assert (newer / "web/conf/link.conf").readlink() == Path("httpd.conf")


def test_of_a_subfolder_there_is_that_alone_under_its_own_name(repository: Path, tmp_path: Path) -> None:
    revision = find_revision(repository / "web", "HEAD~1")
    folder = write_revision(revision, tmp_path / "made")
    assert folder.name == "web"
    assert names(folder) == {"conf/httpd.conf", "conf/crlf.conf", "htdocs/grüße.html", "secret.conf", "tls.key"}
    assert revision.named("conf/httpd.conf") == "HEAD~1:web/conf/httpd.conf"
    assert git(repository, "show", revision.named("conf/httpd.conf")) == "Listen 80"


def test_a_folder_that_the_revision_has_not_is_empty(repository: Path, tmp_path: Path) -> None:
    (repository / "later").mkdir()
    assert not names(write_revision(find_revision(repository / "later", "HEAD"), tmp_path / "made"))


def test_a_hook_of_another_repository_does_not_mislead(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere" / "index"))
    assert names(write_revision(find_revision(repository, "HEAD~1"), tmp_path / "made")) >= {*FILES}


def test_a_submodule_is_as_the_revision_has_it(repository: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    git(shared, "init", "-q", "-b", "trunk")
    commit(shared, {"tls.conf": "SSLProtocol all\n"})
    git(repository, "submodule", "add", "-q", str(shared), "web/shared")
    git(repository, "commit", "-q", "-m", "share")
    commit(repository / "web/shared", {"tls.conf": "SSLProtocol TLSv1.3\n"})
    folder = write_revision(find_revision(repository, "HEAD"), tmp_path / "made")
    assert (folder / "web/shared/tls.conf").read_text() == "SSLProtocol all\n"

    newest = commit(repository, {})
    git(repository / "web/shared", "checkout", "-q", "HEAD~1")
    git(repository / "web/shared", "reflog", "expire", "--expire=now", "--all")
    git(repository / "web/shared", "branch", "-q", "-D", "trunk")
    git(repository / "web/shared", "gc", "-q", "--prune=now")
    with pytest.raises(RevisionError, match=r"has the submodule web/shared at \w{12}, which is not here: git -C"):
        write_revision(find_revision(repository, newest), tmp_path / "again")
    shutil.rmtree(repository / "web/shared")
    assert write_revision(find_revision(repository, newest), tmp_path / "without")


@pytest.mark.parametrize("reference", ["nowhere", "HEAD~9", "--all", "-q", "", "main:README.md"])
def test_a_revision_that_there_is_not_is_told_with_those_there_are(repository: Path, reference: str) -> None:
    with pytest.raises(RevisionError, match=r"has no revision '.*'\. There are main"):
        find_revision(repository, reference)


def test_a_shallow_clone_is_told_of(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repository}", "shallow")
    assert find_revision(tmp_path / "shallow", "HEAD").commit == git(repository, "rev-parse", "HEAD")
    with pytest.raises(RevisionError, match=r"shallow clone.*git fetch --depth=1"):
        find_revision(tmp_path / "shallow", "HEAD~1")


def test_a_folder_without_git_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(RevisionError, match=r"no working tree: no folder above it has \.git"):
        find_revision(tmp_path, "HEAD")


def test_a_machine_without_git_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RevisionError, match="git, which is not on the PATH"):
        find_revision(tmp_path, "HEAD")


@pytest.mark.parametrize(
    "reference", ["--output=/tmp/x", "--git-dir=/", "-h", "main\n--all", "main; touch x", "", "@{-1"]
)
def test_a_reference_that_is_none_is_no_option_either(repository: Path, reference: str) -> None:
    with pytest.raises(RevisionError, match="has no revision"):
        find_revision(repository, reference)
