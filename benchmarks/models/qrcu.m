-- QRCU at the granularity of specs/classic/qrcu.py: the same states, which equal counts prove.
--
--   rumur --symmetry-reduction off --output qrcu.c qrcu.m
--   gcc -O3 -march=native -w -o qrcu qrcu.c -lpthread && ./qrcu
--
-- The sizes are the first line of code; benchmarks/run puts others there. After P. E. McKenney,
-- "Using Promela and Spin to verify parallel algorithms" (LWN, 2007). A rule is one step. A local
-- variable keeps its value until the function that it belongs to returns.

const NREADERS: 2; NUPDATERS: 1;

type
  reader: scalarset(NREADERS);
  updater: scalarset(NUPDATERS);
  counter: 0..1;
  users: 0..NREADERS + 1;
  at_reader: enum { load, inc_not_zero, enter, leave, unlock, gone };
  at_updater: enum { snapshot, first1, second1, first2, second2, lock, inc, flip, dec, drain,
                     release, check };

var
  ctr: array [counter] of users;       -- of either counter, and one more on the current one
  idx: counter;                        -- the counter that new readers take
  mutex: boolean;                      -- held by the updater that moves idx on
  reading: array [reader] of boolean;  -- who is in a critical section
  at: array [reader] of at_reader;
  mine: array [reader] of counter;
  doing: array [updater] of at_updater;
  before: array [updater] of array [reader] of boolean;  -- reading, as the grace period began
  first: array [updater] of counter;
  sum: array [updater] of users;
  total: array [updater] of 0..2 * (NREADERS + 1);

startstate begin
  clear ctr; clear idx; clear mutex; clear reading; clear at; clear mine; clear doing;
  clear before; clear first; clear sum; clear total;
  ctr[0] := 1;
end;

ruleset r: reader do
  rule "load idx" at[r] = load ==> begin
    mine[r] := idx; at[r] := inc_not_zero;
  end;
  rule "atomic_inc_not_zero" at[r] = inc_not_zero ==> begin
    if ctr[mine[r]] = 0 then at[r] := load;
    else ctr[mine[r]] := ctr[mine[r]] + 1; at[r] := enter; end;
  end;
  rule "enter" at[r] = enter ==> begin
    reading[r] := true; at[r] := leave;
  end;
  rule "leave" at[r] = leave ==> begin
    reading[r] := false; at[r] := unlock;
  end;
  rule "unlock" at[r] = unlock ==> begin
    ctr[mine[r]] := ctr[mine[r]] - 1; mine[r] := 0; at[r] := gone;
  end;
end;

ruleset u: updater do
  rule "snapshot" doing[u] = snapshot ==> begin
    before[u] := reading; doing[u] := first1;
  end;
  ruleset c: counter do
    rule "either counter first" doing[u] = first1 | doing[u] = first2 ==> begin
      first[u] := c; sum[u] := ctr[c];
      doing[u] := doing[u] = first1 ? second1 : second2;
    end;
  end;
  rule "then the other" doing[u] = second1 | doing[u] = second2 ==> begin
    total[u] := sum[u] + ctr[1 - first[u]]; first[u] := 0; sum[u] := 0;
    if total[u] > 1 then doing[u] := lock;
    elsif doing[u] = second1 then doing[u] := first2;
    else total[u] := 0; doing[u] := check; end;
  end;
  rule "lock" doing[u] = lock & !mutex ==> begin
    mutex := true; doing[u] := inc;
  end;
  rule "inc" doing[u] = inc ==> begin
    ctr[1 - idx] := ctr[1 - idx] + 1; doing[u] := flip;
  end;
  rule "new readers go to the other counter" doing[u] = flip ==> begin
    idx := 1 - idx; doing[u] := dec;
  end;
  rule "dec" doing[u] = dec ==> begin
    ctr[1 - idx] := ctr[1 - idx] - 1; doing[u] := drain;
  end;
  rule "the old readers have left" doing[u] = drain & ctr[1 - idx] = 0 ==> begin
    doing[u] := release;
  end;
  rule "release" doing[u] = release ==> begin
    mutex := false; total[u] := 0; doing[u] := check;
  end;
  rule "check" doing[u] = check ==> begin
    assert forall r: reader do !(before[u][r] & reading[r]) end "the grace period was too short";
    doing[u] := snapshot;
  end;
end;
