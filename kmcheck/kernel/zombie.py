"""No zombies: a cgroup that has gone offline is freed some time.

Semantics: a property to import: `from kmcheck.kernel.zombie import no_zombie` is all that a spec
needs to have it checked, on all runs, under fairness. What keeps a css that is offline may be a
reference that nobody drops, or one that is dropped and taken again for ever. Where all runs end,
`not css_is_zombie(css)` in a property of the end says the same, and costs less.

Kernel: `Documentation/admin-guide/cgroup-v2.rst`, v6.12, "dying" descendants; "mm: memcg: dying
memory cgroups", LSFMM 2019 and since.

Misuse reported: `ref-underflow`, as `css` does: a put too many is no way to be rid of a zombie.
"""

from kmcheck.kernel.css import Css, css_is_zombie
from kmcheck.lang import leads_to


@leads_to(css_is_zombie)
def no_zombie(css: Css) -> bool:
    """Whatever has gone offline and is referenced is freed some time, or no longer referenced."""
    return not css_is_zombie(css)
