"""What `%golem_deploy` says of a component version besides its bytes: type, environment, files, links."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from golem_nb.errors import UsageError
from golem_nb.model import ComponentOptions, ComponentType, FileContent, InitialFile, LinkTarget, clean_path
from golem_nb.notebook.magics.grammar import Option
from golem_nb.notebook.magics.verb import Request

Links = Mapping[str, Mapping[str, LinkTarget]]

OPTIONS = (
    Option("ephemeral", "each invocation has an instance of its own"),
    Option("durable", "workers keep what they are between invocations (so it is at first)"),
    Option("env", "an environment variable of its workers; may be repeated", "NAME=VALUE", short="e", many=True),
    Option("file", "a file that its workers begin with; may be repeated", "PATH=LOCAL[:rw]", many=True),
    Option("link", "what a resource of an imported client stands for; may be repeated", "RESOURCE=TARGET", many=True),
    Option("no-env", "no environment variables any more"),
    Option("no-files", "no files any more"),
    Option("no-links", "no links any more"),
)
RULES = (
    "The same bytes and options again change nothing; others make a new version. Workers keep the version they have.\n"
    "What no option says stays as it was; the variables, files or links that are given replace all those before.\n"
    "PATH is in the worker, LOCAL on this machine; `:rw` lets workers write to the file. RESOURCE is\n"
    "INSTANCE.RESOURCE of an import; TARGET is COMPONENT:INTERFACE, split where INTERFACE has its namespace and name."
)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is said; None stands for what the version before has."""

    type: ComponentType | None = None
    env: Mapping[str, str] | None = None
    files: Mapping[str, FileContent] | None = None
    links: Links | None = None

    @property
    def has_options(self) -> bool:
        return (self.type, self.env, self.links) != (None, None, None)

    def options(self, before: ComponentOptions) -> ComponentOptions:
        """Return the options, but for the files, which follow from what is in them."""
        return replace(
            before,
            type=before.type if self.type is None else self.type,
            env=before.env if self.env is None else self.env,
            dynamic_linking=before.dynamic_linking if self.links is None else self.links,
        )

    def are_made(self, options: ComponentOptions) -> bool:
        """Does a version with these options have all that is said?"""
        files = options.files if self.files is None else tuple(_told(self.files))
        return self.options(options) == options and sorted(files, key=_path) == sorted(options.files, key=_path)


NO_CHANGES = Changes()


def _path(file: InitialFile) -> str:
    return file.path


def _told(files: Mapping[str, FileContent]) -> list[InitialFile]:
    return [
        InitialFile(path, hashlib.sha256(file.data).hexdigest(), len(file.data), file.is_read_only)
        for path, file in files.items()
    ]


def read_changes(request: Request) -> Changes:
    """Read the options of a line.

    Raises:
        UsageError: One cannot be read, a file is not there, or something is both given and taken away.
    """
    for pair in (("ephemeral", "durable"), ("env", "no-env"), ("file", "no-files"), ("link", "no-links")):
        if all(request.option(name) for name in pair):
            raise UsageError(f"--{pair[0]} and --{pair[1]} do not go together")
    types = [type for type in ComponentType if request.option(type.lower())]
    return Changes(
        types[0] if types else None,
        {} if request.option("no-env") else request.pairs("env", "-e") or None,
        {} if request.option("no-files") else _files(request.option("file") or ()) or None,
        {} if request.option("no-links") else _links(request.option("link") or ()) or None,
    )


def _files(words: list[str] | tuple[()]) -> dict[str, FileContent]:
    files: dict[str, FileContent] = {}
    for word in words:
        path, equals, local = word.partition("=")
        if not path.strip("/") or not equals or not local:
            raise UsageError(f"--file {word}: write PATH=LOCAL, or PATH=LOCAL:rw for one that workers may write to")
        is_read_only = not local.endswith(":rw")
        local_path = Path(local.removesuffix(":rw")).expanduser()
        try:
            content = local_path.read_bytes()
        except OSError as error:
            raise UsageError(f"--file {word}: {local_path} cannot be read: {error.strerror}") from None
        if files.setdefault(clean_path(path), file := FileContent(content, is_read_only)) is not file:
            raise UsageError(f"--file {word}: {clean_path(path)} is given twice")
    return files


def _links(words: list[str] | tuple[()]) -> dict[str, dict[str, LinkTarget]]:
    links: dict[str, dict[str, LinkTarget]] = {}
    for word in words:
        imported, _, target = word.partition("=")
        # An instance may have dots, in its version; neither resource nor interface has one that matters here.
        instance, _, resource = imported.rpartition(".")
        component, interface = _target(target)
        if not instance or not resource or not component or not interface:
            raise UsageError(
                f"--link {word}: write INSTANCE.RESOURCE=COMPONENT:INTERFACE, such as "
                "rpc:cart-client/cart-client.api=cart:rpc:cart-exports/api"
            )
        if resource in links.setdefault(instance, {}):
            raise UsageError(f"--link {word}: {imported} is given twice")
        links[instance][resource] = LinkTarget(interface, component)
    return links


def _target(word: str) -> tuple[str, str]:
    """Split `COMPONENT:NAMESPACE:NAME/INTERFACE`: the component may have colons, too."""
    above, slash, interface = word.rpartition("/")
    component, _, package = above.rpartition(":")
    component, _, namespace = component.rpartition(":")
    return component, f"{namespace}:{package}/{interface}" if slash and namespace and package and interface else ""
