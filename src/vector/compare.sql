-- vector: comparison (src/vector/README.md, "Comparison").  The default classes of btree and
-- hash are what ORDER BY, DISTINCT, GROUP BY, joins and IN go by.

CREATE FUNCTION agentmem.vector_lt(agentmem.vector, agentmem.vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_lt';
COMMENT ON FUNCTION agentmem.vector_lt(agentmem.vector, agentmem.vector)
	IS 'implementation of < operator';

CREATE FUNCTION agentmem.vector_le(agentmem.vector, agentmem.vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_le';
COMMENT ON FUNCTION agentmem.vector_le(agentmem.vector, agentmem.vector)
	IS 'implementation of <= operator';

CREATE FUNCTION agentmem.vector_eq(agentmem.vector, agentmem.vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_eq';
COMMENT ON FUNCTION agentmem.vector_eq(agentmem.vector, agentmem.vector)
	IS 'implementation of = operator';

CREATE FUNCTION agentmem.vector_ne(agentmem.vector, agentmem.vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_ne';
COMMENT ON FUNCTION agentmem.vector_ne(agentmem.vector, agentmem.vector)
	IS 'implementation of <> operator';

CREATE FUNCTION agentmem.vector_ge(agentmem.vector, agentmem.vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_ge';
COMMENT ON FUNCTION agentmem.vector_ge(agentmem.vector, agentmem.vector)
	IS 'implementation of >= operator';

CREATE FUNCTION agentmem.vector_gt(agentmem.vector, agentmem.vector) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_gt';
COMMENT ON FUNCTION agentmem.vector_gt(agentmem.vector, agentmem.vector)
	IS 'implementation of > operator';

CREATE FUNCTION agentmem.vector_cmp(agentmem.vector, agentmem.vector) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_cmp';
COMMENT ON FUNCTION agentmem.vector_cmp(agentmem.vector, agentmem.vector) IS 'less-equal-greater';

CREATE FUNCTION agentmem.vector_hash(agentmem.vector) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_hash';
COMMENT ON FUNCTION agentmem.vector_hash(agentmem.vector) IS 'hash';

CREATE FUNCTION agentmem.vector_hash_extended(agentmem.vector, bigint) RETURNS bigint
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_hash_extended';
COMMENT ON FUNCTION agentmem.vector_hash_extended(agentmem.vector, bigint) IS 'hash with a seed';

CREATE OPERATOR agentmem.< (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.vector_lt,
	COMMUTATOR = OPERATOR(agentmem.>), NEGATOR = OPERATOR(agentmem.>=),
	RESTRICT = pg_catalog.scalarltsel, JOIN = pg_catalog.scalarltjoinsel
);
COMMENT ON OPERATOR agentmem.< (agentmem.vector, agentmem.vector) IS 'less than';

CREATE OPERATOR agentmem.<= (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.vector_le,
	COMMUTATOR = OPERATOR(agentmem.>=), NEGATOR = OPERATOR(agentmem.>),
	RESTRICT = pg_catalog.scalarlesel, JOIN = pg_catalog.scalarlejoinsel
);
COMMENT ON OPERATOR agentmem.<= (agentmem.vector, agentmem.vector) IS 'less than or equal';

CREATE OPERATOR agentmem.= (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.vector_eq,
	COMMUTATOR = OPERATOR(agentmem.=), NEGATOR = OPERATOR(agentmem.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel,
	HASHES, MERGES
);
COMMENT ON OPERATOR agentmem.= (agentmem.vector, agentmem.vector) IS 'equal';

CREATE OPERATOR agentmem.<> (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.vector_ne,
	COMMUTATOR = OPERATOR(agentmem.<>), NEGATOR = OPERATOR(agentmem.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR agentmem.<> (agentmem.vector, agentmem.vector) IS 'not equal';

CREATE OPERATOR agentmem.>= (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.vector_ge,
	COMMUTATOR = OPERATOR(agentmem.<=), NEGATOR = OPERATOR(agentmem.<),
	RESTRICT = pg_catalog.scalargesel, JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR agentmem.>= (agentmem.vector, agentmem.vector) IS 'greater than or equal';

CREATE OPERATOR agentmem.> (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.vector_gt,
	COMMUTATOR = OPERATOR(agentmem.<), NEGATOR = OPERATOR(agentmem.<=),
	RESTRICT = pg_catalog.scalargtsel, JOIN = pg_catalog.scalargtjoinsel
);
COMMENT ON OPERATOR agentmem.> (agentmem.vector, agentmem.vector) IS 'greater than';

CREATE OPERATOR CLASS agentmem.vector_ops
	DEFAULT FOR TYPE agentmem.vector USING btree AS
	OPERATOR 1 agentmem.<,
	OPERATOR 2 agentmem.<=,
	OPERATOR 3 agentmem.=,
	OPERATOR 4 agentmem.>=,
	OPERATOR 5 agentmem.>,
	FUNCTION 1 agentmem.vector_cmp(agentmem.vector, agentmem.vector);
COMMENT ON OPERATOR CLASS agentmem.vector_ops USING btree IS 'vectors in the order of their values';
COMMENT ON OPERATOR FAMILY agentmem.vector_ops USING btree IS 'vectors in the order of their values';

CREATE OPERATOR CLASS agentmem.vector_ops
	DEFAULT FOR TYPE agentmem.vector USING hash AS
	OPERATOR 1 agentmem.=,
	FUNCTION 1 agentmem.vector_hash(agentmem.vector),
	FUNCTION 2 agentmem.vector_hash_extended(agentmem.vector, bigint);
COMMENT ON OPERATOR CLASS agentmem.vector_ops USING hash IS 'equality of vectors';
COMMENT ON OPERATOR FAMILY agentmem.vector_ops USING hash IS 'equality of vectors';
