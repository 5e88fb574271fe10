"""The code of a litmus test: what each process did in the run, statement by statement."""

from __future__ import annotations

from dataclasses import dataclass, field

from kmcheck.explain import Story, call_text, in_kernel, plain
from kmcheck.explain.names import primitive
from kmcheck.render.litmus.places import Places, Variable
from kmcheck.render.litmus.touches import Touch, is_linking, locks, touches
from kmcheck.render.litmus.words import aside
from kmcheck.trace import Access, Event, Frame, Value

FENCES = {
    name: f"{name}();"
    for name in (
        "rcu_read_lock", "rcu_read_unlock", "smp_mb", "smp_rmb", "smp_wmb", "synchronize_rcu",
        "smp_mb__before_atomic", "smp_mb__after_atomic", "smp_mb__after_spinlock",
        "smp_mb__after_unlock_lock", "synchronize_rcu_expedited",
    )
}  # fmt: skip
"""Calls without an argument, as herd7's linux-kernel.def has them."""
LOADS = {
    "rcu_dereference": "rcu_dereference(*{0})",
    "smp_load_acquire": "smp_load_acquire({0})",
}
STORES = {
    "rcu_assign_pointer": "rcu_assign_pointer(*{0}, {1});",
    "smp_store_release": "smp_store_release({0}, {1});",
}
FULL = frozenset(
    {
        "atomic_add_return", "atomic_sub_return", "atomic_inc_return", "atomic_dec_return",
        "atomic_fetch_add", "atomic_sub_and_test", "atomic_inc_and_test", "atomic_dec_and_test",
        "atomic_xchg", "atomic_cmpxchg", "atomic_add_unless", "atomic_inc_not_zero",
        "atomic_dec_if_positive", "test_and_set_bit", "test_and_clear_bit", "test_and_change_bit",
    }
)  # fmt: skip
"""Changes that return a value, and so order everything before and after them."""
RELEASING = frozenset({"refcount_dec_and_test"})
"""Changes that are a release. That the last put is an acquire, too, has no counterpart."""
OPPOSITES = {"rcu_read_lock": "rcu_read_unlock", "spin_lock": "spin_unlock"}
LONGEST = 56
"""Characters of a step that are quoted."""
CALLBACK = "rcu_callback"
"""What runs when a grace period of call_rcu() has ended."""
WITH_COUNTERPART = frozenset({*FENCES, *LOADS, *STORES, *FULL, *RELEASING})


@dataclass
class Process:
    """A process's statements, its registers, and what the condition says of them."""

    name: str
    lines: list[str] = field(default_factory=list)
    used: dict[str, Variable] = field(default_factory=dict)
    registers: list[str] = field(default_factory=list)
    """Their declarations."""
    read: list[tuple[str, str]] = field(default_factory=list)
    """For each register what was read into it."""
    pointers: dict[str, str] = field(default_factory=dict)
    """The register that has the address of an object."""
    done: set[int] = field(default_factory=set)
    """Calls that stand there already, by serial."""
    told: set[str] = field(default_factory=set)
    """What is said of steps already."""
    open: list[str] = field(default_factory=list)
    """What ends the sections and locks that it is inside of, the innermost last."""

    @property
    def acts(self) -> bool:
        """Tell whether there is more than comments."""
        return any(not line.startswith("/*") for line in self.lines)

    def use(self, variable: Variable) -> str:
        """Return a variable's name, and take it as a parameter."""
        self.used[variable.name] = variable
        return variable.name

    def register(self, value: str, *, pointer: bool = False) -> str:
        """Return a new register, into which `value` is read."""
        name = f"r{len(self.registers)}"
        self.registers.append(f"int *{name};" if pointer else f"int {name};")
        self.read.append((name, value))
        return name

    def say(self, statement: str, about: str) -> None:
        """Write a statement, and what step it is."""
        self.lines.append(f"{statement}  {about}" if about not in self.told else statement)
        self.told.add(about)

    def order(self, statement: str, about: str) -> None:
        """Write the beginning or end of a section or a lock."""
        opposite = OPPOSITES.get(statement.partition("(")[0])
        if opposite:
            self.open.append(f"{opposite}({statement.partition('(')[2]}")
        elif statement in self.open:
            self.open.remove(statement)
        self.say(statement, about)

    def end(self) -> None:
        """End what it is inside of: herd7 takes no notice of a section that does not end."""
        while self.open:
            self.say(self.open.pop(), "/* behind the end of the run */")


