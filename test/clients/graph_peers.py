"""pagerank, personalized_pagerank and communities against networkx and igraph.

Connects by the PG* variables; prints one line a graph, which says what differs, and exits 1 if anything does.
"""
import random
import sys

import igraph
import networkx
import psycopg

LIMIT = 1e-8
random.seed(20260101)


def dense(n):
    return [(a, b, 1.0) for a in range(n) for b in range(n) if a != b]


def at_random(n, m, weighted):
    return [(random.randrange(n), random.randrange(n), random.random() + 0.01 if weighted else 1.0) for _ in range(m)]


GRAPHS = {
    "chain": [(i, i + 1, 1.0) for i in range(50)],
    "star into the middle": [(i, 0, 1.0) for i in range(1, 100)],
    "star out of the middle": [(0, i, 1.0) for i in range(1, 100)],
    "complete": dense(20),
    "disconnected": dense(5) + [(a + 100, b + 100, w) for a, b, w in dense(7)] + [(1000, 1001, 1.0), (2000, 2000, 1.0)],
    "loops and parallel edges": at_random(30, 400, True) + [(i, i, 2.0) for i in range(0, 30, 3)] + [(1, 2, 1.0)] * 5,
    "power law": [(i, int(i * random.random() ** 3), 1.0) for i in range(1, 20000) for _ in range(3)],
    "weighted, 100,000 edges": at_random(20000, 100000, True),
}


def ours(cursor, function, edges, *arguments):
    cursor.execute("TRUNCATE peer_edge")
    with cursor.copy("COPY peer_edge FROM STDIN") as copy:
        for edge in edges:
            copy.write_row(edge)
    cursor.execute(f"SELECT * FROM agentmem.{function}('SELECT * FROM peer_edge'{''.join(', ' + a for a in arguments)})")
    return dict(cursor.fetchall())


def by_networkx(edges, damping, directed, seeds):
    graph = networkx.MultiDiGraph() if directed else networkx.MultiGraph()
    graph.add_weighted_edges_from(edges)
    return networkx.pagerank(graph, damping, seeds, max_iter=5000, tol=1e-12 / len(graph))


def by_igraph(edges, damping, directed, seeds):
    nodes = sorted({node for edge in edges for node in edge[:2]})
    number = {node: i for i, node in enumerate(nodes)}
    graph = igraph.Graph(len(nodes), [(number[a], number[b]) for a, b, _ in edges], directed=directed)
    weights = [w for _, _, w in edges]
    if seeds is None:
        ranks = graph.pagerank(damping=damping, directed=directed, weights=weights)
    else:
        ranks = graph.personalized_pagerank(damping=damping, directed=directed, weights=weights,
                                            reset=[seeds.get(node, 0) for node in nodes])
    return dict(zip(nodes, ranks))


def difference(a, b):
    if a.keys() != b.keys():
        return float("inf")
    return max(abs(a[node] - b[node]) for node in a)


def main():
    failed = False
    with psycopg.connect(autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE peer_edge (s bigint, t bigint, w float8)")
        for name, edges in GRAPHS.items():
            nodes = sorted({node for edge in edges for node in edge[:2]})
            some = {nodes[0]: 1.0, nodes[len(nodes) // 2]: 2.5, nodes[-1]: 0.5}
            for directed in (True, False):
                loops = any(a == b for a, b, _ in edges)
                options = ((0.85, None), (0.5, some), (0.5, None), (0.9, some))
                for damping, seeds in options[:2 if len(edges) > 50000 else 4]:
                    options = [f"damping => {damping}", "tolerance => 1e-13", "max_iterations => 5000", f"directed => {directed}"]
                    if seeds is None:
                        ranks = ours(cursor, "pagerank", edges, *options)
                    else:
                        ranks = ours(cursor, "personalized_pagerank", edges,
                                     f"'{{{','.join(map(str, seeds))}}}'", f"'{{{','.join(map(str, seeds.values()))}}}'", *options)
                    peers = {"networkx": by_networkx(edges, damping, directed, seeds)}
                    # igraph counts a loop of an undirected graph twice.
                    if directed or not loops:
                        peers["igraph"] = by_igraph(edges, damping, directed, seeds)
                    for peer, theirs in peers.items():
                        d = difference(ranks, theirs)
                        good = d < LIMIT and abs(sum(ranks.values()) - 1) < 1e-9
                        failed |= not good
                        print(f"{'ok' if good else 'NOT OK'} {name}, {'directed' if directed else 'undirected'}, damping {damping}, "
                              f"{'seeds' if seeds else 'uniform'}: {d:.1e} from {peer}")

            graph = networkx.Graph()
            graph.add_nodes_from(nodes)
            for a, b, w in edges:
                if a != b:
                    graph.add_edge(a, b, weight=w + graph.get_edge_data(a, b, {"weight": 0})["weight"])
            plain = [(a, b, d["weight"]) for a, b, d in graph.edges(data=True)]
            if len(plain) > 50000:
                continue
            found = ours(cursor, "communities", plain)
            groups = {}
            for node in nodes:
                groups.setdefault(found.get(node, node), set()).add(node)
            mine = networkx.community.modularity(graph, groups.values())
            theirs = networkx.community.modularity(graph, networkx.community.louvain_communities(graph, seed=1))
            good = mine >= theirs - 0.02 and all(networkx.is_connected(graph.subgraph(g)) and min(g) == c for c, g in groups.items())
            failed |= not good
            print(f"{'ok' if good else 'NOT OK'} {name}, communities: modularity {mine:.4f}, networkx has {theirs:.4f}")
    return failed


sys.exit(main())
