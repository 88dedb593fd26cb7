"""Tab in the line of a magic: options, components, workers, functions, and a sample of a function's arguments.

Answers from what the session has met, in microseconds: Tab never asks a server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from golem_nb.client.profiles import profile_names
from golem_nb.errors import BadInput, UsageError
from golem_nb.model import LogLevel, WorkerStatus
from golem_nb.notebook.magics.arguments import find_function, short_name
from golem_nb.notebook.magics.deploy import LANGUAGES
from golem_nb.notebook.magics.golem import ACTIONS as SERVER_ACTIONS
from golem_nb.notebook.magics.grammar import Option, Target, is_option, read_target, split_words, unquoted
from golem_nb.notebook.magics.registry import VERBS
from golem_nb.notebook.magics.verb import COMMON, Verb
from golem_nb.notebook.magics.worker import ACTIONS
from golem_nb.notebook.session import Session
from golem_nb.notebook.waves import wave_sample
from golem_nb.oplog.entries import KINDS
from golem_nb.oplog.search import KIND_NAMES
from golem_nb.values.types import (
    EnumType,
    FlagsType,
    FunctionType,
    ListType,
    OptionType,
    PrimitiveType,
    RecordType,
    ResultType,
    TupleType,
    VariantType,
    WitType,
)

# In a line also behind `r = `, and in a block; the rest is what was typed so far.
_MAGIC = re.compile(r"(?:^\s*|=\s*)(%{1,2})(golem\w*)\s+(.*)$", re.DOTALL)
_CELL = re.compile(r"%%golem_invoke(?:[^\S\n]+(.*?))?\s*\n")
# Magics whose first word is a component, not a worker.
_OF_COMPONENTS = frozenset({"golem_deploy", "golem_components", "golem_workers"})

Matcher = Callable[[CompletionContext], SimpleMatcherResult]


def make_matcher(session: Session) -> Matcher:
    """Return the matcher that IPython asks, for the magics of this session."""

    @context_matcher()  # type: ignore[untyped-decorator]  # IPython's types stop here
    def golem_matcher(context: CompletionContext) -> SimpleMatcherResult:
        above = context.full_text.split("\n")[: context.cursor_line]  # the position is one in the cursor's line
        fragment, found = complete(session, "\n".join([*above, context.text_until_cursor]))
        completions = [SimpleCompletion(text=text, type="magic") for text in found]
        # Where we know what is meant, names of Python and files would only be in the way.
        return SimpleMatcherResult(completions=completions, matched_fragment=fragment, suppress=bool(completions))

    return golem_matcher  # type: ignore[no-any-return]


def complete(session: Session, text: str) -> tuple[str, list[str]]:
    """Return what is being typed at the end of `text`, and what it could become."""
    body = _CELL.match(text)
    if body is not None and "\n" in text:
        return _in_body(session, body[1] or "", text.rpartition("\n")[2])
    match = _MAGIC.search(text.rpartition("\n")[2])
    verb = next((verb for verb in VERBS if match and verb.name == match[2]), None)
    if match is None or verb is None:
        return "", []
    head, fragment = re.fullmatch(r"(.*?)(\S*)", match[3], re.DOTALL).groups()  # type: ignore[union-attr]  # fits anything
    head = re.sub(r"^\w+\s+<<\s", "", head)
    try:
        words = split_words(head)
    except UsageError:
        return "", []  # inside the arguments of a call: that is Python, and Python's own completion knows it
    taker = _option_before(verb, words)
    if taker is not None:
        return fragment, [choice for choice in _choices(session, verb, taker) if choice.startswith(fragment)]
    before = _plain_words(verb, words)
    if verb.takes_call and "(" in fragment and "--wave" in words:
        return fragment, _wave_calls(session, before, fragment)
    return fragment, [c for c in _candidates(session, verb, before, fragment) if c.startswith(fragment)]


def _choices(session: Session, verb: Verb, option: Option) -> Iterable[str]:
    """Return what an option may be; the names of profiles are in a small file of this machine."""
    match verb.name, option.name:
        case "golem", "profile":
            return profile_names()
        case "golem_deploy", "lang":
            return LANGUAGES
        case "golem_workers", "status":
            return map(str, WorkerStatus)
        case "golem_connect", "level":
            return map(str, LogLevel)
        case "golem_oplog", "kind":
            return sorted(KIND_NAMES.get(kind, kind.__name__) for kind in KINDS)
        case "golem_oplog", "diff":
            return _targets(session)
    return option.choices


def _option_before(verb: Verb, words: list[str]) -> Option | None:
    """Return the option whose value is being typed."""
    takers = (option for option in verb.all_options if option.value)
    return next((o for o in takers if words and words[-1] in (f"--{o.name}", f"-{o.short}")), None)


def _plain_words(verb: Verb, words: Iterable[str]) -> list[str]:
    """Return the words without options and their values."""
    plain: list[str] = []
    takers = {f"--{o.name}" for o in verb.all_options if o.value} | {f"-{o.short}" for o in verb.all_options if o.value}
    rest = iter(words)
    for word in rest:
        if word in takers:
            next(rest, None)
        elif not is_option(word):
            plain.append(word)
    return plain


def _candidates(session: Session, verb: Verb, plain: list[str], fragment: str) -> Iterable[str]:
    if fragment.startswith("-"):
        return [f"--{option.name}" for option in _options(verb, plain)]
    match len(plain):
        case 0 if verb.name == "golem":
            return SERVER_ACTIONS
        case 0 if verb.name in _OF_COMPONENTS:
            return sorted(session.seen_components)
        case 0 if verb.name == "golem_worker" and session.default.worker is not None:
            return [*ACTIONS, *_targets(session)]
        case 0:
            return [*_targets(session), *_functions(session, session.default, fragment)]
        case 1 if verb.name == "golem" and plain[0] == "help":
            return [verb.name for verb in VERBS]
        case 1 if verb.name == "golem" and plain[0] == "use":
            return [*sorted(session.seen_components), *_targets(session)]
        case 1 if verb.name == "golem_worker":
            return ACTIONS
        case 1 if verb.takes_call:
            return _functions(session, _target(session, plain[0]), fragment)
    return ()


def _options(verb: Verb, plain: list[str]) -> Iterable[Option]:
    """Return the options that may stand behind the words: what `%golem` and `%golem_worker` do has its own."""
    own: tuple[str, ...] | None = None
    match verb.name, plain:
        case "golem", [word, *_] if word in SERVER_ACTIONS:
            own = SERVER_ACTIONS[word].options
        case "golem_worker", [_, word, *_] if word in ACTIONS:
            own = ACTIONS[word].options
        case "golem_worker", [word, *_] if word in ACTIONS:  # of the default worker
            own = ACTIONS[word].options
    return (option for option in verb.all_options if own is None or option.name in own or option in COMMON)


def _targets(session: Session) -> list[str]:
    """Return all workers that were met, and components with a slash behind."""
    of_default = sorted(session.seen_workers.get(session.default.component or "", ()))
    found = [f"{component}/" for component in session.seen_components]
    found += [f"{component}/{worker}" for component, names in session.seen_workers.items() for worker in sorted(names)]
    return [*of_default, *found]


def _target(session: Session, word: str) -> Target:
    try:
        target = read_target(unquoted(word))
    except UsageError:
        return Target()
    return target if target.worker else Target(session.default.component, target.component)


def _functions(session: Session, target: Target, fragment: str) -> list[str]:
    """Return the functions of a component as calls; behind the bracket, a sample of the arguments."""
    component = session.seen_components.get(target.component or "")
    if component is None or component.exports is None:
        return []
    name, bracket, _ = fragment.partition("(")
    if bracket:
        try:
            function = find_function(component.exports, name)[1]
        except BadInput:
            return []
        return [f"{name}({sample_arguments(function)})"] if function else []
    return [f"{short_name(function.name).replace('-', '_')}(" for function in component.exports]


def _wave_calls(session: Session, plain: list[str], fragment: str) -> list[str]:
    """Return a call with a sample of the arguments in WAVE."""
    component = session.seen_components.get((_target(session, plain[0]) if plain else session.default).component or "")
    name = fragment.partition("(")[0]
    try:
        function = find_function(component.exports if component else None, name)[1]
    except BadInput:
        return []
    found = [f"{name}({wave_sample(function)})"] if function else []
    return [call for call in found if call.startswith(fragment)]


def _in_body(session: Session, head: str, line: str) -> tuple[str, list[str]]:
    """Complete a call in a cell of calls, whose first line has `head` behind the magic's name."""
    verb = next(verb for verb in VERBS if verb.name == "golem_invoke")
    try:
        words = _plain_words(verb, split_words(head))
    except UsageError:
        return "", []
    fragment = re.sub(r"^\s*(?:[^\W\d]\w*\s*=\s*)?", "", line)
    found = _functions(session, _target(session, words[0]) if words else session.default, fragment)
    return fragment, [candidate for candidate in found if candidate.startswith(fragment)]


