# No name in the install scripts that a search_path of others could bend (pgspot); docs/security.md has the one exception.
pgspot=${AGENTMEM_CLIENTS:-}/pgspot/bin/pgspot
if [ ! -x "$pgspot" ]; then
	echo "pgspot is not installed"
	exit 77
fi
cat agentmem--[0-9]*.sql contrib/*/*--*.sql | "$pgspot" --proc-without-search-path 'agentmem.maintain_all(store name,budget interval)' 2>&1 |
	grep -vE '^$|Errors: 0 Warnings: 0 Unknown: 0'
exit 0
