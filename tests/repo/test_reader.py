from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_modssl.httpd.dumps import effective_config
from pytest_modssl.repo.found import Found, Layout
from pytest_modssl.repo.reader import Reading, Statement, parse, read_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_modssl.httpd.installation import Installation

ROOT = "/etc/httpd"
HOST = """\
<VirtualHost *:443>
    # a comment \\
    of two lines
    ServerName host{0}.example.com
    ServerAlias www.host{0}.example.com
    DocumentRoot "/var/www/host{0}"
    SSLEngine on
    SSLCertificateFile ${{CERTS}}/host{0}.pem
    SSLProtocol all -SSLv3 \\
        -TLSv1 -TLSv1.1
    Header always set Strict-Transport-Security "max-age=63072000; includeSubDomains"
    <Directory "/var/www/host{0}">
        Options -Indexes +FollowSymLinks
        Require all granted
    </Directory>
    RewriteRule ^/old/(.*)$ https://new.example.com/$1 [R=301,L]
</VirtualHost>
"""


def read(root: Path, files: dict[str, str], **found: object) -> Reading:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    values: dict[str, object] = {
        "layout": Layout(name="rhel", server_root=ROOT, main=f"{ROOT}/conf/httpd.conf"),
        "main": root / "httpd.conf",
        "trees": {ROOT: root},
    }
    return read_configuration(Found(title="t", root=root, **{**values, **found}))  # type: ignore[arg-type]


def seen(reading: Reading) -> list[str]:
    """Directives with their arguments; those that only bring others left out."""
    bringing = {"include", "includeoptional", "use", "define"}
    return [
        " ".join([one.directive, *one.arguments])
        for one in reading.statements
        if one.directive.lower() not in bringing and one.statement.block is None
    ]


def flat(statements: tuple[Statement, ...]) -> Iterator[Statement]:
    stack = list(reversed(statements))
    while stack:
        one = stack.pop()
        yield one
        stack += reversed(one.block or ())


def test_sections_hold_what_stands_in_them_and_words_keep_their_places() -> None:
    text = '<VirtualHost *:443>\n  ServerName "a b"\n</VirtualHost>\nListen 80\n'
    host, listen = parse(text)
    assert (host.directive, host.line, text[host.start : host.end]) == ("VirtualHost", 1, "<VirtualHost *:443>")
    assert host.block is not None
    (name,) = host.block
    assert (name.directive, name.line, [word.text for word in name.args]) == ("ServerName", 2, ["a b"])
    assert text[name.args[0].start : name.args[0].end] == '"a b"'
    assert (listen.directive, listen.block) == ("Listen", None)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("</A>\nB", "B"),
        ("<A>\nB", "A(B)"),
        ("<A>\n<B>\nC\n</A>\nD", "A(B(C)) D"),
        ("<A>\n</B>\nC\n</a>\nD", "A(C) D"),
        ("<A>\n<A>\nB\n</A>\nC\n</A>\nD", "A(A(B) C) D"),
    ],
)
def test_unbalanced_sections_are_tolerated(text: str, shape: str) -> None:
    def shown(statements: tuple[Statement, ...]) -> str:
        return " ".join(
            one.directive + (f"({shown(one.block)})" if one.block is not None else "") for one in statements
        )

    assert shown(parse(text)) == shape


@given(st.text() | st.lists(st.sampled_from(["<A>", "</A>", "<B ", "</b>", "C \\", '"', "", "#", "\r"])).map("\n".join))
def test_any_text_is_read_and_its_words_are_where_they_say(text: str) -> None:
    for statement in flat(parse(text)):
        for word in statement.args:
            assert statement.start <= word.start <= word.end <= statement.end
            assert word.text[:1] in text[word.start : word.end]


def test_sections_may_be_as_deep_as_nobody_writes_them(tmp_path: Path) -> None:
    reading = read(tmp_path, {"httpd.conf": "<A>\n" * 100 + "B\n" + "</B>\n" * 20_000})
    assert [len(one.sections) for one in reading.statements[-2:]] == [99, 100]
    assert reading.stopped is None


