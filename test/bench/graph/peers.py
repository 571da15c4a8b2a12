"""PageRank of one graph by agentmem, igraph and networkx, in one run: times in seconds.

PG* variables name the database; arguments: nodes, edges.  The graph has a power law on its targets.
agentmem's own times are what it reports as DEBUG1: reading the query, building rows, rounds.
"""
import re
import sys
import time

import igraph
import numpy
import psycopg

NODES, EDGES = int(sys.argv[1]), int(sys.argv[2])


def agentmem(cursor, notices, damping, tolerance):
    notices.clear()
    start = time.perf_counter()
    cursor.execute(f"CREATE TEMP TABLE r AS SELECT * FROM agentmem.pagerank('SELECT s, t FROM bench_edge', {damping}, {tolerance}, 1000)")
    total = time.perf_counter() - start
    text = next(n for n in notices if n.startswith("graph: "))
    read, built, rounds, computed = re.search(r"read in ([\d.]+) ms.*built in ([\d.]+) ms, (\d+) rounds in ([\d.]+) ms", text).groups()
    cursor.execute("SELECT rank FROM r ORDER BY node")
    ranks = numpy.array([row[0] for row in cursor.fetchall()])
    cursor.execute("DROP TABLE r")
    return ranks, float(read) / 1000, float(built) / 1000, int(rounds), float(computed) / 1000, total


def main():
    rng = numpy.random.default_rng(1)
    source = rng.integers(0, NODES, EDGES)
    target = (NODES * rng.random(EDGES) ** 2).astype(numpy.int64)
    notices = []
    with psycopg.connect(autocommit=True) as connection, connection.cursor() as cursor:
        connection.add_notice_handler(lambda d: notices.append(d.message_primary))
        cursor.execute("SET client_min_messages = debug1; SET maintenance_work_mem = '2GB'")
        cursor.execute("DROP TABLE IF EXISTS bench_edge; CREATE UNLOGGED TABLE bench_edge (s bigint, t bigint)")
        with cursor.copy("COPY bench_edge FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int8", "int8"])
            head = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
            rows = numpy.empty(EDGES, dtype=[("n", ">i2"), ("l1", ">i4"), ("s", ">i8"), ("l2", ">i4"), ("t", ">i8")])
            rows["n"], rows["l1"], rows["l2"], rows["s"], rows["t"] = 2, 8, 8, source, target
            copy.write(head + rows.tobytes() + b"\xff\xff")
        cursor.execute("VACUUM ANALYZE bench_edge")
        ours, times = None, []
        for _ in range(3):
            ours, *measured = agentmem(cursor, notices, 0.85, 1e-6)
            times.append(measured)
        exact, *_ = agentmem(cursor, notices, 0.85, 1e-12)
        cursor.execute("DROP TABLE bench_edge")
    times.sort(key=lambda m: m[1] + m[3])
    read, built, rounds, computed, total = times[1]
    nodes, numbered = numpy.unique(numpy.concatenate([source, target]), return_inverse=True)
    start = time.perf_counter()
    graph = igraph.Graph(len(nodes), numpy.stack([numbered[:EDGES], numbered[EDGES:]], 1), directed=True)
    made = time.perf_counter() - start
    theirs = []
    for _ in range(3):
        start = time.perf_counter()
        ranks = graph.pagerank(damping=0.85)
        theirs.append(time.perf_counter() - start)
    theirs.sort()
    print(f"graph: {len(nodes)} nodes, {EDGES} edges, damping 0.85")
    print(f"agentmem: read {read:.2f}, built {built:.2f}, {rounds} rounds {computed:.2f}; whole query {total:.2f} s")
    print(f"igraph {igraph.__version__} (PRPACK): graph made {made:.2f}, ranks {theirs[1]:.2f} s")
    print(f"built + rounds / igraph's ranks: {(built + computed) / theirs[1]:.2f}")
    print(f"differences: agentmem at 1e-6 from itself at 1e-12 {abs(ours - exact).sum():.1e} in sum, igraph from it {abs(numpy.array(ranks) - exact).max():.1e} at most")


main()
