import pytest
from hypothesis import given
from hypothesis import strategies as st

from golem_nb.errors import BadInput
from golem_nb.server.targets import decoded, with_segments


def path_of(raw, query=b""):
    return with_segments({"path": "ignored", "raw_path": raw, "query_string": query})["path"]


def test_a_segment_is_encoded_in_one_way():
    assert path_of(b"/v1/%63omponents/a%20b/%C3%A9") == "/v1/components/a%20b/%C3%A9"


def test_a_slash_inside_a_segment_stays_there():
    assert path_of(b"/a%2Fb/c") == "/a%2Fb/c"
    assert decoded({"name": "a%2Fb"}) == {"name": "a/b"}


@pytest.mark.parametrize(
    ("raw", "query", "told"),
    [
        (b"/%zz", b"", "the path has a bad percent-escape, '%zz'"),
        (b"/%", b"", "bad percent-escape, '%'"),
        (b"/a%2", b"", "bad percent-escape, '%2'"),
        (b"/%ff", b"", "the path is not UTF-8"),
        (b"/%ed%a0%80", b"", "the path is not UTF-8"),  # a lone surrogate
        (b"/", b"filter=%ff", "the query is not UTF-8"),
        (b"/", b"a=%g1", "the query has a bad percent-escape"),
    ],
)
def test_what_is_no_text_is_refused(raw, query, told):
    with pytest.raises(BadInput, match=told):
        path_of(raw, query)


def test_without_a_raw_path_the_decoded_one_is_taken():
    assert with_segments({"path": "/a b"})["path"] == "/a%20b"


@given(st.text(), st.sampled_from(["upper", "lower"]))
def test_any_text_comes_through(text, case):
    escaped = "".join(f"%{byte:02x}" for byte in text.encode()).encode()
    path = path_of(b"/" + (escaped.upper() if case == "upper" else escaped))

    assert decoded({"name": path[1:]}) == {"name": text}
