import pytest

from golem_nb.errors import UsageError
from golem_nb.notebook.magics.grammar import (
    Call,
    Option,
    Target,
    check_choices,
    near_or_all,
    read_call,
    read_line,
    read_target,
    split_words,
)

OPTIONS = (
    Option("out", "", "VAR", short="o"),
    Option("quiet", "", short="q"),
    Option("env", "", "N=V", short="e", many=True),
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("counter/c1 add(5)", ["counter/c1", "add(5)"]),
        (
            'counter/c1 add(5, {"name": who, "ok": true}) --out r',
            ["counter/c1", 'add(5, {"name": who, "ok": true})', "--out", "r"],
        ),
        ('Counter("c 1") add(-5) -q;', ['Counter("c 1")', "add(-5)", "-q;"]),
        ("w add (5)", ["w", "add(5)"]),
        ("w say('it\\'s (fine')", ["w", "say('it\\'s (fine')"]),
        ('w say("a \' b") x', ["w", 'say("a \' b")', "x"]),
        ("w golem:it/api.{add-item}([1, 2])", ["w", "golem:it/api.{add-item}([1, 2])"]),
        ("  spaced\tout  ", ["spaced", "out"]),
        ("don't stop", ["don't", "stop"]),
        ("", []),
    ],
)
def test_words_are_split_outside_brackets_and_quotes(text, words):
    assert split_words(text) == words


def test_a_comment_within_brackets_ends_with_its_line():
    assert split_words("add(  # don't (\n  1) x") == ["add(  # don't (\n  1)", "x"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("w add(1", r"the bracket \( at column 6 is not closed"),
        ("w add 1)", r"the bracket \) at column 8 closes nothing"),
        ("w add([1)", r"the bracket \) at column 9 closes nothing"),
        ('w say("x)', 'the quote " at column 7 is not closed'),
    ],
)
def test_an_open_bracket_or_quote_is_shown(text, fault):
    with pytest.raises(UsageError, match=fault):
        split_words(text)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("-o r w f()", {"out": "r"}),
        ("w f() --out r", {"out": "r"}),
        ("w f() --out=r -q", {"out": "r", "quiet": True}),
        ("w new -e A=1 --env B=2", {"env": ["A=1", "B=2"]}),
        ('w new -e "A=a b"', {"env": ["A=a b"]}),
        ("w f(-5, --x)", {}),
    ],
)
def test_options_stand_before_the_target_or_behind_the_call(text, options):
    line = read_line(text, OPTIONS)

    assert line.options == options
    assert line.words[0] == "w"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("w --ouz r", "unknown option --ouz; did you mean --out"),
        ("w -x", "unknown option -x; there are -o/--out VAR"),
        ("w --out", "--out needs a value"),
        ("w --out -q", "--out needs a value"),
        ("w --out a --out b", "--out is given twice"),
        ("w --quiet=yes", "--quiet takes no value"),
    ],
)
def test_a_wrong_option_is_named(text, fault):
    with pytest.raises(UsageError, match=fault):
        read_line(text, OPTIONS)


@pytest.mark.parametrize(("text", "is_quiet"), [("w f();", True), ("w f() ;", True), ("w f(';')", False), (";", True)])
def test_a_semicolon_at_the_end_is_quiet(text, is_quiet):
    line = read_line(text, OPTIONS)

    assert line.is_quiet is is_quiet
    assert not any(word.endswith(";") for word in line.words)


@pytest.mark.parametrize(
    ("word", "target"),
    [
        ("counter/c1", Target("counter", "c1")),
        ("counter", Target("counter")),
        ('cart/Cart("a/b")', Target("cart", 'Cart("a/b")')),
        ("'cart'/\"a/b\"", Target("cart", "a/b")),
        ("cart/a/b", Target("cart", "a/b")),
    ],
)
def test_a_target_is_split_at_the_first_slash_outside_brackets_and_quotes(word, target):
    assert read_target(word) == target


@pytest.mark.parametrize("word", ["/w", "c/", "/"])
def test_half_a_target_is_refused(word):
    with pytest.raises(UsageError, match="component/worker"):
        read_target(word)


@pytest.mark.parametrize(
    ("word", "call"),
    [
        ("add(5)", Call("add", "5")),
        ("golem:it/api@1.0.0.{add-item}(f(1), (2,))", Call("golem:it/api@1.0.0.{add-item}", "f(1), (2,)")),
        ("ns:pkg/i.{[constructor]cart}()", Call("ns:pkg/i.{[constructor]cart}", "")),
        ('cart("a (b").add(f(5))', Call('cart("a (b").add', "f(5)")),
        ("ns:pkg/i.{cart(1).add}(5)", Call("ns:pkg/i.{cart(1).add}", "5")),
    ],
)
def test_a_call_is_a_name_and_its_arguments(word, call):
    assert read_call(word) == call
    assert str(call) == word


@pytest.mark.parametrize("word", ["add", "(1)", "add(1)x"])
def test_what_is_no_call_is_refused(word):
    with pytest.raises(UsageError, match="is not a call"):
        read_call(word)


MODE = (Option("mode", "", "M", choices=("automatic", "manual")), *OPTIONS)


@pytest.mark.parametrize("text", ["w", "w --mode manual", "w --out manual"])
def test_an_option_may_have_a_choice(text):
    check_choices(read_line(text, MODE), MODE)


def test_another_choice_is_refused_with_a_near_one():
    with pytest.raises(UsageError, match="--mode manul is not known; did you mean manual"):
        check_choices(read_line("w --mode manul", MODE), MODE)


def test_a_word_is_near_one_that_is_known_or_all_are_named():
    assert near_or_all("frok", ("fork", "show")) == "did you mean fork?"
    assert near_or_all("xyz", ("fork", "show")) == "there are: fork, show"


WATCH = (Option("watch", "", "S", default="1"), Option("all", ""))


@pytest.mark.parametrize(
    ("text", "value", "words"),
    [
        ("--watch shop", "1", ("shop",)),
        ("shop --watch", "1", ("shop",)),
        ("--watch 2 shop", "2", ("shop",)),
        ("--watch .5", ".5", ()),
        ("--watch=3 --all", "3", ()),
        ("--watch --all", "1", ()),
    ],
)
def test_a_number_that_may_be_left_out_is_taken_where_it_is_one(text, value, words):
    line = read_line(text, WATCH)

    assert (line.options["watch"], line.words) == (value, words)
    assert WATCH[0].usage == "--watch [S]"
