"""Requests that end in an error of the server: .htaccess, scripts, loops, passwords."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.evidence import Place
from pytest_modssl.faq.recognise import answers, requested, shown, unwanted
from pytest_modssl.httpd.snippet import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence

# What mod_cgid (AH01241) and mod_cgi (AH01215) log of a program that the system does not run.
_NOT_RUN = r"(?:\(\d+\)(?P<why>[^:]*): )(?:AH01241: )?exec of '(?P<script>.*?)' failed"


def _htaccess(evidence: Evidence) -> Iterator[Finding]:
    pattern = r"\] (?P<file>/\S*/\.htaccess): (?P<why>.*)"
    for response in unwanted(evidence, requests.codes.internal_server_error):
        for record, found in evidence.logged(match=pattern):
            yield Finding(
                seen=(f"{response.url} answered 500", shown(record)),
                cause=f"httpd refuses {found['file']}: {found['why']}",
                place=evidence.call(requested(evidence, response.url)) or Place(Origin(found["file"], 1)),
            )
            return


def _script_without_header(evidence: Evidence) -> Iterator[Finding]:
    if not any(evidence.logged(match=_NOT_RUN)):
        yield from answers(
            status=requests.codes.internal_server_error,
            match=r"(?:malformed header from script|End of script output before headers)[ :]*'?(?P<script>[^\s':]+)",
            cause="{script} did not print a header and an empty line before all else",
        )(evidence)


ENTRIES = (
    Entry(
        id="htaccess-refused",
        group="beyond",
        question="Why does a folder with .htaccess answer 500?",
        cause="httpd refuses a directive of .htaccess: it is misspelled, or AllowOverride does not allow it",
        remedy="correct the directive, or let AllowOverride allow its kind, or move it into the server's configuration",
        directives=("AllowOverride",),
        recognisers=(_htaccess,),
    ),
    Entry(
        id="script-not-run",
        group="beyond",
        question="Why does the exec of a script fail?",
        cause="the system cannot run the script: no x bit, no #! line, or an interpreter that is not there",
        remedy="give it the x bit and a first line with the path of an interpreter, ending in LF alone",
        directives=("ScriptAlias", "Options"),
        numbers=("AH01241", "AH01215"),
        recognisers=(answers(status=500, match=_NOT_RUN, cause="{script} cannot be run: {why}"),),
    ),
    Entry(
        id="script-without-header",
        group="beyond",
        question="Why does a script's output end before headers, or have a malformed header?",
        cause="the script ended early, or printed something before its header",
        remedy="let it print Content-Type and an empty line first; run it by hand as the account in User",
        directives=("ScriptAlias", "Options"),
        recognisers=(_script_without_header,),
    ),
    Entry(
        id="scripts-off",
        group="beyond",
        question="Why does httpd say that Options ExecCGI is off?",
        cause="Options does not allow scripts in the folder",
        remedy="write Options +ExecCGI for the folder, or give the scripts a ScriptAlias",
        directives=("Options", "ScriptAlias"),
        numbers=("AH01262",),
        recognisers=(
            answers(
                status=403,
                match=r"(?:stderr from |\] )(?P<script>\S+): Options ExecCGI is off in this directory",
                cause="{script} may not be run: Options ExecCGI is off in its folder",
                directive="Options",
            ),
        ),
    ),
    Entry(
        id="internal-redirects",
        group="beyond",
        question="Why does a request exceed the limit of internal redirects?",
        cause="a rewrite rule, a FallbackResource or an ErrorDocument leads to itself",
        remedy="exclude what is rewritten already: RewriteCond %{ENV:REDIRECT_STATUS} ^$, or the flag [END]",
        directives=("RewriteRule", "FallbackResource", "LimitInternalRecursion"),
        numbers=("AH00124", "AH00125"),
        recognisers=(answers("AH00124", "AH00125", status=500),),
    ),
    Entry(
        id="password-file-unreadable",
        group="beyond",
        question="Why could httpd not open a password file?",
        cause="the file in AuthUserFile is not there, or the account of httpd's children may not read it",
        remedy="let AuthUserFile name a file that the account in User can read",
        directives=("AuthUserFile",),
        numbers=("AH01620",),
        recognisers=(
            answers(
                "AH01620",
                status=500,
                match=r"password file: (?P<file>\S+)",
                cause="the password file {file} cannot be opened",
                directive="AuthUserFile",
            ),
        ),
    ),
    Entry(
        id="authentication-not-configured",
        group="beyond",
        question="Why does httpd say that it couldn't check the user?",
        cause="Require asks for a user, and no AuthType says how users are known",
        remedy="write AuthType Basic, AuthName and AuthUserFile beside Require",
        directives=("AuthType", "Require"),
        numbers=("AH00025", "AH00027"),
        recognisers=(answers("AH00025", "AH00027", status=500, directive="Require"),),
    ),
)
