"""Which words there are, how they are called, and what to write instead of other Python."""

from __future__ import annotations

from kmcheck.ir.types import Counter, ListOf, SetOf

BUILTINS = {"all", "any", "bool", "int", "len", "max", "min", "range", "sum"}

EFFECTS = {
    "start": "start(process, ...)",
    "free": "free(thing)",
    "uninitialised": "uninitialised(Type)",
    "check": 'check(condition, "kind", "message")',
    "takes_lock": "takes_lock(held, lock, subclass)",
    "wait_until": 'wait_until(condition, "why")',
    "pause": 'pause("why")',
    "choose": "choose(a, b)` or `choose(group)",
    "may_fail": "may_fail()",
    "WRITE_ONCE": "WRITE_ONCE(place, value)",
    "xchg": "xchg(place, value)",
    "cmpxchg": "cmpxchg(place, old, new)",
    "test_and_set": "test_and_set(place)",
    "test_and_clear": "test_and_clear(place)",
    "fetch_add": "fetch_add(place, amount)",
    "add_return": "add_return(place, amount)",
    "atomic": 'with atomic("why"):',
    "ghost": "with ghost():",
    "each": "for x in each(group):",
}
"""The words that take a step or change something, and how they are written."""

BLOCKS = {word: EFFECTS[word] for word in ("atomic", "ghost", "each")}
"""Those of them that mark a block."""

METHODS: dict[type, dict[str, str]] = {
    SetOf: {
        "add": ".add(x)",
        "remove": ".remove(x)",
        "discard": ".discard(x)",
        "update": ".update(group)",
        "clear": ".clear()",
        "copy": ".copy()",
    },
    ListOf: {
        "append": ".append(x)",
        "push": ".push(x)",
        "remove": ".remove(x)",
        "pop": ".pop()",
        "first": ".first()",
        "after": ".after(x)",
        "splice": ".splice(other)",
        "clear": ".clear()",
    },
    Counter: {
        "add": ".add(n)",
        "sub": ".sub(n)",
        "move_to": ".move_to(other)",
        "is_zero": ".is_zero()",
    },
}
"""The methods of values, and how they are called."""

LOOKING = {"copy", "first", "after", "is_zero"}
"""The methods that change nothing."""

PURE_WORDS = {
    "all",
    "any",
    "count",
    "total",
    "sum",
    "len",
    "min",
    "max",
    "bool",
    "alive",
    "is_alive",
    "is_embedded",
    "closure",
    "processes",
    "begun",
    "ended",
    "inside",
    "within",
    "before",
    "me",
    "mine",
    "this_cpu",
    "on_cpu",
    "is_called",
    "lock_class",
    "READ_ONCE",
    "container_of",
    "SetOf",
    "range",
}
"""The words that change nothing, and may stand inside of an expression that is read at once."""

PURE_METHODS = LOOKING | {"of", "on"}
"""The methods that change nothing, with those of groups of global objects."""

OPERANDS = {
    "begun": 1,
    "closure": 1,
    "container_of": 1,
    "ended": 1,
    "inside": 1,
    "is_alive": 1,
    "is_embedded": 1,
    "len": 1,
    "max": 2,
    "min": 2,
}
"""How many of a word's arguments are values, which are loaded before."""

SIGNATURES = {
    "alive": "alive(Type)",
    "is_alive": "is_alive(thing)",
    "is_embedded": "is_embedded(thing)",
    "closure": "closure(thing, Type.field)",
    "count": "count(x for x in ... if ...)",
    "total": "total(x.size for x in ...)",
    "sum": "sum(x.n for x in ...)",
    "all": "all(... for x in ...)",
    "any": "any(... for x in ...)",
    "len": "len(group)",
    "min": "min(a, b)",
    "max": "max(a, b)",
    "inside": "inside(process, function)",
    "within": "within(function)",
    "begun": "begun(process)",
    "ended": "ended(process)",
    "before": "before(value)",
    "me": "me()",
    "mine": "mine(records)",
    "this_cpu": "this_cpu(instances)",
    "on_cpu": "on_cpu()",
    "is_called": "is_called(function)",
    "lock_class": "lock_class(lock, subclass)",
    "processes": "processes()",
    "READ_ONCE": "READ_ONCE(place)",
    "container_of": "container_of(pointer, Type, Type.field)",
    "SetOf": "SetOf()",
    "range": "range(n)",
}

UNKNOWN = {
    "Lambda": "a lambda",
    "Dict": "a dictionary",
    "Set": "a set display",
    "List": "a list display",
    "ListComp": "a list comprehension",
    "SetComp": "a set comprehension",
    "DictComp": "a dictionary comprehension",
    "GeneratorExp": "a generator outside of a quantifier",
    "Await": "`await`",
    "Yield": "`yield`",
    "YieldFrom": "`yield from`",
    "JoinedStr": "an f-string",
    "Tuple": "a tuple",
    "Starred": "`*`",
    "NamedExpr": "`:=`",
    "str": "a string as a value",
    "bytes": "a string as a value",
    "float": "a number with a fraction",
    "complex": "a complex number",
    "ellipsis": "`...`",
    "Slice": "a slice",
    "UnaryOp": "this operator",
}

INSTEAD = {
    "Lambda": "define a function, and name it",
    "JoinedStr": "messages are plain strings",
    "Dict": "a map is a field of each object, or an `ArrayOf`",
    "Set": "write `SetOf()`, and `.add(...)`",
    "List": "a list is a field: `ListOf[Type]`",
    "Tuple": "return one value; keep several in an object",
    "str": "strings are labels and messages: for a value, write an Enum",
    "bytes": "strings are labels and messages: for a value, write an Enum",
    "float": "count in whole numbers; pages are counted by `Size`",
    "UnaryOp": "write `not x`, or `-x`",
    "NamedExpr": "assign in a statement of its own",
    "SetComp": "write a quantifier: `all`, `any`, `count`, `total`",
    "ListComp": "write a quantifier: `all`, `any`, `count`, `total`",
    "DictComp": "write a loop, or a quantifier",
    "GeneratorExp": "write a quantifier around it: `all`, `any`, `count`, `total`",
    "Starred": "give each argument",
    "ellipsis": "write a value",
    "complex": "count in whole numbers",
    "Slice": "name one element",
    "Await": "processes run at once anyway: `wait_until(condition)`",
    "Yield": "the end of a step is where it has to be: write on",
    "YieldFrom": "the end of a step is where it has to be: write on",
}

TAKING = {"Annotated", "ArrayOf", "Ghost", "ListOf", "Ref", "SetOf"}
"""The types that are written with others in brackets."""

INSTEAD_OF_TYPE = {
    "Any": "name the class; in a generic function write `T`",
    "Dict": "a map is a field of each object, or an `ArrayOf`",
    "List": "write `ListOf[Page]`",
    "Optional": "write `Page | None`: every pointer may be None",
    "Set": "write `SetOf[Page]`",
    "Union": "write `Page | None`: every pointer may be None",
    "dict": "a map is a field of each object, or an `ArrayOf`",
    "float": "values are bool, int, members of an Enum, objects; pages are counted by `Size`",
    "list": "write `ListOf[Page]`",
    "set": "write `SetOf[Page]`",
    "str": "write an Enum",
    "tuple": "keep the values in the fields of an object",
}
