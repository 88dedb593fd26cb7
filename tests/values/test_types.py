from golem_nb.values.types import U32, HandleType, ListType, OptionType, has_handles, record


def test_record_takes_python_names():
    assert [f.name for f in record(data_access=U32).fields] == ["data-access"]


def test_handles_are_found_at_any_depth():
    assert has_handles(ListType(OptionType(HandleType("a:b/c#r", True))))
    assert not has_handles(ListType(OptionType(U32)))
