-- Precision of vectors, and the measures that know of it (src/vector/README.md).

CREATE FUNCTION agentmem.quantize(agentmem.vector, integer) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_quantize';
COMMENT ON FUNCTION agentmem.quantize(agentmem.vector, integer)
	IS 'the vector in 32, 16, 8 or 1 bits a dimension';

CREATE FUNCTION agentmem.precision(agentmem.vector) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_precision';
COMMENT ON FUNCTION agentmem.precision(agentmem.vector) IS 'bits a dimension: 32, 16, 8 or 1';

CREATE FUNCTION agentmem.frqad(agentmem.vector, agentmem.vector) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200
	AS 'MODULE_PATHNAME', 'agm_fn_frqad';
COMMENT ON FUNCTION agentmem.frqad(agentmem.vector, agentmem.vector)
	IS 'Fisher-Rao distance that prefers the vector of more bits';

CREATE FUNCTION agentmem.its_score(query bit, other bit) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_its_score';
COMMENT ON FUNCTION agentmem.its_score(bit, bit)
	IS 'information shared with the query, by the query''s own, -1 to 1';
