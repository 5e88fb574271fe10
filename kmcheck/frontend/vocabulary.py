"""Which words there are, how they are called, and what to write instead of other Python."""

from __future__ import annotations

BUILTINS = {"all", "any", "bool", "int", "len", "max", "min", "range", "sum"}

EFFECTS = {
    "start",
    "free",
    "uninitialised",
    "check",
    "wait_until",
    "choose",
    "may_fail",
    "WRITE_ONCE",
    "xchg",
    "cmpxchg",
    "test_and_set",
    "test_and_clear",
    "fetch_add",
    "add_return",
    "atomic",
    "ghost",
    "each",
    "pause",
}

MUTATORS = {
    "add",
    "remove",
    "discard",
    "update",
    "clear",
    "append",
    "push",
    "pop",
    "splice",
    "sub",
    "move_to",
}

PURE_HINT = "conditions of wait_until and properties only look; assign the result to a name first"

SIGNATURES = {
    "alive": "alive(Type)",
    "is_alive": "is_alive(thing)",
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
    "Constant": "this constant",
    "Slice": "a slice",
    "UnaryOp": "this operator",
}

INSTEAD = {
    "Lambda": "define a function, and name it",
    "JoinedStr": "messages are plain strings",
    "Set": "write `SetOf()`, and `.add(...)`",
    "List": "a list is a field: `ListOf[Type]`",
    "Tuple": "return one value; keep several in an object",
    "NamedExpr": "assign in a statement of its own",
    "SetComp": "write a quantifier: `all`, `any`, `count`, `total`",
    "ListComp": "write a quantifier: `all`, `any`, `count`, `total`",
}
