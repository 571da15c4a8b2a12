# Every function, aggregate and view of the extension is in the reference.
[ -d docs/reference ] || { echo "docs/reference is missing"; exit; }
sed -nE 's/^ *CREATE (FUNCTION|PROCEDURE|AGGREGATE|VIEW) +(agentmem\.)?"?([a-z0-9_]+).*/\3/p' src/*/*.sql |
	sort -u | while read -r name; do
		grep -qw "$name" docs/reference/*.md || echo "no page of docs/reference has $name"
	done
exit 0
