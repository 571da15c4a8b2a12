# shellcheck shell=bash
# Tables that grow under a session, and namespaces of very different size: times to look at.
"${psql[@]}" -At -c 'CREATE EXTENSION IF NOT EXISTS agentmem' 2>/dev/null
for file in growth skew; do
	"${psql[@]}" -At -f "$WORK/src/test/bench/skew/$file.sql" | grep -E '^(growth|skew|Time)'
done
