# Only src/base/compat.h knows that PostgreSQL has versions, and what some of them do not have.
grep -rnE 'PG_VERSION_NUM|PG_MAJORVERSION|CATALOG_VERSION_NO' src test/unit --include='*.[ch]' |
	grep -v '^src/base/compat\.h:'
# Since 18 it is pg_noreturn.
grep -rn 'pg_attribute_noreturn' src test/unit --include='*.[ch]' | grep -v '^src/base/compat\.h:'
# Since 19 these take more, are called otherwise, or are gone.
grep -rnE '\b(bits8|pushJsonbValue|table_beginscan|table_beginscan_parallel|table_index_fetch_begin|index_beginscan)\b' \
	src test/unit --include='*.[ch]' | grep -v '^src/base/compat\.h:'
# Since 19 a descriptor made by hand crashes the server if nobody has said that it is complete.
grep -rlw 'CreateTemplateTupleDesc' src test/unit --include='*.[ch]' | while IFS= read -r file; do
	grep -qw agm_tupdesc_finish "$file" || echo "$file: CreateTemplateTupleDesc without agm_tupdesc_finish"
done
exit 0
