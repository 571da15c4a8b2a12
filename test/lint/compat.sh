# Only src/base/compat.h knows that PostgreSQL has versions.
grep -rnE 'PG_VERSION_NUM|PG_MAJORVERSION|CATALOG_VERSION_NO' src test/unit --include='*.[ch]' |
	grep -v '^src/base/compat\.h:'
exit 0