def test_includes_are_read_in_httpds_order_and_from_the_folders_of_their_deployment(tmp_path: Path) -> None:
    reading = read(
        tmp_path,
        {
            "httpd.conf": f"A\nInclude conf.d/*.conf\nInclude {ROOT}/folder\nIncludeOptional {ROOT}/none/*.conf\nZ",
            "conf.d/b.conf": "B",
            "conf.d/B.conf": "B0",
            "conf.d/.hidden.conf": "H",
            "conf.d/a.conf": "Include conf.d/more/[!x]*.inc\nAfter",
            "conf.d/more/1.inc": "One",
            "conf.d/more/x.inc": "Never",
            "folder/2/deep": "Deep",
            "folder/1": "First",
        },
    )
    assert seen(reading) == ["A", "B0", "One", "After", "B", "First", "Deep", "Z"]
    assert reading.missed == ()
    one = next(one for one in reading.statements if one.directive == "One")
    assert (one.file.deployed, one.origin.file, one.origin.line) == (
        f"{ROOT}/conf.d/more/1.inc",
        str(tmp_path / "conf.d/more/1.inc"),
        1,
    )


def test_what_the_layout_brings_is_read_where_the_repository_has_nothing(tmp_path: Path) -> None:
    layout = Layout(
        name="rhel", server_root=ROOT, main="m", files={f"{ROOT}/conf.d/ssl.conf": "Brought", f"{ROOT}/own": "Brought"}
    )
    reading = read(tmp_path, {"httpd.conf": "Include conf.d/*.conf\nInclude own", "own": "Own"}, layout=layout)
    assert seen(reading) == ["Brought", "Own"]
    assert [file.path for file in reading.files] == [tmp_path / "httpd.conf", None, tmp_path / "own"]


def test_fragments_follow_the_base_of_their_layout(tmp_path: Path) -> None:
    layout = Layout(name="rhel", server_root=ROOT, main=f"{ROOT}/httpd.conf", base="Define X base\nBase")
    reading = read(
        tmp_path,
        {"b.conf": "B ${X}", "a.conf": "A"},
        main=None,
        layout=layout,
        fragments=(tmp_path / "b.conf", tmp_path / "a.conf"),
    )
    assert seen(reading) == ["Base", "B base", "A"]


def test_variables_are_replaced_in_the_text_once_and_in_order(tmp_path: Path) -> None:
    text = """\
A ${GIVEN} ${ENV} ${NONE}
Define X "one two"
B ${X}
Define Y ${X}
Define X three
C "${X}-${Y}"
UnDefine X
D ${X}
Define DIR extra
<${TAG} ${GIVEN}>
E
</${TAG}>
Include ${DIR}/x.conf
"""
    reading = read(
        tmp_path,
        {"httpd.conf": text, "extra/x.conf": "F"},
        defines=("GIVEN=g", "TAG=Location"),
        variables={"ENV": "e", "GIVEN": "beaten"},
    )
    assert seen(reading) == ["A g e ${NONE}", "B one two", "C three-one", "UnDefine X", "D ${X}", "E", "F"]
    location = next(one for one in reading.statements if one.statement.block is not None)
    assert (location.directive, location.arguments) == ("Location", ("g",))
    assert reading.defined["DIR"] == "extra"


def test_both_branches_are_read_and_the_one_that_httpd_leaves_out_overrides_nothing(tmp_path: Path) -> None:
    text = """\
<IfDefine !STAGE>
    Define STAGE production
</IfDefine>
A ${STAGE}
<IfDefine OTHER>
    Define STAGE other
    Define ONLY here
    B
</IfDefine>
C ${STAGE} ${ONLY}
"""
    assert seen(read(tmp_path, {"httpd.conf": text}, defines=("STAGE=test",))) == ["A test", "B", "C test here"]
    assert seen(read(tmp_path, {"httpd.conf": text})) == ["A production", "B", "C production here"]


def test_macros_are_used_with_their_parameters(tmp_path: Path) -> None:
    text = """\
<Macro Host $name $port $names>
<VirtualHost *:$port>
  ServerName $name
  ServerAlias $names \\
      www.$name
  Use Inner @x
</VirtualHost>
</Macro>
<Macro inner @x>
  Inner @x
</Macro>
Use host a.test 443 "b.test c.test"
Use Nothing 1
<Macro Loop>
Use Loop
</Macro>
Use Loop
"""
    reading = read(tmp_path, {"httpd.conf": text})
    assert seen(reading) == ["ServerName a.test", "ServerAlias b.test c.test www.a.test", "Inner @x"]
    name = next(one for one in reading.statements if one.directive == "ServerName")
    assert name.via is not None
    assert (name.statement.line, name.via.statement.line) == (3, 12)
    assert [(one.directive, one.arguments) for one in name.sections] == [("VirtualHost", ("*:443",))]
    assert name.file.text[name.statement.args[0].start : name.statement.args[0].end] == "$name"
    assert [one.reason for one in reading.missed] == [
        "no macro Nothing is defined before it",
        "the macro Loop uses itself",
    ]


