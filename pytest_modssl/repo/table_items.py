"""Tables of URLs as pytest collects them: a file of one item a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_modssl.errors import ModsslError
from pytest_modssl.repo.tables import read_table

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping

    from _pytest._code.code import ExceptionInfo, TerminalRepr

    from pytest_modssl.repo.rows import Checker
    from pytest_modssl.repo.tables import Row


class TableFile(pytest.File):
    """A table: each of its rows is an item.

    Args:
        checkers: what rows are held against, by the name of the target, which stands in the names of the items; "" for
            the only one.
        done: called when the last row is done.
    """

    def __init__(
        self, *, checkers: Mapping[str, Checker], done: Callable[[TableFile], None] = lambda _: None, **options: Any
    ) -> None:
        super().__init__(**options)
        self._checkers = checkers
        self._done = done

    def collect(self) -> Iterator[pytest.Item]:
        """The rows in order, once for each target; rows that read the same are told apart by their lines."""
        rows = read_table(self.path)
        for target, checker in self._checkers.items():
            names: set[str] = set()
            for row in rows:
                name = row.title if row.title not in names else f"{row.title} (line {row.origin.line})"
                names.add(name)
                yield RowItem.from_parent(self, name=f"{name} [{target}]" if target else name, row=row, checker=checker)

    def teardown(self) -> None:
        """Closes the connections that the rows have shared."""
        for checker in self._checkers.values():
            checker.close()
        self._done(self)

    def repr_failure(  # type: ignore[override]  # as in pytest.Collector itself
        self, excinfo: ExceptionInfo[BaseException]
    ) -> str | TerminalRepr:
        """What is wrong with a table, without our way to it."""
        return str(excinfo.value) if isinstance(excinfo.value, ModsslError) else super().repr_failure(excinfo)


class RowItem(pytest.Item):
    """One row of a table as a test.

    Args:
        row: what is asked for, and what must come back.
        checker: holds it against a server.
    """

    modssl_no_setup = True

    def __init__(self, *, row: Row, checker: Checker, **options: Any) -> None:
        super().__init__(**options)
        self.row = row
        self._checker = checker

    def runtest(self) -> None:
        """Holds the row against the running server."""
        self._checker.check(self.row)

    def reportinfo(self) -> tuple[os.PathLike[str], int, str]:
        """The row's line in the table, counted from 0 as pytest does.

        pytest takes a title that the item's id ends with for a dotted name, and writes `www::example::com`.
        """
        line = self.row.origin.line
        return self.path, line - 1, f"{self.path.name}:{line}: {self.name}"

    def repr_failure(self, excinfo: ExceptionInfo[BaseException], style: Any = None) -> str | TerminalRepr:
        """The message of a failure of ours, which has all that counts, without our way to it."""
        if not isinstance(excinfo.value, ModsslError | AssertionError):
            return super().repr_failure(excinfo, style)
        return "\n".join([str(excinfo.value), *getattr(excinfo.value, "__notes__", ())])
