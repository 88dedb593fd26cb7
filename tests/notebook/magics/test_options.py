"""What `%golem_deploy` says of a version besides its bytes. A fake client shows what is asked of a server."""

import hashlib
from dataclasses import replace

import pytest

from golem_nb.errors import BadInput, NotFound, UsageError
from golem_nb.model import ComponentOptions, ComponentType, FileContent, InitialFile, LinkTarget
from golem_nb.notebook.magics.deploy import VERB
from tests.notebook.conftest import LEDGER
from tests.notebook.fake import SHOP, FakeClient, use

API = "rpc:cart-exports/api@1.0.0"


@pytest.fixture
def local(tmp_path):
    path = tmp_path / "menu.txt"
    path.write_bytes(b"soup")
    return path


class Server(FakeClient):
    """Has a component `shop` with these options, or none."""

    def __init__(self, options=None, sha256=None):
        found = None if options is None else replace(SHOP, options=options, sha256=sha256)
        super().__init__(create_component=SHOP, update_component=SHOP)
        self.found = found

    def component_by_name(self, name):
        if self.found is None:
            raise NotFound(name)
        return self.found


def deploy(line, server=None, **names):
    """Deploy, and return what was asked: the method, the options and the files."""
    server = server or Server()
    use(VERB, f"shop {LEDGER} {line}", server, **names)
    if not server.asked:
        return None
    ((method, _, _, options, files),) = server.asked
    return method, options, files


def test_nothing_said_is_what_nobody_chose():
    assert deploy("") == ("create_component", None, None)


def test_everything_can_be_said(local):
    line = f"--ephemeral -e A=1 --env B=x=y --file /etc/menu={local} --file notes={local}:rw"
    link = f"--link rpc:cart-client/cart-client@1.0.0.api=rpc:cart:{API} --link a:b/c.d=cart:e:f/g"

    _, options, files = deploy(f"{line} {link}")

    assert options == ComponentOptions(
        type=ComponentType.EPHEMERAL,
        env={"A": "1", "B": "x=y"},
        dynamic_linking={
            "rpc:cart-client/cart-client@1.0.0": {"api": LinkTarget(API, "rpc:cart")},
            "a:b/c": {"d": LinkTarget("e:f/g", "cart")},
        },
    )
    assert files == {"/etc/menu": FileContent(b"soup"), "/notes": FileContent(b"soup", is_read_only=False)}


def test_a_new_version_keeps_what_is_not_said(local):
    before = ComponentOptions(env={"A": "1"}, files=(InitialFile("/x", "0", 1),), dynamic_linking={"i": {}})

    method, options, files = deploy("--ephemeral", Server(before))

    assert (method, files) == ("update_component", None)
    assert options == replace(before, type=ComponentType.EPHEMERAL)
    assert deploy(f"--file /y={local}", Server(before)) == (method, None, {"/y": FileContent(b"soup")})
    assert deploy("", Server(before)) == (method, None, None)


def test_what_was_there_can_be_taken_away():
    before = ComponentOptions(ComponentType.EPHEMERAL, {"A": "1"}, dynamic_linking={"i": {}})

    assert deploy("--no-env --no-files --no-links --durable", Server(before)) == (
        "update_component",
        ComponentOptions(),
        {},
    )


def built():
    from golem_nb.authoring.wat import component_from_text

    return hashlib.sha256(component_from_text(LEDGER.read_text())).hexdigest()


def test_the_same_bytes_and_options_change_nothing(local):
    told = InitialFile("/menu", hashlib.sha256(b"soup").hexdigest(), 4)
    server = Server(ComponentOptions(env={"A": "1"}, files=(told,)), built())

    for line in ("", "-e A=1", f"--file menu={local}", f"-e A=1 --file /menu={local} --durable"):
        assert deploy(line, server) is None


@pytest.mark.parametrize("line", ["-e A=2", "--no-env", "--ephemeral", "--file menu={path}:rw", "--file x={path}"])
def test_the_same_bytes_with_other_options_are_a_new_version(local, line):
    told = InitialFile("/menu", hashlib.sha256(b"soup").hexdigest(), 4)
    server = Server(ComponentOptions(env={"A": "1"}, files=(told,)), built())

    assert deploy(line, server, path=local)[0] == "update_component"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("-e A", "write NAME=VALUE"),
        ("--file /etc", "write PATH=LOCAL"),
        ("--file /=x", "write PATH=LOCAL"),
        ("--file /a=/no/such", "cannot be read"),
        ("--file ../a={path}", r"\.\."),
        ("--file a={path} --file /a={path}", "given twice"),
        ("--link a:b/c.d", "write INSTANCE.RESOURCE"),
        ("--link a:b/c.d=e:f/g", "write INSTANCE.RESOURCE"),
        ("--link d=cart:e:f/g", "write INSTANCE.RESOURCE"),
        ("--link a:b/c.d=cart:e:f/g --link a:b/c.d=cart:e:f/g", "given twice"),
        ("--ephemeral --durable", "do not go together"),
        ("-e A=1 --no-env", "do not go together"),
    ],
)
def test_what_cannot_be_read_is_said(local, line, why):
    with pytest.raises((UsageError, BadInput), match=why):
        deploy(line, path=local)
