"""Hypothesis strategies: WIT types, and values of a type in the engine's own form."""

from hypothesis import strategies as st

from golem_nb.values.types import (
    F32,
    INTEGER_RANGES,
    PRIMITIVES,
    U8,
    Case,
    EnumType,
    Field,
    FlagsType,
    ListType,
    OptionType,
    PrimitiveType,
    RecordType,
    ResultType,
    Some,
    TupleType,
    VariantType,
)

NAMES = st.sampled_from(["a", "b-c", "item", "total-size", "x1", "ok", "some"])
NAME_LISTS = st.lists(NAMES, min_size=1, max_size=4, unique=True)


def _compound(types):
    maybe = st.none() | types
    return st.one_of(
        types.map(ListType),
        types.map(OptionType),
        st.builds(ResultType, maybe, maybe),
        st.lists(types, min_size=1, max_size=3).map(lambda items: TupleType(tuple(items))),
        NAME_LISTS.flatmap(
            lambda names: st.tuples(*[types] * len(names)).map(
                lambda members: RecordType(tuple(map(Field, names, members)))
            )
        ),
        NAME_LISTS.flatmap(
            lambda names: st.tuples(*[maybe] * len(names)).map(
                lambda members: VariantType(tuple(map(Case, names, members)))
            )
        ),
        NAME_LISTS.map(lambda names: EnumType(tuple(names))),
        NAME_LISTS.map(lambda names: FlagsType(tuple(names))),
    )


TYPES = st.recursive(st.sampled_from(list(PRIMITIVES.values())), _compound, max_leaves=6)


def values_of(type):
    match type:
        case PrimitiveType("bool"):
            return st.booleans()
        case PrimitiveType("string"):
            return st.text(max_size=8)
        case PrimitiveType("char"):
            return st.characters(exclude_categories=["Cs"])
        case PrimitiveType("f32" | "f64"):
            return st.floats(width=32 if type == F32 else 64, allow_nan=False, allow_infinity=False)
        case PrimitiveType(name):
            limits = INTEGER_RANGES[name]
            return st.integers(limits.start, limits.stop - 1)
        case ListType(element) if element == U8:
            return st.binary(max_size=8)
        case ListType(element):
            return st.lists(values_of(element), max_size=3)
        case TupleType(items):
            return st.tuples(*map(values_of, items))
        case RecordType(fields):
            return st.fixed_dictionaries({f.name: values_of(f.type) for f in fields})
        case VariantType(cases):
            return st.one_of([_case(c.name, c.type) for c in cases])
        case ResultType(ok, err):
            return _case("ok", ok) | _case("err", err)
        case EnumType(names):
            return st.sampled_from(names)
        case FlagsType(names):
            return st.frozensets(st.sampled_from(names))
        case OptionType(OptionType() as payload):
            return st.none() | values_of(payload).map(Some)
        case OptionType(payload):
            return st.none() | values_of(payload)
    raise TypeError(type)


def _case(name, type):
    return st.just((name, None)) if type is None else st.tuples(st.just(name), values_of(type))


TYPED = TYPES.flatmap(lambda type: st.tuples(st.just(type), values_of(type)))
