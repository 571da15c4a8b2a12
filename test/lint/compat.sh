# Only src/base/compat.h knows that PostgreSQL has versions, and what some of them do not have.
grep -rnE 'PG_VERSION_NUM|PG_MAJORVERSION|CATALOG_VERSION_NO' src test/unit --include='*.[ch]' |
	grep -v '^src/base/compat\.h:'
# Since 18 it is pg_noreturn.
grep -rn 'pg_attribute_noreturn' src test/unit --include='*.[ch]' | grep -v '^src/base/compat\.h:'
exit 0
