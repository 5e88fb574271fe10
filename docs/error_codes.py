"""What each error code is about: why a spec is refused for it, and what to do."""

ABOUT = {
    "K001": "The file is no text. Save it as UTF-8.",
    "K002": "The file is not Python: often a piece of C was left. Write it as Python.",
    "K003": "Python's parser, or kmcheck, would go too deep. Give the parts names of their own.",
    "K010": "An import names what a spec cannot use: no code of a spec runs, so only words, "
    "primitives and spec files mean something. Import from those.",
    "K011": "What runs stands in functions: at the top level things are only defined. "
    "Move it into the setup or a process.",
    "K012": "A name after a dot, or in an import, is not there. Mostly it is misspelt, or is in "
    "another file.",
    "K013": "One name would mean two things. Choose another for one of them.",
    "K014": "Files import each other in a ring. Move what both need to a third.",
    "K015": "Nothing of a class is executed, so a decorator would do nothing. Leave it out.",
    "K016": "Classes do not inherit: what an object holds is seen in its class. Embed the other "
    "class in a field, or point to it.",
    "K017": "An Enum is a list of names. Write `NAME = auto()`, one a line.",
    "K018": "A decorator or an option says what a function or class is, and this one says nothing. "
    "Look for it under [The language](language.md#every-word).",
    "K019": "Each call gives each argument, in order. Write plain parameters.",
    "K020": "Globals begin before anything runs, so with constants. Give other values in setup.",
    "K021": "One object for each CPU, or each process, has to have a class. Name one.",
    "K022": "A setting is shown on the label, so it has a default and a text; a bound is small. "
    "What is large is modelled small: the smallest that shows the bug.",
    "K023": "A constant does not fit 32 bits, or has no value. Model it smaller.",
    "K024": "This has to be known before anything runs. Write a constant, or assign it in setup.",
    "K025": "A class declares what its objects hold, and how it is freed. Values come from "
    "`Type(field=...)`.",
    "K026": "An object would hold itself, without end. Point to it: `Ref[...]`.",
    "K027": "Objects that live in others count as variables of the state. Point to some of them.",
    "K030": "A type has no meaning here, or is not imported. "
    "[Types](language.md#types) lists those there are.",
    "K031": "What is in the brackets does not fit: pointers lead to objects, lists hold objects, "
    "sets and arrays small values.",
    "K032": "The length of an array is a part of its type. Write `Annotated[ArrayOf[...], 4]`.",
    "K033": "A ghost is a value that only properties read, in a field. Keep it there.",
    "K034": "`Annotated` gives an int its range, or an array its length. Write one of the two.",
    "K040": "A value is not of the type that is wanted there. Convert or compare it, or mend the "
    "declaration.",
    "K041": "A name stands for a class, a function or a word, and a value is wanted. Call it, or "
    "name an object.",
    "K042": "A name means nothing here. Import it, define it, or write what the hint says: "
    "[a table](language.md#from-c) has the words of C.",
    "K043": "Only objects have fields. What is before the dot is none.",
    "K044": "A ghost must change nothing but ghosts, and code must not depend on it: otherwise the "
    "design would be another with it. Use an ordinary field if the code needs it.",
    "K045": "Only arrays have elements by number. Sets and lists are looped over.",
    "K046": "This piece of Python is not in the spec language. Write what the hint says.",
    "K047": "The value is neither true nor false, or that would depend on the sizes. Compare it.",
    "K048": "There is no such operator for these values. Flags are bools, and divisors constants.",
    "K049": "The comparison has one result whatever happens, which is a mistake. Mostly one side "
    "is the object, and the other one a field of it.",
    "K050": "This cannot be called, or not in an expression that is read at once. Call it in a "
    "statement of its own.",
    "K051": "The word asks where a process is, so it takes a function. Name one.",
    "K052": "Only a step has a state before it. Mark the property `@step`.",
    "K053": "How many slots there are is known for limits only. Use a `bound`.",
    "K054": "What changes something, or takes a step, stands in an expression that only looks. Do "
    "it in a statement of its own, before.",
    "K055": "The arguments are not those that it takes. Compare with the hint.",
    "K056": "Only a process runs on a CPU, holds locks and waits. Setup is alone, and a property "
    "looks from outside.",
    "K057": "`mine` and `this_cpu` pick one of many: declare the global with `PerProcess` or "
    "`PerCpu`.",
    "K058": "A class is wanted: alive(), choose() and the like go through the objects of one.",
    "K059": "Fields that lead from object to object are named on the class: `Memcg.parent`.",
    "K060": "There are no members to go through. Loop over a set, a list, an array, an Enum or a "
    "small `range`.",
    "K061": "The value has no such method. Sets, lists and counters have "
    "[theirs](language.md#objects-and-fields), objects those of their class.",
    "K062": "Calls are written out where they stand, so none can lead to itself. Write a loop, or "
    "queue what runs later as work.",
    "K063": "A function says that it returns a value, and does not, or returns one that is not "
    "what a property says.",
    "K064": "This is no place that can be stored to. Objects are changed in their fields, "
    "those of the library by its functions, and names of the file never.",
    "K065": "The text is shown in traces and on labels. Write it in quotes.",
    "K066": "`start` takes the name of a function marked `@process`, then what that takes.",
    "K067": "Every process is a part of the state from the beginning. Say how many there may be: "
    "`@process(limit=...)`.",
    "K068": "Lists, arrays and counters change by their methods, each a step. Call one.",
    "K069": "Every object is a part of the state from the beginning. Say how many may be alive: "
    "`class Page(Object, limit=...)`. Locks and the like are fields or globals.",
    "K070": "What is marked is not called: processes are started, properties and setup are asked.",
    "K071": "A class or a function is wanted, by its name, so that it is known when the spec is "
    "compiled. What is to be asked again and again is a function.",
    "K072": "There is no loop to leave. Return, or write `if`.",
    "K073": "A variable has one type, and its first value does not tell which. Annotate it.",
    "K074": "`each` goes through the members of a set in one step. Put it into `with atomic():`.",
    "K075": "All members are gone through at once, so none is the last. Write a loop over them.",
    "K076": "`with` makes one step of a block, or marks ghost code. Locks are taken and given back "
    "by calls.",
    "K077": "Nobody waits for a process's value. Store it in a field.",
    "K078": "A parameter says what the function is asked of, or started with. Annotate it so.",
    "K079": "A limit is a number that is known when the spec is compiled.",
    "K080": "What a property or a process promises is said in one of a few ways. See the hint.",
    "K081": "A spec begins in one way. Write one setup; choose between two by a `choice`.",
    "K082": "The question has one answer whatever happens. Give the function a step, or call it.",
    "K083": "Outside of an atomic block each load is a step of its own. Load one by one into "
    "locals, or say that it is one step.",
    "K084": "A verdict is told by its name, which has to be one thing's. Rename the property.",
    "K085": "A set in a local would be a copy, and look like the set. Copy it, or name the field.",
    "K088": "What is owed to an object is owed to its slot, from state to state. Give what takes "
    "the slot a step of its own.",
    "K090": "Setup chooses too often. Let a process choose, or a `choice`.",
    "K091": "Setup itself goes wrong, before any process runs. The line is told: mend it.",
    "K092": "Setup chooses among nothing, so there is no initial state.",
    "K093": "There are more objects than a state has place for. Make fewer.",
    "K094": "What setup does depends on symbolic sizes. Count pages, as integers.",
    "K095": "Calls are written out where they stand, and there are too many. Call less.",
    "K096": "A state is as large as all that may be alive. Lower limits and bounds.",
    "K097": "A process has too many variables, those of what it calls included. Split it.",
    "K098": "A process that nothing starts would make everything hold. Start it, or leave it out.",
    "W001": "What is imported and not used makes a reader look for the use. Leave it out.",
    "W002": "A bound or a choice is on every label, and nobody can see that it does nothing.",
    "W003": "No code names it. It was forgotten where it was to be used, or left when that went.",
    "W004": "No code makes an object of the class, whatever the settings are. Make one, or leave "
    "the class out.",
    "W005": "What is said of every object of a class is true while there is none, so that the "
    "property says nothing.",
    "W006": "No code reads or writes the field, neither the spec's nor the primitives'.",
    "W007": "The statement before it never comes to its end, so this is not run.",
    "W008": "No code stores to what the condition reads: it has one value for ever, so the process "
    "goes on at once, or hangs.",
    "W009": "With these settings the process is named, but nobody starts it: what it would do is "
    "not checked.",
    "W010": "A property that reads no field and asks no question has one answer. Say what is to "
    "be true of the objects.",
    "W011": "A change of a `ListLink` list is one step, as if a lock were held, and nobody is "
    "asked for a lock that was never named: two that change the list without one do no harm. Say "
    "which lock guards it, so that a change without it is reported, or let each pointer be a step.",
}
"""For each code: the cause, and what to do about it. The hints say more of the single case."""
