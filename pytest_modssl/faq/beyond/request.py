"""Failures that show in the answer to a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import answers, refused, requested, shown, unwanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence


def _no_document_root(evidence: Evidence) -> Iterator[Finding]:
    missing = [one for one in evidence.seen(requests.Response) if one.status_code == requests.codes.not_found]
    for record, found in evidence.logged("AH00112", match=r"DocumentRoot \[(?P<folder>.*?)\] does not exist"):
        for response in missing:
            used = evidence.find("DocumentRoot", word=found["folder"])
            yield Finding(
                seen=(f"{response.url} answered 404", shown(record)),
                cause=f"DocumentRoot {found['folder']} does not exist where the server runs",
                place=None if used is None else used.place,
            )
            return


def _no_file(evidence: Evidence) -> Iterator[Finding]:
    if any(evidence.logged("AH00112")):
        return
    # The latest of each: what an assertion fails with is the last that was asked for.
    for response in reversed([*unwanted(evidence, requests.codes.not_found)]):
        for record, found in reversed([*evidence.logged("AH00128", match=r"File does not exist: (?P<file>.*)")]):
            yield Finding(
                seen=(f"{response.url} answered 404", shown(record)),
                cause=f"{response.url} stands for the file {found['file']}, which is not there",
                place=evidence.call(requested(evidence, response.url)),
                certainty="likely",
            )
            return


ENTRIES = (
    Entry(
        id="document-root-missing",
        group="beyond",
        question="Why is every page of a host not found?",
        cause="the folder in DocumentRoot does not exist where the server runs; httpd starts and only warns",
        remedy="let DocumentRoot name a folder that is there; give the content of a test's host as files=",
        directives=("DocumentRoot",),
        numbers=("AH00112",),
        recognisers=(
            refused(r"DocumentRoot '(?P<folder>.*?)' is not a directory, or is not readable"),
            _no_document_root,
        ),
    ),
    Entry(
        id="page-not-found",
        group="beyond",
        question="Why is a page not found?",
        cause="no file stands where DocumentRoot, Alias and the rewrite rules lead the URL",
        remedy="put the file there (files= of a virtual host), or change what maps the URL",
        directives=("DocumentRoot", "Alias", "RewriteRule"),
        numbers=("AH00128",),
        recognisers=(_no_file,),
    ),
    Entry(
        id="no-index-page",
        group="beyond",
        question="Why does a folder have no page?",
        cause="the folder has no file of DirectoryIndex, and httpd may not, or cannot, list it",
        remedy="give the folder an index.html, or load mod_autoindex and write Options +Indexes",
        directives=("DirectoryIndex", "Options"),
        numbers=("AH00129", "AH01276"),
        recognisers=(
            answers(
                "AH00129", status=404, match=r"serve directory: (?P<folder>.*)", cause="{folder} has no index page"
            ),
            answers(
                "AH01276",
                status=403,
                match=r"Cannot serve directory (?P<folder>\S+):",
                cause="{folder} has no index page, and Options forbids to list it",
                directive="Options",
            ),
        ),
    ),
    Entry(
        id="access-denied",
        group="beyond",
        question="Why is a client denied by server configuration?",
        cause="Require, or the old Order, Allow and Deny, does not let the client in",
        remedy="let it in where the page is: Require all granted in its <Directory> or <Location>",
        directives=("Require", "Order"),
        numbers=("AH01630", "AH01797"),
        recognisers=(
            answers(
                "AH01630",
                status=403,
                match=r"denied by server configuration: (?P<what>\S+)",
                cause="no Require lets the client see {what}",
                directive="Require",
            ),
            answers(
                "AH01797",
                status=403,
                match=r"denied by server configuration: (?P<what>\S+)",
                cause="Order, Allow and Deny do not let the client see {what}",
                directive="Order",
            ),
        ),
    ),
    Entry(
        id="file-permissions",
        group="beyond",
        question="Why do file permissions deny the server access?",
        cause="the account of httpd's children may not read the file, or not enter a folder above it",
        remedy="give the file the r bit, and every folder above it the x bit, for the account in User",
        directives=("User", "DocumentRoot"),
        numbers=("AH00132", "AH00035", "AH00529"),
        recognisers=(
            answers("AH00132", status=403, match=r"server access: (?P<what>\S+)", cause="{what} may not be read"),
            answers("AH00035", status=403, cause="a folder above the file of {url} may not be entered"),
            answers(
                "AH00529",
                status=403,
                match=r"AH00529: (?P<what>\S+) pcfg_openfile",
                cause="the folder of {what} may not be entered",
                directive="DocumentRoot",
            ),
        ),
    ),
    Entry(
        id="link-refused",
        group="beyond",
        question="Why is a symbolic link not allowed?",
        cause="Options does not allow links there, or the link leads where the server may not go",
        remedy="write Options +FollowSymLinks for the folder that the link is in",
        directives=("Options",),
        numbers=("AH00037",),
        recognisers=(
            answers(
                "AH00037",
                status=403,
                match=r"not accessible: (?P<link>\S+)",
                cause="{link} is a symbolic link, and Options does not allow it",
                directive="Options",
            ),
        ),
    ),
    Entry(
        id="tls-required",
        group="beyond",
        question="Why does the server say that an SSL connection is required?",
        cause="SSLRequireSSL is in force, and the request came over plain HTTP",
        remedy="ask by https://, or redirect plain HTTP before it is denied",
        directives=("SSLRequireSSL",),
        numbers=("AH02219",),
        recognisers=(answers("AH02219", status=403, directive="SSLRequireSSL"),),
    ),
    Entry(
        id="tls-requirement-not-met",
        group="beyond",
        question="Why does the server say that an SSL requirement expression is not fulfilled?",
        cause="the expression of SSLRequire is false for the connection",
        remedy="let the connection fulfil it, or write what is meant as Require expr",
        directives=("SSLRequire", "Require"),
        numbers=("AH02228", "AH02229"),
        recognisers=(
            answers(
                "AH02228",
                status=403,
                match=r"Failed expression: (?P<expression>.*)",
                cause="for the connection this is false: {expression}",
                directive="SSLRequire",
            ),
        ),
    ),
    Entry(
        id="encoded-slash",
        group="beyond",
        question="Why is every URL with %2F not found?",
        cause="httpd refuses an encoded slash in the path of a URL",
        remedy="write AllowEncodedSlashes NoDecode in the virtual host",
        directives=("AllowEncodedSlashes",),
        numbers=("AH00026",),
        recognisers=(answers("AH00026", status=404),),
    ),
    Entry(
        id="request-too-large",
        group="beyond",
        question="Why does the server refuse a request as too large?",
        cause="the request is larger than a Limit directive allows",
        remedy="raise the limit in the virtual host that the client meets first",
        directives=("LimitRequestBody", "LimitRequestFieldSize", "LimitRequestLine"),
        numbers=("AH01588", "AH00561", "AH00565"),
        recognisers=(
            answers("AH01588", status=413, cause="the body is larger than allowed", directive="LimitRequestBody"),
            answers("AH00561", status=400, cause="a header is too large", directive="LimitRequestFieldSize"),
            answers("AH00565", status=414, cause="the URL is too long", directive="LimitRequestLine"),
        ),
    ),
)
