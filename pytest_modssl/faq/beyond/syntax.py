"""Directives that httpd refuses to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modssl.faq.entry import Entry, Finding
from pytest_modssl.faq.recognise import refused, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_modssl.faq.evidence import Evidence


def _undefined_variable(evidence: Evidence) -> Iterator[Finding]:
    place = evidence.trouble
    if evidence.start.ready or place is None:
        return
    for record, found in evidence.logged("AH00111", match=r"Config variable (?P<variable>\$\{.*?\}) is not defined"):
        if found["variable"] in place.text:
            yield Finding(seen=(shown(record),), cause=f"nothing defines {found['variable']}", place=place)
            return


ENTRIES = (
    Entry(
        id="variable-undefined",
        group="beyond",
        question="Why does httpd say that a Config variable is not defined?",
        cause="a variable is used that no Define has",
        remedy="define it: ServerConfig(defines={...}), or Define NAME value before the line; in a repository of "
        "configuration --modssl-env NAME=value (modssl_env) says what the environment of the deployment does",
        directives=("Define",),
        numbers=("AH00111",),
        recognisers=(_undefined_variable,),
    ),
    Entry(
        id="section-not-closed",
        group="beyond",
        question="Why does httpd say that a section was not closed?",
        cause="the lines that open and close sections do not pair",
        remedy="close each section by its own name, the inner ones first",
        directives=("<VirtualHost>", "<Directory>", "<IfModule>"),
        recognisers=(
            refused(r"(?P<section><\w+)>? was not closed", cause="{section}> has no line that closes it"),
            refused(
                r"(?P<seen></\w+)> without matching <\w+> section", cause="{seen}> closes a section that is not open"
            ),
            refused(
                r"Expected (?P<wanted></\w+>) but saw (?P<seen></\w+>)", cause="{seen} stands where {wanted} should"
            ),
            refused(r"(?P<section><\w+)> directive missing closing '>'", cause="the line of {section}> lacks its >"),
        ),
    ),
    Entry(
        id="directive-not-allowed-here",
        group="beyond",
        question="Why does httpd say that a directive is not allowed here?",
        cause="the directive stands where its context does not allow it",
        remedy="move it to a context that the manual names for it: server config, virtual host, directory, .htaccess",
        directives=("<VirtualHost>", "<Directory>", "<Location>"),
        numbers=("AH00526",),
        recognisers=(
            refused(
                r"^<?(?P<directive>\w+) cannot occur within (?P<section><\w+>) section",
                cause="{directive} may not stand within {section}",
            ),
            refused(
                r"^<?(?P<directive>\w+) not allowed in (?P<section><\w+>) context",
                cause="{directive} may not stand within {section}",
            ),
            refused(
                r"^<?(?P<directive>\w+) not allowed here",
                cause="{directive} may not stand outside of a directory section",
            ),
        ),
    ),
    Entry(
        id="arguments-wrong",
        group="beyond",
        question="Why does httpd say how many arguments a directive takes?",
        cause="the directive has too few or too many arguments, or one that is neither On nor Off",
        remedy="write the arguments that the manual names; one with spaces stands in quotes",
        directives=("ServerName", "SSLEngine", "Alias"),
        numbers=("AH00526",),
        recognisers=(
            refused(
                r"^(?P<directive>\w+) (?P<rule>(?:takes|must have) [\w -]+ arguments?|must be On or Off)",
                cause="{directive} {rule}",
            ),
            refused(r"^Argument must be On or Off", cause="the argument must be On or Off"),
        ),
    ),
    Entry(
        id="option-unknown",
        group="beyond",
        question="Why does httpd call an option illegal?",
        cause="the directive has no such option",
        remedy="spell the option as the manual does",
        directives=("Options", "AllowOverride", "SSLOptions", "SSLVerifyClient", "LogLevel"),
        numbers=("AH00526",),
        recognisers=(
            refused(r"^Illegal (?:override )?option (?P<name>\S+)", cause="there is no option {name}"),
            refused(
                r"^(?P<directive>SSL\w+): Illegal option '(?P<name>.*?)'", cause="{directive} has no option {name}"
            ),
            refused(
                r"^(?P<directive>SSL\w+): Invalid argument '(?P<name>.*?)'", cause="{directive} does not take {name}"
            ),
            refused(r"^Log level keyword must be one of", cause="LogLevel names a level that does not exist"),
        ),
    ),
    Entry(
        id="options-mixed",
        group="beyond",
        question="Why does httpd say that either all Options must start with + or -, or none?",
        cause="options with a sign change what is inherited, options without one replace it; they cannot be mixed",
        remedy="give each option a sign, or none: Options +Indexes +FollowSymLinks",
        directives=("Options",),
        numbers=("AH00526",),
        recognisers=(refused(r"Either all Options must start with \+ or -"),),
    ),
    Entry(
        id="pattern-broken",
        group="beyond",
        question="Why does httpd fail to compile a regular expression?",
        cause="the pattern is no regular expression",
        remedy="close its brackets, and escape what stands for itself",
        directives=("RewriteRule", "RewriteCond", "<DirectoryMatch>", "SetEnvIf"),
        numbers=("AH00526",),
        recognisers=(
            refused(
                r"(?P<directive>\w+): cannot compile regular expression '(?P<pattern>.*)'",
                cause="the pattern of {directive} is no regular expression: {pattern}",
            ),
            refused(r"[Rr]egex could not be compiled"),
        ),
    ),
    Entry(
        id="rewrite-flag-unknown",
        group="beyond",
        question="Why does httpd call the flags of a rewrite rule unknown or badly delimited?",
        cause="the flags are no list in brackets that mod_rewrite knows; a space ends the list",
        remedy="write the flags without spaces: [R=301,L]",
        directives=("RewriteRule", "RewriteCond"),
        numbers=("AH00526",),
        recognisers=(
            refused(r"(?P<directive>Rewrite\w+): unknown flag '(?P<flag>.*?)'", cause="{directive} has no flag {flag}"),
            refused(r"(?P<directive>Rewrite\w+): bad flag delimiters", cause="the flags of {directive} are no [list]"),
        ),
    ),
    Entry(
        id="expression-broken",
        group="beyond",
        question="Why can httpd not parse an expression?",
        cause="the text is no expression of httpd",
        remedy="write it as the manual's page on expressions (expr.html) does, text in quotes within the quotes",
        directives=("<If>", "Require", "SSLRequire"),
        numbers=("AH00526",),
        recognisers=(
            refused(
                r"Cannot parse (?:condition clause|expression in require line): (?P<why>.*)",
                cause="the expression cannot be read: {why}",
            ),
            refused(r"SSLRequire: (?P<why>syntax error.*)", cause="the expression cannot be read: {why}"),
        ),
    ),
    Entry(
        id="provider-unknown",
        group="beyond",
        question="Why does httpd call a provider of authentication or authorization unknown?",
        cause="no module that is loaded has it, or its name is misspelled",
        remedy="load its module (mod_authz_host for Require ip, mod_authn_dbm for dbm), or spell it as the manual does",
        directives=("Require", "AuthBasicProvider"),
        numbers=("AH00526",),
        recognisers=(
            refused(
                r"Unknown (?P<kind>Authz|Authn) provider: (?P<name>\S+)",
                cause="no module that is loaded has the {kind} provider {name}",
            ),
        ),
    ),
    Entry(
        id="included-file-missing",
        group="beyond",
        question="Why could httpd not open an included file?",
        cause="the file or folder that Include names is not there",
        remedy="let Include name a file that the server sees, or write IncludeOptional where it may be missing",
        directives=("Include", "IncludeOptional"),
        recognisers=(
            refused(
                r"Could not open (?:configuration file|directory) (?P<file>.*?): ",
                cause="{file} cannot be opened where the server runs",
            ),
        ),
    ),
)
