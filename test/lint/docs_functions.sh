# Every function, aggregate and view of the extension is in the reference.
[ -f docs/reference.md ] || { echo "docs/reference.md is missing"; exit; }
sed -nE 's/^ *CREATE (FUNCTION|PROCEDURE|AGGREGATE|VIEW) +(agentmem\.)?"?([a-z0-9_]+).*/\3/p' src/*/*.sql |
	sort -u | while read -r name; do
		grep -qw "$name" docs/reference.md || echo "docs/reference.md does not have $name"
	done
exit 0
