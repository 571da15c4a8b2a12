# Only *_fn.c declares functions for SQL, and each is called agm_fn_ and the SQL name.
grep -rn 'PG_FUNCTION_INFO_V1' src --include='*.[ch]' | grep -v '^src/[a-z]*/[a-z_]*_fn\.c:'
grep -rn 'PG_FUNCTION_INFO_V1' src --include='*_fn.c' | grep -v 'PG_FUNCTION_INFO_V1(agm_fn_'
exit 0
