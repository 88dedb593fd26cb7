"""Values on their way to and from other workers: JSON by its type <-> the lists of nodes of golem:rpc.

`rpc` is the module of golem:rpc's types, so that this needs nothing of WebAssembly. Source: SEMANTICS 5.5.
"""

PRIMITIVES = {
    "U8": "PrimU8",
    "U16": "PrimU16",
    "U32": "PrimU32",
    "U64": "PrimU64",
    "S8": "PrimS8",
    "S16": "PrimS16",
    "S32": "PrimS32",
    "S64": "PrimS64",
    "F32": "PrimFloat32",
    "F64": "PrimFloat64",
    "Bool": "PrimBool",
    "Str": "PrimString",
}


def encoded(rpc, typ, value):
    """Return the nodes of a value; the root is the first.

    Raises:
        TypeError, ValueError: The value is not of the type.
    """
    nodes = []

    def put(typ, value):
        place = len(nodes)
        nodes.append(None)
        kind = typ["type"]
        if kind in PRIMITIVES:
            made = getattr(rpc, f"WitNode_{PRIMITIVES[kind]}")(_primitive(kind, value))
        elif kind == "Chr":
            made = rpc.WitNode_PrimChar(value if isinstance(value, str) else chr(value))
        elif kind == "List":
            made = rpc.WitNode_ListValue([put(typ["inner"], item) for item in _items(typ, value)])
        elif kind == "Tuple":
            items = [put(part, item) for part, item in zip(typ["items"], value, strict=True)]
            made = rpc.WitNode_TupleValue(items)
        elif kind == "Record":
            made = rpc.WitNode_RecordValue([put(f["typ"], _field(value, f["name"])) for f in typ["fields"]])
        elif kind == "Option":
            made = rpc.WitNode_OptionValue(None if value is None else put(typ["inner"], value))
        elif kind == "Enum":
            made = rpc.WitNode_EnumValue(_case(typ["cases"], value))
        elif kind == "Flags":
            made = rpc.WitNode_FlagsValue([name in value for name in typ["names"]])
        elif kind == "Variant":
            ((case, payload),) = value.items() if isinstance(value, dict) else ((value, None),)
            number = _case([c["name"] for c in typ["cases"]], case)
            of = typ["cases"][number]["typ"]
            made = rpc.WitNode_VariantValue((number, None if of is None else put(of, payload)))
        else:
            raise TypeError(f"values of the type {kind} cannot be handed to another worker")
        nodes[place] = made
        return place

    put(typ, value)
    return rpc.WitValue(nodes)


def decoded(typ, value):
    """Return the Python value of nodes: records are dicts with Python's names; without a type, what the nodes say."""

    def get(typ, place):
        node = value.nodes[place]
        kind, of = type(node).__name__.removeprefix("WitNode_"), node.value
        if kind.startswith("Prim"):
            return of
        if kind in ("ListValue", "TupleValue"):
            parts = [get(_part(typ, n), p) for n, p in enumerate(of)]
            return tuple(parts) if kind == "TupleValue" else parts
        if kind == "RecordValue":
            if typ is None:
                return [get(None, p) for p in of]
            return {f["name"].replace("-", "_"): get(f["typ"], p) for f, p in zip(typ["fields"], of, strict=True)}
        if kind == "OptionValue":
            return None if of is None else get(None if typ is None else typ["inner"], of)
        if kind == "EnumValue":
            return of if typ is None else typ["cases"][of]
        if kind == "FlagsValue":
            return of if typ is None else [name for name, is_set in zip(typ["names"], of, strict=True) if is_set]
        if kind == "VariantValue":
            number, payload = of
            case = {"name": str(number), "typ": None} if typ is None else typ["cases"][number]
            return {case["name"]: None if payload is None else get(case["typ"], payload)}
        raise TypeError(f"a {kind} of another worker has no form in Python")

    return get(typ, 0)


def type_of(value):
    """Return the type that a plain value has by itself.

    Raises:
        TypeError: There is none.
    """
    match value:
        case bool():
            return {"type": "Bool"}
        case int():
            return {"type": "S64"}
        case float():
            return {"type": "F64"}
        case str():
            return {"type": "Str"}
        case None:
            return {"type": "Option", "inner": None}
        case list():
            return {"type": "List", "inner": type_of(value[0]) if value else None}
        case dict():
            return {"type": "Record", "fields": [{"name": name, "typ": type_of(of)} for name, of in value.items()]}
    raise TypeError(f"a {type(value).__name__} cannot be handed to a worker whose types are not known")


def _part(typ, number):
    if typ is None:
        return None
    return typ["inner"] if typ["type"] == "List" else typ["items"][number]


def _primitive(kind, value):
    if kind == "Bool" and isinstance(value, bool):
        return value
    if kind == "Str":
        if isinstance(value, str):
            return value
        raise TypeError(f"expected text, found {value!r}")
    if kind[0] == "F" and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if kind[0] in "US" and isinstance(value, int) and not isinstance(value, bool):
        bits = int(kind[1:])
        least, most = (0, 2**bits - 1) if kind[0] == "U" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if least <= value <= most:
            return value
        raise ValueError(f"{value} has no room in {kind.lower()}")
    raise TypeError(f"expected {kind.lower()}, found {value!r}")


def _items(typ, value):
    return value.items() if isinstance(value, dict) and typ["inner"]["type"] == "Tuple" else value


def _field(record, name):
    for spelled in (name, name.replace("-", "_")):
        if spelled in record:
            return record[spelled]
    return None


def _case(cases, value):
    if value not in cases:
        raise ValueError(f"expected one of {', '.join(cases)}, found {value!r}")
    return cases.index(value)
