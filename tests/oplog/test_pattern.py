import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_nb.errors import BadInput
from golem_nb.oplog.pattern import MOST_CHARACTERS, Pattern

LETTERS = st.text("ab\n1", min_size=1, max_size=8)  # `re` finds \B nowhere in ""
REPEATS = ["", "*", "+", "?", "*?", "{2}", "{1,}", "{0,2}"]
# `re` repeats no places, and takes (?i) at the beginning only.
REPEATED = st.builds(str.__add__, st.sampled_from(["a", "b", ".", "[ab]", "[^b]", r"\d"]), st.sampled_from(REPEATS))
PLACES = st.sampled_from(["^", r"\b", r"\B", r"\A"])
PATTERNS = st.recursive(
    REPEATED | PLACES,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("(?:{}|{})".format, inner, inner),
        st.builds("({}){}".format, inner.filter(lambda p: p[0] not in "^\\"), st.sampled_from(REPEATS)),
    ),
    max_leaves=6,
)


@given(PATTERNS, LETTERS)
def test_a_pattern_finds_what_re_finds(pattern, text):
    assert Pattern(pattern).is_in(text) == (re.search(pattern, text) is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("", "", True),
        ("a|", "", True),
        ("G100[0-9]$", "add G1002", True),
        ("^G", "add G1002", False),
        ("(?i)GOLEM", "golem", True),
        ("g(?i:O)lem", "gOlem", True),
        ("g(?i:O)Lem", "golem", False),
        ("(?m)^two$", "one\ntwo\nthree", True),
        ("^two$", "one\ntwo\nthree", False),
        ("a$", "a\n", False),  # the end is the end, as in Rust
        ("a.b", "a\nb", False),
        ("(?s)a.b", "a\nb", True),
        (r"a\/b\.\-\{", "a/b.-{", True),
        (r"[]a]+[^]]", "]]b", True),
        (r"[\]\-]x", "-x", True),
        ("(?P<n>a)(?<m>b)", "ab", True),
        ("a{2,3}b", "aab", True),
        ("xa{3}b", "xaab", False),
        (r"\bcat\b", "a cat.", True),
        (r"\bcat\b", "concat", False),
        ("ä+", "für ääh", True),
    ],
)
def test_the_syntax_is_that_of_rust(pattern, text, found):
    assert Pattern(pattern).is_in(text) is found


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("(a", r"wrong at character 3: expected \), found its end"),
        ("a)", r"wrong at character 2: expected an end"),
        ("*a", "character 1: expected something to repeat"),
        ("a**", "character 3: expected something to repeat"),
        ("[a", "character 1: expected a class that ends with ]"),
        ("[z-a]", "bad character range"),
        ("[[:alpha:]]", "no set inside the class"),
        ("[a&&b]", "no set inside the class"),
        ("a{x}", "expected {n}, {n,} or {n,m}"),
        ("a{3,2}", "at least 3"),
        (r"(a)\1", "no backreference"),
        (r"\pL", "an escape that is known"),
        ("\\", "an escape that is known"),
        ("(?=a)", "there is no lookaround"),
    ],
)
def test_what_is_no_pattern_is_shown(pattern, fault):
    with pytest.raises(BadInput, match=fault):
        Pattern(pattern)


@pytest.mark.parametrize("pattern", ["(" * 5000, "((((a{99}){99}){99}){99}", "(((((){99}){99}){99}){99})", "a" * 5000])
def test_a_pattern_without_measure_is_refused_at_once(pattern):
    start = time.perf_counter()

    with pytest.raises(BadInput):
        Pattern(pattern)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(a|aa)+c", ".*.*.*.*x", "(.*)*b", "(a?){50}a{50}b"])
def test_no_pattern_takes_for_ever(pattern):
    start = time.perf_counter()

    assert not Pattern(pattern).is_in("a" * (MOST_CHARACTERS - 1) + "!")
    assert time.perf_counter() - start < 5


def test_only_the_beginning_of_a_long_text_is_looked_at():
    pattern = Pattern("end")

    assert pattern.is_in("x" * (MOST_CHARACTERS - 3) + "end")
    assert not pattern.is_in("x" * (MOST_CHARACTERS - 2) + "end")
