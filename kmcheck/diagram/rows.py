"""Which rows of a story a diagram has: its headings say some of them."""

from __future__ import annotations

from collections.abc import Iterator

from kmcheck.explain import Row, Story


def below_headings(story: Story) -> Iterator[Row]:
    """Leave out the calls that stand above the lanes, and keep a row for a missing grace period."""
    above = {column.process for column in story.columns}
    gap = story.missing
    for row in story.rows:
        if row.role == "call" and row.depth == 0 and row.process in above:
            above.discard(row.process)
            continue
        if gap and gap.sort == "grace" and gap.last in row.events:
            yield Row("gap", row.process, row.depth, "", " ".join(gap.label))
        yield row
