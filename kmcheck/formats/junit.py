"""Results as JUnit XML, which CI shows as tests: a suite a spec, a case a property."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from kmcheck import shelf
from kmcheck.diagnostics import Diagnostic, show
from kmcheck.explain import failing_place
from kmcheck.protocols import Format, FormatOptions, Renderer, RenderOptions, Told
from kmcheck.trace import Trace
from kmcheck.verdict import Label, Result, Unknown, Verdict, Violated
from kmcheck.violations import sentence

NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML has no way to write."""


class Junit:
    """The format on the shelf. No time and no host is in it: the same results, the same bytes."""

    name = "junit"

    def render(self, told: Sequence[Told], options: FormatOptions) -> str:
        """Return the document."""
        root = ET.Element("testsuites", name="kmcheck")
        for one in told:
            root.append(_suite(one, options))
        return _written(root)

    def refuse(self, diagnostics: Sequence[Diagnostic]) -> str:
        """Return the document of specs that are wrong: each is a case that ends in an error.

        One of which there are but warnings is a case that says so.
        """
        root = ET.Element("testsuites", name="kmcheck")
        for path in dict.fromkeys(d.span.source.path for d in diagnostics):
            own = [d for d in diagnostics if d.span.source.path == path]
            suite = ET.SubElement(root, "testsuite", name=_plain(path))
            case = ET.SubElement(suite, "testcase", classname=_plain(path), name="well-formed")
            told = _plain("\n\n".join(map(show, own)))
            worst = next((d for d in own if d.severity == "error"), None)
            if worst is None:
                ET.SubElement(case, "system-out").text = told
            else:
                error = ET.SubElement(case, "error", type=worst.code, message=_plain(worst.title))
                error.text = told
            _count(suite)
        return _written(root)


def _suite(told: Told, options: FormatOptions) -> ET.Element:
    result = told.result
    label = result.label
    given = "".join(f" {name}={value}" for name, value in label.changed)
    suite = ET.Element("testsuite", name=f"{label.spec}{given}")
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(label):
        ET.SubElement(properties, "property", name=name, value=_plain(value))
    for verdict in result.verdicts:
        suite.append(_case(result, verdict, label.spec.replace("/", ".") + given, options))
    text: Format = shelf.take("formats", "text", "FORMAT")
    ET.SubElement(suite, "system-out").text = _plain(text.render([told], FormatOptions()))
    _count(suite)
    return suite


def _properties(label: Label) -> tuple[tuple[str, str], ...]:
    known = (*label.bounds, *label.choices, ("engine", label.engine), ("version", label.version))
    return (("path", label.path), ("digest", label.digest), *known)


def _case(result: Result, verdict: Verdict, of: str, options: FormatOptions) -> ET.Element:
    case = ET.Element("testcase", classname=of, name=verdict.property)
    match verdict:
        case Violated(trace=trace):
            wrong = _plain(sentence(trace.violation))
            failure = ET.SubElement(case, "failure", type=trace.violation.kind, message=wrong)
            failure.text = _plain(_told(trace, options))
        case Unknown(why=why) if result.outcome == "violated":  # the suite has failed as it is
            ET.SubElement(case, "skipped", message=_plain(f"not decided: {why}"))
        case Unknown(why=why):  # skipped would be taken for good
            ET.SubElement(case, "error", type="unknown", message=_plain(f"not decided: {why}"))
    return case


def _told(trace: Trace, options: FormatOptions) -> str:
    renderer: Renderer = shelf.take("render", "columns", "RENDERER")
    table = str(renderer.render(trace, RenderOptions(full=options.full)))
    at = failing_place(trace)
    where = f"{at.path}:{at.line}: " if at else ""
    return f"{where}{sentence(trace.violation)}\n\n{table}"


def _count(suite: ET.Element) -> None:
    """Write how many cases there are of each outcome."""
    suite.set("tests", str(len(suite.findall("testcase"))))
    for plural, what in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(plural, str(len(suite.findall(f"testcase/{what}"))))


def _plain(text: str) -> str:
    return NO_XML.sub("\ufffd", text)


def _written(root: ET.Element) -> str:
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


FORMAT: Format = Junit()