def test_sections_reach_across_includes(tmp_path: Path) -> None:
    reading = read(
        tmp_path, {"httpd.conf": "<VirtualHost *:443>\nInclude x.conf\n</VirtualHost>", "x.conf": "SSLEngine on"}
    )
    assert [one.directive for one in reading.statements[-1].sections] == ["VirtualHost"]


def test_includes_that_cannot_be_followed_are_told(tmp_path: Path) -> None:
    (tmp_path / "lost.conf").symlink_to("/nowhere/lost.conf")
    (tmp_path / "repo").mkdir()
    (tmp_path / "outside.conf").write_text("Outside")
    root = tmp_path / "repo"
    (root / "out.conf").symlink_to("../outside.conf")
    (root / "in.conf").symlink_to("real.inc")
    (root / "deployed.conf").symlink_to(f"{ROOT}/real.inc")
    reading = read(
        root,
        {
            "httpd.conf": "Include out.conf\nIncludeOptional gone.conf\nInclude gone/*.conf\nInclude in.conf\n"
            "Include deployed.conf\nInclude httpd-gone.conf",
            "real.inc": "Real",
        },
    )
    assert seen(reading) == ["Real", "Real"]
    assert [(one.statement.statement.line, one.reason) for one in reading.missed] == [
        (1, f"{ROOT}/out.conf is a symbolic link to what the repository does not hold"),
        (3, f"the repository has no {ROOT}/gone/*.conf"),
        (6, f"the repository has no {ROOT}/httpd-gone.conf"),
    ]


def test_files_that_include_themselves_end_where_httpd_ends_them(tmp_path: Path) -> None:
    reading = read(tmp_path, {"httpd.conf": "A\nInclude a.conf\nNever", "a.conf": "B\nInclude *.conf\nNever"})
    assert reading.missed[-1].reason.startswith("nested deeper than 128 includes")
    assert "Never" not in seen(reading)


def test_macros_that_multiply_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_modssl.repo.bounds.MOST_STATEMENTS", 1000)
    text = "".join(f"<Macro M{n}>\nUse M{n + 1}\nUse M{n + 1}\n</Macro>\n" for n in range(60)) + "Use M0"
    reading = read(tmp_path, {"httpd.conf": text})
    assert len(reading.statements) == 1001
    assert reading.stopped == reading.missed[-1]
    assert reading.missed[-1].reason == "more than 1000 statements, includes and macros among them"


def test_windows_paths_and_server_roots_are_followed(tmp_path: Path) -> None:
    text = 'Define SRVROOT "c:/Apache24"\nServerRoot "${SRVROOT}"\nInclude conf\\x.conf\nInclude "C:\\Apache24\\y.conf"'
    reading = read(tmp_path, {"httpd.conf": text, "z.conf": ""}, trees={"/C:/Apache24": tmp_path})
    assert reading.server_root == "/C:/Apache24"
    assert [one.reason for one in reading.missed] == [
        "the repository has no /C:/Apache24/conf/x.conf",
        "the repository has no /C:/Apache24/y.conf",
    ]


def test_bytes_that_are_not_utf8_survive(tmp_path: Path) -> None:
    reading = read(tmp_path, {"httpd.conf": "# caf\udce9\r\nSetEnv X caf\udce9\r\n"})
    assert reading.statements[0].arguments == ("X", "caf\udce9")
    assert reading.files[0].text.encode("utf-8", "surrogateescape") == b"# caf\xe9\r\nSetEnv X caf\xe9\r\n"


def test_reading_time_grows_with_the_number_of_hosts_only(tmp_path: Path) -> None:
    def seconds(hosts: int) -> float:
        (tmp_path / "httpd.conf").write_text("".join(HOST.format(number) for number in range(hosts)))
        start = time.process_time()
        read(tmp_path, {})
        return time.process_time() - start

    few = min(seconds(50) for _ in range(3))
    # Ten times as many; twice that is what a busy machine and its garbage collector may add.
    assert min(seconds(500) for _ in range(2)) < max(20 * few, 0.3)