class Writer:
    """Writes all processes, in the order of the run."""

    def __init__(self, story: Story, places: Places, shared: frozenset[tuple[str, str]]) -> None:
        """Take fields only that are `shared`."""
        self.story, self.places, self.shared = story, places, shared
        self.processes: dict[str, Process] = {}
        self.out: list[int] = []
        """Numbers of steps that are left out."""

    def process(self, name: str) -> Process:
        """Return a process."""
        return self.processes.setdefault(name, Process(name))

    def step(self, index: int, event: Event, *, kept: bool) -> None:
        """Write a step; one that is not `kept` only if it stores to what is shared."""
        fails = index == len(self.story.trace.events) - 1 and self.looks_at_freed(self.story)
        told = [t for t in touches(event) if self._is_told(t.access, fails=fails)]
        frame = next(
            (f for f in event.frames if f.function in WITH_COUNTERPART and in_kernel(f)), None
        )
        stores = {(a.thing, a.field) for a in event.accesses if a.what == "store" and not a.ghost}
        relinks = len(stores) > 1 and is_linking(event)
        call = primitive(event) if relinks else None
        text = call_text(call) if call else event.text
        text = text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."
        about = aside(f"{event.number}: {text}")
        process = self.process(event.process)
        before = len(process.lines)
        taken, given = locks(event)
        for name in taken if kept else ():
            self._order(process, f"spin_lock({process.use(self.places.lock(name))});", event)
        if frame and frame.function in FENCES:
            if kept or FENCES[frame.function] in process.open:
                self._once(process, frame, event)
        elif kept or any(t.written for t in told):
            self._accesses(process, event, frame, told, about, relinks=relinks)
        for name in given:
            if (unlock := f"spin_unlock({self.places.lock(name).name});") in process.open:
                self._order(process, unlock, event)
        if fails:
            self._fail(process, about)
        self._free(process, event, about)
        if len(process.lines) > before or (frame and frame.serial in process.done):
            return
        if kept:
            why = "touches nothing that is shared" if event.accesses else "has no counterpart"
            process.lines.append(aside(f"{event.number}: {text}: {why}"))
        else:
            self.out.append(event.number)

    def _is_told(self, access: Access, *, fails: bool) -> bool:
        """Tell whether an access is of interest: what is in freed memory is not."""
        root, thing = self.story.family.root, self.story.trace.violation.thing
        freed = fails and thing is not None and root(access.thing) == root(thing)
        return not freed and (access.thing, access.field) in self.shared

    def _once(self, process: Process, frame: Frame, event: Event) -> None:
        """Write a call that may have more steps than one."""
        if frame.serial not in process.done:
            process.done.add(frame.serial)
            self._order(process, FENCES[frame.function], event)

    def _order(self, process: Process, statement: str, event: Event) -> None:
        process.order(statement, aside(str(event.number)))

    def _accesses(
        self,
        process: Process,
        event: Event,
        frame: Frame | None,
        told: list[Touch],
        about: str,
        *,
        relinks: bool,
    ) -> None:
        if len(told) > 1:
            process.lines.append(f"/* {event.number}: one step of the spec, {len(told)} here */")
        elif told and relinks:
            rest = "what else it stores to is not shared"
            process.lines.append(f"/* {event.number}: one step of the spec; {rest} */")
        for touch in told:
            self._touch(process, frame.function if frame else "", touch, about, event)

    def _touch(self, process: Process, call: str, touch: Touch, about: str, event: Event) -> None:
        place = self.places.place(touch.access.thing, touch.access.field)
        name = process.use(place)
        if touch.read is not None and touch.written is not None:
            self._change(process, place, call, touch, about)
        elif touch.written is not None:
            value = self.places.written(place, touch.written)
            self._use_address(process, place, touch.written)
            form = "*{0} = {1};" if self._races(event, touch) else "WRITE_ONCE(*{0}, {1});"
            process.say(STORES.get(call, form).format(name, value), about)
        elif touch.read is not None:
            form = "*{0}" if self._races(event, touch) else "READ_ONCE(*{0})"
            register = self._read(process, place, touch.read)
            process.say(f"{register} = {LOADS.get(call, form).format(name)};", about)

    def _read(self, process: Process, place: Variable, value: Value) -> str:
        pointer = place.sort == "pointer"
        written = self.places.written(place, value)
        register = process.register(written, pointer=pointer)
        if pointer and value.text != "NULL":
            self._use_address(process, place, value)
            process.pointers[value.targets[0]] = register
        return register

    def _use_address(self, process: Process, place: Variable, value: Value) -> None:
        if place.sort == "pointer" and value.text != "NULL":
            process.use(self.places.life(value.targets[0]))

    def _change(
        self, process: Process, place: Variable, call: str, touch: Touch, about: str
    ) -> None:
        """Write a change as an atomic operation: in the spec it is one step."""
        assert touch.read is not None
        assert touch.written is not None
        suffix = "" if call in FULL else "_release" if call in RELEASING else "_relaxed"
        before, after = (self.places.count(v) for v in (touch.read, touch.written))
        register = self._read(process, place, touch.read)
        self._use_address(process, place, touch.written)
        if place.sort == "number" and before is not None and after is not None:
            place.atomic = True
            sign = "sub" if after < before else "add"
            amount = abs(after - before)
            process.say(f"{register} = atomic_fetch_{sign}{suffix}({amount}, {place.name});", about)
            return
        value = self.places.written(place, touch.written)
        process.say(f"{register} = xchg{suffix}({place.name}, {value});", about)

    # --- freed memory -----------------------------------------------------------------------------

    def starts(self, event: Event, started: str) -> None:
        """Let a process begin behind a step of another; a callback of RCU behind a grace period."""
        flag = self.places.flag(started)
        first, second = self.process(event.process), self.process(started)
        about = aside(f"{event.number}: starts {started}")
        first.say(f"smp_store_release({first.use(flag)}, 1);", about)
        register, about = second.register("1"), aside(f"is started in {event.number}")
        second.say(f"{register} = smp_load_acquire({second.use(flag)});", about)
        own = (e.frames[0] for e in self.story.trace.events if e.process == started and e.frames)
        frame = next(own, None)
        if frame and in_kernel(frame) and frame.function == CALLBACK:
            second.say("synchronize_rcu();", aside("runs after a grace period"))

    def _free(self, process: Process, event: Event, about: str) -> None:
        """Mark what is freed, where a pointer to it is in the test."""
        family = self.story.family
        freed = {family.root(a.thing) for a in event.accesses if a.what == "free"}
        for variable in list(self.places.variables.values()):
            if variable.sort == "life" and family.root(variable.what) in freed:
                process.say(f"WRITE_ONCE(*{process.use(variable)}, 1);", about)

    def _fail(self, process: Process, about: str) -> None:
        """Look whether what the failing step uses is freed, through the pointer to it."""
        thing = self.story.trace.violation.thing
        if thing is None:
            return
        family = self.story.family
        names = [name for name in process.pointers if family.root(name) == family.root(thing)]
        base = (
            process.pointers[names[-1]]
            if names
            else process.use(self.places.life(family.root(thing)))
        )
        process.say(f"{process.register('1')} = READ_ONCE(*{base});", about)

    @staticmethod
    def looks_at_freed(story: Story) -> bool:
        """Tell whether the violation is that something freed is used."""
        return story.trace.violation.kind in {"use-after-free", "double-free"}

    def _races(self, event: Event, touch: Touch) -> bool:
        """Tell whether the access is plain, and one of two that race."""
        violation = self.story.trace.violation
        last = self.story.trace.events[-2:]
        how = "stores" if touch.written else "loads"
        told = plain(f"{event.process} {how} plainly")
        return violation.kind == "data-race" and event in last and told in violation.message
