# shellcheck shell=bash
# What a walk costs in namespaces of ten thousand to ten million edges (GRAPH_EDGES for others), and how near it comes
# to the exact result; PageRank of a large graph beside igraph, where that can be installed.
graph_at() { "${psql[@]}" -At -v store=graph_bench -v "$@" 2>/dev/null; }
"${psql[@]}" -At -c 'CREATE EXTENSION IF NOT EXISTS agentmem' 2>/dev/null
for edges in ${GRAPH_EDGES:-10000 100000 1000000 10000000}; do
	graph_at "edges=$edges" -f "$WORK/src/test/bench/graph/load.sql" | sed -n 's/^graph_bench|/loaded: edges|memories|edges at a hub|size of edge: /p'
	for epsilon in 1e-3 1e-4 1e-5; do
		graph_at "epsilon=$epsilon" -f "$WORK/src/test/bench/graph/ppr.sql" | grep epsilon
	done
	if [ "$edges" -le 100000 ]; then
		graph_at "edges=$edges" -f "$WORK/src/test/bench/graph/quality.sql" | grep '|'
	fi
done
"${psql[@]}" -c 'SELECT agentmem.drop_store($$graph_bench$$, true)' >/dev/null
install_clients
if [ -x "$AGENTMEM_CLIENTS/python/bin/python" ]; then
	as_user env PGHOST="$PGHOST" PGPORT="$PGPORT" PGUSER="$PGUSER" PGDATABASE=bench \
		"$AGENTMEM_CLIENTS/python/bin/python" "$WORK/src/test/bench/graph/peers.py" "${GRAPH_NODES:-1000000}" "${GRAPH_PEER_EDGES:-10000000}"
fi
