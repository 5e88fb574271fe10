"""From a spec to a program: load it, learn from it until nothing new is learnt, put it together."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

from kmcheck.diagnostics import STDIN, Diagnostic, Note, Source, Span, SpecError
from kmcheck.frontend.beginning import set_apart
from kmcheck.frontend.doubts import doubts
from kmcheck.frontend.idle import idle_processes
from kmcheck.frontend.limits import class_limit
from kmcheck.frontend.lock_order import UNCHECKED, read_edges
from kmcheck.frontend.modules import Loader
from kmcheck.frontend.processes import lower_process
from kmcheck.frontend.properties import WHEN, lower_property
from kmcheck.frontend.reborn import refuse_reborn
from kmcheck.frontend.report import GivenUp, Reporter
from kmcheck.frontend.settings import Settings, Wanted
from kmcheck.frontend.sizes import Sizes
from kmcheck.frontend.source import name_span, span_of
from kmcheck.frontend.symbols import FunctionSymbol, Module
from kmcheck.frontend.unmet import check_unmet
from kmcheck.frontend.world import World
from kmcheck.ir.code import Check, Template
from kmcheck.ir.program import (
    BUILT_IN,
    DATA_RACE,
    LIVENESS,
    LOCK_ORDER,
    Global,
    Kind,
    Program,
    Property,
)


def compile_spec(source: Source, wanted: Wanted | None = None) -> Program:
    """Compile a spec for the given bounds and choices; those not given have their defaults.

    Raises:
        SpecError: the spec is wrong. All that is wrong with it is said.
        UsageError: a setting is given that it does not have.
    """
    return _compiled(source, wanted or {})[0]


def compile_and_doubt(
    source: Source, wanted: Wanted | None = None
) -> tuple[Program, tuple[Diagnostic, ...]]:
    """Compile a spec as `compile_spec` does; return what is well-formed but hardly meant, too."""
    program, world, spec = _compiled(source, wanted or {})
    return program, doubts(world, spec, program)


def _compiled(source: Source, wanted: Wanted) -> tuple[Program, World, Module]:
    reporter = Reporter()
    try:
        return _compile(reporter, source, wanted)
    except GivenUp:
        reporter.finish()
        raise
    except RecursionError:
        title = "this is nested too deeply: calls in calls, or expressions in expressions"
        reporter.report("K003", title, Span(source, 1, 1, 1, 2))
        reporter.finish()
        raise


def _compile(reporter: Reporter, source: Source, wanted: Wanted) -> tuple[Program, World, Module]:
    order = str(wanted.get(LOCK_ORDER, ""))
    edges = () if order == UNCHECKED else read_edges(order)
    settings = Settings({name: value for name, value in wanted.items() if name != LOCK_ORDER})
    loader = Loader(reporter, settings)
    try:
        spec = loader.load(source)
    except SpecError as error:
        for d in error.diagnostics:
            reporter.report(d.code, d.title, d.span, d.label, d.hint)
        reporter.finish()
        raise
    found = settings.finish() if not reporter.found else tuple(settings.found.values())
    world = World(loader, reporter)
    world.read_kinds()
    world.locks.edges = edges
    world.locks.checked = order != UNCHECKED
    _require_setup(reporter, spec, loader.functions, refused=loader.setup_refused)
    roles = [
        f
        for f in loader.functions
        if f.module is spec
        or f.role in ("process", "action")
        or (f.role in WHEN and f in spec.symbols.values())
    ]
    templates, properties = _lower(world, roles, reporter)
    cells = world.cells
    sources = _sources(loader)
    check_unmet(world, roles)
    idle = idle_processes(world, spec)
    kinds = _kinds(world, loader, reporter)
    refuse_reborn(reporter, templates, properties, kinds)
    reporter.finish()
    program = Program(
        name=_name(source),
        source=source,
        digest=_digest(sources),
        doc=_doc(spec),
        kinds=kinds,
        globals=tuple(Global(g.name, g.kind, g.per) for g in world.globals),  # type: ignore[arg-type]
        templates=templates,
        properties=properties,
        settings=found,
        functions={key: tuple(f.key for f in known) for key, known in world.candidates.items()},
        cells=cells,
        idle=idle,
        lock_orders=world.locks.messages,
        left_out=tuple(
            span for span, reached in world.stated.items() if not reached and not span.source.module
        ),
        sources=sources,
    )
    return program, world, spec


def _name(source: Source) -> str:
    """Return what the spec is called, and its folder in `counterexamples/`: `kmemcg/page_owner`."""
    if source.path == STDIN:
        return "stdin"
    path = Path(source.path).resolve()
    return f"{path.parent.name}/{path.stem}"


def _require_setup(
    reporter: Reporter, spec: Module, functions: list[FunctionSymbol], *, refused: bool
) -> None:
    setups = [f for f in functions if f.role == "setup" and f.module is spec]
    if len(setups) > 1 or (not setups and not refused):
        at = setups[1].node if setups else spec.tree
        title = "a spec has one setup" if setups else "this spec has no setup"
        hint = (
            f"the first one is `{setups[0].name}`: choose between them with a `choice`, or `choose`"
            if setups
            else "write a function marked @setup: it makes the objects and starts the processes"
        )
        span = name_span(spec.source, at) if setups else span_of(spec.source, at)
        first = [name_span(f.module.source, f.node) for f in setups[:1]]
        also = tuple(Note(span, "the first one") for span in first)
        reporter.report("K081", title, span, "", hint, also)


def _lower(
    world: World, functions: list[FunctionSymbol], reporter: Reporter
) -> tuple[dict[str, Template], tuple[Property, ...]]:
    """Lower all, until a pass learns nothing: there is only so much to learn, so it ends."""
    templates: dict[str, Template] = {}
    properties: list[Property] = []
    world.changed = True
    while world.changed and not (templates and reporter.found):
        world.changed = False
        world.asked.clear()
        world.spent, world.sizes = 0, Sizes()
        world.locks.messages = {}
        world.stated = {}
        templates, properties = {}, []
        ordered = [f for f in functions if f.role == "setup"] + [
            f for f in functions if f.role != "setup"
        ]
        for function in ordered:
            world.at = name_span(function.module.source, function.node)
            with reporter.going_on():
                if function.role in ("process", "action", "setup"):
                    if function.module.source.module and function.key not in world.started:
                        continue
                    template = lower_process(world, function)
                    templates[template.name] = template
                elif function.role in WHEN:
                    properties.append(lower_property(world, function))
    if not reporter.found:
        world.refuse_idle()
    _refuse_taken(reporter, templates, properties)
    running = {
        name: template
        for name, template in templates.items()
        if template.role in ("setup", "action") or name in world.started
    }
    return set_apart(running, tuple(properties)), tuple(properties)


def _refuse_taken(
    reporter: Reporter, templates: dict[str, Template], properties: list[Property]
) -> None:
    """Refuse properties that are called as a violation is: a verdict would say either."""
    checked = {
        instruction.violation
        for template in templates.values()
        for block in template.blocks
        for instruction in block.instructions
        if isinstance(instruction, Check)
    }
    ours = checked | {*BUILT_IN, *LIVENESS, DATA_RACE}
    taken = set(ours)
    for prop in properties:
        if prop.name in taken:
            what = "a violation" if prop.name in ours else "another property"
            title = f"`{prop.name}` is the name of {what}"
            reporter.report("K084", title, prop.span, "", "call the property another name")
        taken.add(prop.name)


def _kinds(world: World, loader: Loader, reporter: Reporter) -> dict[str, Kind]:
    kinds = {}
    for name, info in world.kinds.items():
        module = info.symbol.module
        limited = None
        with reporter.going_on():
            limited = None if info.limit is None else class_limit(loader, module, info.limit)
        kinds[name] = Kind(
            name,
            dict(info.fields),
            dict(info.embedded),
            limited,
            name in world.allocated,
            name in world.uninitialised,
            loader.span(module, info.symbol.node),
        )
    return kinds


def _sources(loader: Loader) -> tuple[Source, ...]:
    """Return the spec's own files, in the order in which they were met, and then the library's."""
    every = [module.source for module in loader.modules.values()]
    return tuple(sorted(every, key=lambda source: (bool(source.module), source.module)))


def _digest(sources: tuple[Source, ...]) -> str:
    """Return the SHA-256 of the spec and all that it imports."""
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.text.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _doc(spec: Module) -> str:
    return ast.get_docstring(spec.tree) or ""
