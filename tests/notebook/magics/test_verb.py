import pytest

from golem_nb.errors import UsageError
from golem_nb.notebook.magics.grammar import Line, Option
from golem_nb.notebook.magics.registry import VERBS
from golem_nb.notebook.magics.verb import Request, Verb, bytes_of, expand, whole_number

PLAIN = Verb("v", "Does it.", ("%v X",), ("%v x",), run=lambda request: None, options=(Option("to", "", "P"),))
CALLING = Verb("v", "Does it.", ("%v X",), ("%v x",), run=lambda request: None, takes_call=True)


@pytest.mark.parametrize(("word", "text"), [("{a}/x", "A/x"), ("$a", "A"), ("{no-name}", "{no-name}"), ("{}", "{}")])
def test_names_are_put_into_words(word, text):
    assert expand(word, {"a": "A"}) == text


def test_a_name_that_is_not_there_is_named():
    with pytest.raises(UsageError, match="there is no variable nope"):
        expand("{nope}", {})


@pytest.mark.parametrize("data", [b"\0asm", bytearray(b"\0asm"), memoryview(b"\0asm")])
def test_bytes_stay_what_they_are(data):
    for word in ("{data}", "$data"):
        assert expand(word, {"data": data}) == word
        assert bytes_of(word, {"data": data}) == b"\0asm"


@pytest.mark.parametrize("word", ["data", "{text}", "x{data}", "{nope}"])
def test_other_words_are_no_bytes(word):
    assert bytes_of(word, {"data": b"x", "text": "y"}) is None


def test_bytes_are_no_part_of_a_word():
    with pytest.raises(UsageError, match=r"\{data\} in 'x\{data\}' are bytes"):
        expand("x{data}", {"data": b"x"})


def test_targets_and_options_are_expanded():
    line = PLAIN.read("{a} {a} --to $a", {"a": "A"})

    assert (line.words, line.options) == (("A", "A"), {"to": "A"})


def test_a_word_in_quotes_is_what_they_hold():
    line = PLAIN.read("""'counter/ünï' "a b.wasm" 'it'/"a/b" don't""", {})

    assert line.words == ("counter/ünï", "a b.wasm", "'it'/\"a/b\"", "don't")


def test_a_target_with_brackets_is_expanded_before_a_call():
    assert CALLING.read('c/Cart("{a}") f("{a}")', {"a": "A"}).words == ('c/Cart("A")', 'f("{a}")')


def test_a_call_is_python_and_never_expanded():
    line = CALLING.read("{a}/w f({a})", {"a": "A"})

    assert line.words == ("A/w", "f({a})")


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_magic_has_help_with_its_options_and_two_examples(verb):
    text = verb.help()

    assert all(option.usage in text and option.help for option in verb.all_options)
    assert len(verb.examples) >= 2
    assert all(verb.name in example for example in verb.examples)
    assert all(len(line) <= 120 for line in text.splitlines())


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_no_magic_has_two_options_of_one_name(verb):
    names = [option.name for option in verb.all_options] + [o.short for o in verb.all_options if o.short]

    assert len(set(names)) == len(names)


def request(**options):
    return Request(None, None, Line((), options), {})


def test_a_number_must_be_one():
    assert request(count="5").number("count", 1) == 5
    assert request().number("count", 1) == 1
    with pytest.raises(UsageError, match="--count must be a number"):
        request(count="many").number("count", 1)


def test_a_whole_number_has_nothing_but_digits():
    assert (request(to="05").whole_number("to"), request().whole_number("to")) == (5, None)
    for text in ("-1", "1.0", "", "many", "٣"):
        with pytest.raises(UsageError, match="INDEX must be a whole number"):
            whole_number(text, "INDEX")


def test_choices_are_checked_when_variables_are_put_in():
    verb = Verb("v", "", (), (), run=lambda request: None, options=(Option("m", "", "M", choices=("a",)),))

    assert verb.read("--m {x}", {"x": "a"}).options == {"m": "a"}
    with pytest.raises(UsageError, match="--m b is not known"):
        verb.read("--m {x}", {"x": "b"})


def test_words_are_kept_as_they_were_written():
    assert PLAIN.read("{a} f --to x", {"a": "A"}).written == ("{a}", "f")


def test_a_word_too_many_is_named():
    with pytest.raises(UsageError, match="what is 'b'"):
        Request(None, None, Line(("a", "b")), {}).only_words(1, "%v X")
