"""Traces for the cache, and what LRU, Belady's offline optimum and the best fixed choice make of them.

    replay.py trace NAME        the prompts of a trace, one a line
    replay.py table FILE        from lines "NAME HITS REQUESTS" of what the cache did: the table

A request that misses puts the prompt.  Traces are the same each time.
"""
import bisect
import heapq
import random
import sys
from collections import Counter, OrderedDict

QUOTA = 1000


def zipf(n, s, requests, seed):
    chance = random.Random(seed)
    sums, total = [], 0.0
    for rank in range(1, n + 1):
        total += rank ** -s
        sums.append(total)
    return [bisect.bisect_left(sums, chance.random() * total) for _ in range(requests)]


def trace(name):
    if name == "zipf":  # 10,000 prompts, s = 1
        return zipf(10000, 1.0, 100000, 7)
    if name == "zipf-drift":  # each tenth of it, 200 of the ranks are others
        return [(p + i // 5000 * 200) % 10000 for i, p in enumerate(zipf(10000, 1.0, 50000, 7))]
    if name == "loop":  # a quarter more than there is room for
        return [i % (QUOTA * 5 // 4) for i in range(50000)]
    if name == "scan":  # of each 4,000: 2,000 Zipf over 2,000 prompts, 1,000 asked once, 2,000 of both in turn
        popular, once, prompts = zipf(2000, 1.0, 60000, 7), 10 ** 6, []
        while len(prompts) < 50000:
            i = len(prompts)
            prompts += popular[i:i + 2000]
            prompts += range(once, once + 1000)
            once += 1000
            for j in range(500):
                prompts += [popular[i + 2000 + j], once]
                once += 1
        return prompts[:50000]
    sys.exit("no trace " + name)


def lru(prompts):
    held, hits = OrderedDict(), 0
    for prompt in prompts:
        if prompt in held:
            held.move_to_end(prompt)
            hits += 1
            continue
        if len(held) >= QUOTA:
            held.popitem(last=False)
        held[prompt] = True
    return hits


def belady(prompts):
    following, last = [0] * len(prompts), {}
    for i in range(len(prompts) - 1, -1, -1):
        following[i] = last.get(prompts[i], len(prompts))
        last[prompts[i]] = i
    held, heap, hits = {}, [], 0
    for i, prompt in enumerate(prompts):
        if prompt in held:
            hits += 1
        elif len(held) >= QUOTA:
            while True:
                when, victim = heapq.heappop(heap)
                if held.get(victim) == -when:
                    del held[victim]
                    break
        held[prompt] = following[i]
        heapq.heappush(heap, (-following[i], prompt))
    return hits


def best_fixed(prompts):
    """Of the most frequent prompts, as many as there is room for, all but the first request."""
    return sum(n - 1 for _, n in Counter(prompts).most_common(QUOTA))


def table(file):
    print("| trace | LRU | cache | offline optimum | best fixed choice | cache / best fixed |")
    print("|---|---|---|---|---|---|")
    for line in open(file):
        name, hits, requests = line.split()
        prompts = trace(name)
        if len(prompts) != int(requests):
            sys.exit("the trace was cut")
        shares = [n / len(prompts) for n in (lru(prompts), int(hits), belady(prompts), best_fixed(prompts))]
        print("| %s | %s | %.3f |" % (name, " | ".join("%.3f" % s for s in shares), shares[1] / shares[3]))


if len(sys.argv) != 3:
    sys.exit(__doc__)
if sys.argv[1] == "trace":
    print("\n".join(map(str, trace(sys.argv[2]))))
else:
    table(sys.argv[2])
