-- Distances over strings of bits: pg_catalog's type bit, of any length.

CREATE FUNCTION agentmem.hamming_distance(bit, bit) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_hamming_distance';
COMMENT ON FUNCTION agentmem.hamming_distance(bit, bit) IS 'number of bits that differ';

CREATE FUNCTION agentmem.jaccard_distance(bit, bit) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_jaccard_distance';
COMMENT ON FUNCTION agentmem.jaccard_distance(bit, bit)
	IS '1 - bits set in both / bits set in either; 1 where none is set in both';

CREATE OPERATOR agentmem.<~> (
	LEFTARG = bit, RIGHTARG = bit,
	FUNCTION = agentmem.hamming_distance,
	COMMUTATOR = OPERATOR(agentmem.<~>)
);
COMMENT ON OPERATOR agentmem.<~> (bit, bit) IS 'Hamming distance';

CREATE OPERATOR agentmem.<%> (
	LEFTARG = bit, RIGHTARG = bit,
	FUNCTION = agentmem.jaccard_distance,
	COMMUTATOR = OPERATOR(agentmem.<%>)
);
COMMENT ON OPERATOR agentmem.<%> (bit, bit) IS 'Jaccard distance';
