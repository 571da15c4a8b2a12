-- ivfbq: maintenance that is not VACUUM's.

CREATE FUNCTION agentmem.ivfbq_scrub(index regclass, tids tid[]) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'agm_fn_ivfbq_scrub';
COMMENT ON FUNCTION agentmem.ivfbq_scrub(regclass, tid[]) IS
	'Zeroes all that an ivfbq index has of rows that are deleted and that no transaction can see any more; returns how many entries that were';