def test_httpd_sees_the_same_words_lines_sections_and_order(local_installation: Installation, tmp_path: Path) -> None:
    names = ("mpm_event", "authz_core", "env", "alias", "macro")
    loads = "".join(
        f"LoadModule {name}_module {local_installation.loadable[name]}\n"
        for name in names
        if name in local_installation.loadable
    )
    text = f"""\
ServerRoot {tmp_path}
ErrorLog error.log
Include modules.inc
Define PLACE "/a b"
<Macro Host $name $names>
<VirtualHost *:80>
    ServerName $name
    ServerAlias $names www.$name
    Include vhost.inc
</VirtualHost>
</Macro>
SetEnv NAME "quoted \\"twice\\" ${{PLACE}}"
Use Host one.test "more.test other.test"
Include conf.d/*.conf
Use host two.test x.test
"""
    files = {
        "httpd.conf": text,
        "modules.inc": loads,
        "vhost.inc": '<Location "${PLACE}">\r\n  SetEnv \\\r\n  WHERE caf\u00e9\r\n</Location>\r\n',
        "conf.d/b.conf": "SetEnv B b\nInclude conf.d/inner/*",
        "conf.d/B.conf": "SetEnv UPPER b",
        "conf.d/a.conf": "SetEnv A a",
        "conf.d/inner/2": "SetEnv two 2",
        "conf.d/inner/10": "SetEnv ten 10",
    }
    reading = read(tmp_path, files, trees={str(tmp_path): tmp_path})
    obeyed = {"serverroot", "loadmodule", "define", "include", "use"}
    assert [
        (
            one.directive,
            one.arguments,
            one.origin.file,
            one.statement.last,
            [section.arguments for section in one.sections],
        )
        for one in reading.statements
        if one.directive.lower() not in obeyed
    ] == [
        (one.name, one.words, one.file, one.line, [section.words for section in one.sections])
        for one in effective_config(local_installation, tmp_path / "httpd.conf")
    ]


def multiplying(kind: str) -> dict[str, str]:
    """Some lines that come to more than anybody reads."""
    many = {
        "includes": {f"{n}.conf": f"Include {n + 1}.conf\n" * 9 for n in range(20)} | {"20.conf": "A\n"},
        "macros": {"m.conf": "".join(f"<Macro M{n}>\nUse M{n + 1}\nUse M{n + 1}\n</Macro>\n" for n in range(60))},
        "variables": {
            "d/v.conf": "Define v0 xxxxxxxxxx\n" + "".join(f"Define v{n + 1} {f'${{v{n}}}' * 9}\n" for n in range(20))
        },
        "parameters": {"p.conf": "".join(f"<Macro P{n} $a>\nUse P{n + 1} {'$a' * 9}\n</Macro>\n" for n in range(20))},
        "sections": {"d/s.conf": "<IfModule x>\n" * 500},
        "listens": {"d/l.conf": "".join(f"Listen {port}\n" for port in range(2000, 4000))},
        "lines": {"d/x.conf": "#\n" * 400_000},
        "bytes": {"d/x.conf": "#" + "x" * 10_000_000},
    }[kind]
    first = {
        "includes": "Include 0.conf",
        "macros": "Include m.conf\nUse M0",
        "parameters": "Include p.conf\nUse P0 xxxxxxxxxx",
    }
    return {**many, "httpd.conf": first.get(kind, "Include d/*.conf")}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("includes", "more than 5000 files, each as often as it is included"),
        ("macros", "more than 100000 statements, includes and macros among them"),
        ("variables", "variables or parameters of macros make this line, or all such lines, too long"),
        ("parameters", "variables or parameters of macros make this line, or all such lines, too long"),
        ("sections", "sections nested deeper than 100"),
        ("listens", "more than 1000 times Listen"),
        ("lines", f"{ROOT}/d/x.conf is more than 300000 lines, so no configuration"),
        ("bytes", f"{ROOT}/d/x.conf is larger than 10 MB, so no configuration"),
    ],
)
def test_reading_ends_where_there_is_too_much(tmp_path: Path, kind: str, reason: str) -> None:
    reading = read(tmp_path, multiplying(kind))
    assert reading.stopped is not None
    assert reading.stopped.reason.replace(str(tmp_path), ROOT) == reason
    assert len(reading.statements) <= 100_001


def test_a_folder_that_links_to_one_above_is_included_once(tmp_path: Path) -> None:
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/e/up").symlink_to("..")
    reading = read(tmp_path, {"httpd.conf": "Include d/e", "d/a.conf": "A", "d/e/b.conf": "B"})
    assert seen(reading) == ["B", "A"]
