-- vector: avg and sum (src/vector/README.md, "Aggregates").  The state is an array of
-- float8, so that it travels between processes, and between servers, without a function
-- of its own.

CREATE FUNCTION agentmem.vector_accum(double precision[], agentmem.vector) RETURNS double precision[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_accum';
COMMENT ON FUNCTION agentmem.vector_accum(double precision[], agentmem.vector)
	IS 'aggregate transition function';

CREATE FUNCTION agentmem.vector_combine(double precision[], double precision[])
	RETURNS double precision[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_combine';
COMMENT ON FUNCTION agentmem.vector_combine(double precision[], double precision[])
	IS 'aggregate combine function';

CREATE FUNCTION agentmem.vector_avg(double precision[]) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_avg';
COMMENT ON FUNCTION agentmem.vector_avg(double precision[]) IS 'aggregate final function';

CREATE AGGREGATE agentmem.avg(agentmem.vector) (
	SFUNC = agentmem.vector_accum,
	STYPE = double precision[],
	INITCOND = '{0}',
	COMBINEFUNC = agentmem.vector_combine,
	FINALFUNC = agentmem.vector_avg,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE agentmem.avg(agentmem.vector) IS 'average of each dimension';

CREATE AGGREGATE agentmem.sum(agentmem.vector) (
	SFUNC = agentmem.vector_add,
	STYPE = agentmem.vector,
	COMBINEFUNC = agentmem.vector_add,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE agentmem.sum(agentmem.vector) IS 'sum of each dimension';
