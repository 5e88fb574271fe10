"""Words of C and of the kernel that the library has under another name, or not at all."""

from kmcheck.kernel.slab import GFP_KERNEL, Gfp, kmallok, kzalloc
from kmcheck.lang import Object, atomic_inc, process, setup, start


class Memcg(Object, limit=2):
    usage: int


memcg = Memcg()


@process
def charge() -> None:
    barrier()
    smp_mb()
    smp_store_release(memcg.usage, 1)
    msleep(10)
    cpu_relax()
    cond_resched()
    kcalloc(Memcg)
    atomic_dec_and_test(memcg.usage)
    atomic64_dec_if_positive(memcg.usage)
    for entry in list_for_each_entry(memcg):
        pass
    if unlikely(memcg.usage):
        printk("usage")
    memcg.usage = PAGE_SIZE
    kzalloc(Memcg, GFP_NOWAIT)
    kzalloc(Memcg, GFP_ATOMIC)


@setup
def begin() -> None:
    start(charge)