def sample_arguments(function: FunctionType) -> str:
    """Return arguments that fit a function, to be written over."""
    return ", ".join(f"{p.name.replace('-', '_')}={sample(p.type)}" for p in function.parameters)


def sample(type: WitType) -> str:
    """Return a Python expression of a value of the type."""
    match type:
        case PrimitiveType("bool"):
            return "False"
        case PrimitiveType("string" | "char"):
            return '"a"'
        case PrimitiveType("f32" | "f64"):
            return "0.0"
        case PrimitiveType():
            return "0"
        case ListType(element):
            return f"[{sample(element)}]"
        case TupleType(items):
            return f"({''.join(f'{sample(item)}, ' for item in items).rstrip()})"
        case RecordType(fields):
            return "{" + ", ".join(f'"{f.name.replace("-", "_")}": {sample(f.type)}' for f in fields) + "}"
        case VariantType(cases):
            first = cases[0]
            return f'"{first.name}"' if first.type is None else f'{{"{first.name}": {sample(first.type)}}}'
        case ResultType(ok):
            return '"ok"' if ok is None else f'{{"ok": {sample(ok)}}}'
        case EnumType(names):
            return f'"{names[0]}"'
        case FlagsType(names):
            return f'{{"{names[0]}"}}'
        case OptionType():
            return "None"
    return "..."


def install(shell: Any, matcher: Matcher) -> None:
    shell.Completer.custom_matchers.append(matcher)


def remove(shell: Any, matcher: Matcher) -> None:
    if matcher in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.remove(matcher)
