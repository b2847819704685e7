"""What is kept of tests (`--modssl-artifacts`): a folder for each, with all that is known of the servers it used."""

from pytest_modssl.report.artifacts.contents import CAPTURE, COMMANDS, KEYS, REPORT, TRANSCRIPT, Recorded
from pytest_modssl.report.artifacts.folder import folder_of, forget
from pytest_modssl.report.artifacts.keep import MOST_OF_RUN, Budget, Subject, gather, keep

__all__ = [
    "CAPTURE",
    "COMMANDS",
    "KEYS",
    "MOST_OF_RUN",
    "REPORT",
    "TRANSCRIPT",
    "Budget",
    "Recorded",
    "Subject",
    "folder_of",
    "forget",
    "gather",
    "keep",
]
