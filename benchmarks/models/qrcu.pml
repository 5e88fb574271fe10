/* QRCU at the granularity of specs/classic/qrcu.py: the same states, which equal counts prove.

   spin -DNREADERS=2 -DNUPDATERS=2 -a qrcu.pml
   gcc -O3 -w -DSAFETY -DNOREDUCE -o pan pan.c && ./pan -m1000000

   After P. E. McKenney, "Using Promela and Spin to verify parallel algorithms" (LWN, 2007); the
   algorithm is Oleg Nesterov's. A statement is one step, and so is an atomic block. A local
   variable keeps its value until the function that it belongs to returns. */

#ifndef NREADERS
#define NREADERS 2
#endif
#ifndef NUPDATERS
#define NUPDATERS 1
#endif

byte ctr[2] = {1, 0}; /* users of either counter, and one more on the current one */
bit idx = 0;          /* the counter that new readers take */
bit mutex = 0;        /* held by the updater that moves idx on */
byte reading = 0;     /* bit r: reader r is in its critical section */

#define ME (1 << _pid)

active [NREADERS] proctype reader()
{
	bit mine = 0;

again:
	mine = idx;
	atomic { /* atomic_inc_not_zero() */
		if
		:: ctr[mine] != 0 -> ctr[mine]++
		:: else -> goto again
		fi
	}
	reading = reading | ME;
	reading = reading & ~ME;
	atomic { ctr[mine]--; mine = 0 }
end:
	false
}

/* Adds the counters up, either one first; then does this where nobody uses them, or goes slow. */
#define SUM_UNORDERED(otherwise) \
	if \
	:: atomic { true -> first = 0; sum = ctr[0] } \
	:: atomic { true -> first = 1; sum = ctr[1] } \
	fi; \
	atomic { \
		users = sum + ctr[1 - first]; \
		first = 0; \
		sum = 0; \
		if \
		:: users > 1 -> goto slow \
		:: else -> otherwise \
		fi \
	}

active [NUPDATERS] proctype updater()
{
	byte before = 0; /* who was reading when the grace period began */
	byte users = 0, sum = 0;
	bit first = 0;

	do
	:: before = reading;
	   SUM_UNORDERED(skip);
	   SUM_UNORDERED(users = 0; goto done);
slow:
	   atomic { mutex == 0 -> mutex = 1 }
	   ctr[1 - idx]++;
	   idx = 1 - idx;     /* new readers go to the other counter */
	   ctr[1 - idx]--;
	   ctr[1 - idx] == 0; /* the old readers have left */
	   atomic { mutex = 0; users = 0 }
done:
	   assert((before & reading) == 0)
	od
}
