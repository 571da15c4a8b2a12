-- vector: arithmetic, and vectors made of vectors.  COST 10: as for a distance.

CREATE FUNCTION agentmem.l2_normalize(agentmem.vector) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_l2_normalize';
COMMENT ON FUNCTION agentmem.l2_normalize(agentmem.vector)
	IS 'the vector divided by its Euclidean length; a zero vector stays zero';

CREATE FUNCTION agentmem.subvector(agentmem.vector, integer, integer) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_subvector';
COMMENT ON FUNCTION agentmem.subvector(agentmem.vector, integer, integer)
	IS 'elements from a number on, counted from 1, and how many';

CREATE FUNCTION agentmem.binary_quantize(agentmem.vector) RETURNS bit
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_binary_quantize';
COMMENT ON FUNCTION agentmem.binary_quantize(agentmem.vector)
	IS 'a bit for each dimension, set where the value is above zero';

CREATE FUNCTION agentmem.vector_add(agentmem.vector, agentmem.vector) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_add';
COMMENT ON FUNCTION agentmem.vector_add(agentmem.vector, agentmem.vector)
	IS 'implementation of + operator';

CREATE FUNCTION agentmem.vector_sub(agentmem.vector, agentmem.vector) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_sub';
COMMENT ON FUNCTION agentmem.vector_sub(agentmem.vector, agentmem.vector)
	IS 'implementation of - operator';

CREATE FUNCTION agentmem.vector_mul(agentmem.vector, agentmem.vector) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_mul';
COMMENT ON FUNCTION agentmem.vector_mul(agentmem.vector, agentmem.vector)
	IS 'implementation of * operator';

CREATE FUNCTION agentmem.vector_concat(agentmem.vector, agentmem.vector) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_concat';
COMMENT ON FUNCTION agentmem.vector_concat(agentmem.vector, agentmem.vector)
	IS 'implementation of || operator';

CREATE OPERATOR agentmem.+ (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.vector_add,
	COMMUTATOR = OPERATOR(agentmem.+)
);
COMMENT ON OPERATOR agentmem.+ (agentmem.vector, agentmem.vector) IS 'sum of each dimension';

CREATE OPERATOR agentmem.- (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.vector_sub
);
COMMENT ON OPERATOR agentmem.- (agentmem.vector, agentmem.vector) IS 'difference of each dimension';

CREATE OPERATOR agentmem.* (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.vector_mul,
	COMMUTATOR = OPERATOR(agentmem.*)
);
COMMENT ON OPERATOR agentmem.* (agentmem.vector, agentmem.vector) IS 'product of each dimension';

CREATE OPERATOR agentmem.|| (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.vector_concat
);
COMMENT ON OPERATOR agentmem.|| (agentmem.vector, agentmem.vector) IS 'the elements of both';
