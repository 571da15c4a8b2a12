# What the module exports carries our prefix: all modules of a server share one name space.
[ -f agentmem.so ] || { echo "agentmem.so is not built"; exit 1; }
nm -D --defined-only agentmem.so | awk '$2 ~ /[A-Z]/ { print $3 }' |
	grep -vE '^(agm_|ivfbq|pg_finfo_agm_fn_|Pg_magic_func$|_PG_init$|_init$|_fini$)' |
	sed 's/^/exported: /'
exit 0
