-- halfvec: the type of 16-bit floats, its casts, operators and aggregates
-- (src/vector/README.md).  Names, argument types and the strength of each cast are pgvector's.

CREATE TYPE agentmem.halfvec;

CREATE FUNCTION agentmem.halfvec_in(cstring, oid, integer) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_in';
COMMENT ON FUNCTION agentmem.halfvec_in(cstring, oid, integer) IS 'I/O';

CREATE FUNCTION agentmem.halfvec_out(agentmem.halfvec) RETURNS cstring
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_out';
COMMENT ON FUNCTION agentmem.halfvec_out(agentmem.halfvec) IS 'I/O';

CREATE FUNCTION agentmem.halfvec_typmod_in(cstring[]) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_typmod_in';
COMMENT ON FUNCTION agentmem.halfvec_typmod_in(cstring[]) IS 'I/O typmod';

CREATE FUNCTION agentmem.halfvec_recv(internal, oid, integer) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_recv';
COMMENT ON FUNCTION agentmem.halfvec_recv(internal, oid, integer) IS 'I/O';

CREATE FUNCTION agentmem.halfvec_send(agentmem.halfvec) RETURNS bytea
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_send';
COMMENT ON FUNCTION agentmem.halfvec_send(agentmem.halfvec) IS 'I/O';

-- External: floats do not compress, so the attempt would only cost time.
CREATE TYPE agentmem.halfvec (
	INPUT = agentmem.halfvec_in,
	OUTPUT = agentmem.halfvec_out,
	TYPMOD_IN = agentmem.halfvec_typmod_in,
	RECEIVE = agentmem.halfvec_recv,
	SEND = agentmem.halfvec_send,
	STORAGE = external
);
COMMENT ON TYPE agentmem.halfvec IS 'half-precision vector of 1 to 16000 dimensions';

-- Casts.  The third argument, whether the cast is explicit, makes no difference here.

CREATE FUNCTION agentmem.halfvec(agentmem.halfvec, integer, boolean) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec';
COMMENT ON FUNCTION agentmem.halfvec(agentmem.halfvec, integer, boolean)
	IS 'check a halfvec against its type modifier';

CREATE FUNCTION agentmem.halfvec_to_vector(agentmem.halfvec, integer, boolean)
	RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_to_vector';
COMMENT ON FUNCTION agentmem.halfvec_to_vector(agentmem.halfvec, integer, boolean)
	IS 'convert halfvec to vector';

CREATE FUNCTION agentmem.vector_to_halfvec(agentmem.vector, integer, boolean)
	RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_to_halfvec';
COMMENT ON FUNCTION agentmem.vector_to_halfvec(agentmem.vector, integer, boolean)
	IS 'convert vector to halfvec';

CREATE FUNCTION agentmem.array_to_halfvec(integer[], integer, boolean) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_array_to_halfvec';
COMMENT ON FUNCTION agentmem.array_to_halfvec(integer[], integer, boolean)
	IS 'convert integer array to halfvec';

CREATE FUNCTION agentmem.array_to_halfvec(real[], integer, boolean) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_array_to_halfvec';
COMMENT ON FUNCTION agentmem.array_to_halfvec(real[], integer, boolean)
	IS 'convert real array to halfvec';

CREATE FUNCTION agentmem.array_to_halfvec(double precision[], integer, boolean)
	RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_array_to_halfvec';
COMMENT ON FUNCTION agentmem.array_to_halfvec(double precision[], integer, boolean)
	IS 'convert double precision array to halfvec';

CREATE FUNCTION agentmem.array_to_halfvec(numeric[], integer, boolean) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000
	AS 'MODULE_PATHNAME', 'agm_fn_array_to_halfvec';
COMMENT ON FUNCTION agentmem.array_to_halfvec(numeric[], integer, boolean)
	IS 'convert numeric array to halfvec';

CREATE FUNCTION agentmem.halfvec_to_float4(agentmem.halfvec, integer, boolean) RETURNS real[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_to_float4';
COMMENT ON FUNCTION agentmem.halfvec_to_float4(agentmem.halfvec, integer, boolean)
	IS 'convert halfvec to real array';

CREATE FUNCTION agentmem.halfvec_to_float8(agentmem.halfvec) RETURNS double precision[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_to_float8';
COMMENT ON FUNCTION agentmem.halfvec_to_float8(agentmem.halfvec)
	IS 'convert halfvec to double precision array';

CREATE FUNCTION agentmem.halfvec_to_int4(agentmem.halfvec) RETURNS integer[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_to_int4';
COMMENT ON FUNCTION agentmem.halfvec_to_int4(agentmem.halfvec)
	IS 'convert halfvec to integer array';

CREATE FUNCTION agentmem.halfvec_to_numeric(agentmem.halfvec) RETURNS numeric[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_to_numeric';
COMMENT ON FUNCTION agentmem.halfvec_to_numeric(agentmem.halfvec)
	IS 'convert halfvec to numeric array';

CREATE CAST (agentmem.halfvec AS agentmem.halfvec)
	WITH FUNCTION agentmem.halfvec(agentmem.halfvec, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (agentmem.halfvec AS agentmem.halfvec) IS 'check the number of dimensions';

CREATE CAST (agentmem.halfvec AS agentmem.vector)
	WITH FUNCTION agentmem.halfvec_to_vector(agentmem.halfvec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (agentmem.halfvec AS agentmem.vector) IS 'the same values in single precision';

CREATE CAST (agentmem.vector AS agentmem.halfvec)
	WITH FUNCTION agentmem.vector_to_halfvec(agentmem.vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (agentmem.vector AS agentmem.halfvec) IS 'the values, rounded to half precision';

CREATE CAST (agentmem.halfvec AS real[])
	WITH FUNCTION agentmem.halfvec_to_float4(agentmem.halfvec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (agentmem.halfvec AS real[]) IS 'the values as an array';

CREATE CAST (agentmem.halfvec AS double precision[])
	WITH FUNCTION agentmem.halfvec_to_float8(agentmem.halfvec);
COMMENT ON CAST (agentmem.halfvec AS double precision[]) IS 'the values, exactly';

CREATE CAST (agentmem.halfvec AS integer[])
	WITH FUNCTION agentmem.halfvec_to_int4(agentmem.halfvec);
COMMENT ON CAST (agentmem.halfvec AS integer[]) IS 'the values, rounded';

CREATE CAST (agentmem.halfvec AS numeric[])
	WITH FUNCTION agentmem.halfvec_to_numeric(agentmem.halfvec);
COMMENT ON CAST (agentmem.halfvec AS numeric[]) IS 'the digits of the text form';

CREATE CAST (integer[] AS agentmem.halfvec)
	WITH FUNCTION agentmem.array_to_halfvec(integer[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (integer[] AS agentmem.halfvec) IS 'the elements, rounded to half precision';

CREATE CAST (real[] AS agentmem.halfvec)
	WITH FUNCTION agentmem.array_to_halfvec(real[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (real[] AS agentmem.halfvec) IS 'the elements, rounded to half precision';

CREATE CAST (double precision[] AS agentmem.halfvec)
	WITH FUNCTION agentmem.array_to_halfvec(double precision[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (double precision[] AS agentmem.halfvec) IS 'the elements, rounded to half precision';

CREATE CAST (numeric[] AS agentmem.halfvec)
	WITH FUNCTION agentmem.array_to_halfvec(numeric[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (numeric[] AS agentmem.halfvec) IS 'the elements, rounded to half precision';

-- Measures.  COST as for vectors.

CREATE FUNCTION agentmem.l2_distance(agentmem.halfvec, agentmem.halfvec) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_l2_distance';
COMMENT ON FUNCTION agentmem.l2_distance(agentmem.halfvec, agentmem.halfvec)
	IS 'Euclidean distance';

CREATE FUNCTION agentmem.inner_product(agentmem.halfvec, agentmem.halfvec) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_inner_product';
COMMENT ON FUNCTION agentmem.inner_product(agentmem.halfvec, agentmem.halfvec) IS 'inner product';

CREATE FUNCTION agentmem.cosine_distance(agentmem.halfvec, agentmem.halfvec)
	RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_cosine_distance';
COMMENT ON FUNCTION agentmem.cosine_distance(agentmem.halfvec, agentmem.halfvec)
	IS 'cosine distance, 0 to 2; NaN for a zero vector';

CREATE FUNCTION agentmem.l1_distance(agentmem.halfvec, agentmem.halfvec) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_l1_distance';
COMMENT ON FUNCTION agentmem.l1_distance(agentmem.halfvec, agentmem.halfvec) IS 'taxicab distance';

CREATE FUNCTION agentmem.halfvec_negative_inner_product(agentmem.halfvec, agentmem.halfvec)
	RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_negative_inner_product';
COMMENT ON FUNCTION agentmem.halfvec_negative_inner_product(agentmem.halfvec, agentmem.halfvec)
	IS 'negative inner product: the smaller, the more alike';

CREATE FUNCTION agentmem.halfvec_l2_squared_distance(agentmem.halfvec, agentmem.halfvec)
	RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_l2_squared_distance';
COMMENT ON FUNCTION agentmem.halfvec_l2_squared_distance(agentmem.halfvec, agentmem.halfvec)
	IS 'squared Euclidean distance';

CREATE FUNCTION agentmem.halfvec_spherical_distance(agentmem.halfvec, agentmem.halfvec)
	RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_spherical_distance';
COMMENT ON FUNCTION agentmem.halfvec_spherical_distance(agentmem.halfvec, agentmem.halfvec)
	IS 'angle between unit vectors, 0 to 1';

CREATE FUNCTION agentmem.vector_dims(agentmem.halfvec) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_vector_dims';
COMMENT ON FUNCTION agentmem.vector_dims(agentmem.halfvec) IS 'number of dimensions';

CREATE FUNCTION agentmem.l2_norm(agentmem.halfvec) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_l2_norm';
COMMENT ON FUNCTION agentmem.l2_norm(agentmem.halfvec) IS 'Euclidean length';

-- Arithmetic.

CREATE FUNCTION agentmem.halfvec_add(agentmem.halfvec, agentmem.halfvec) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_add';
COMMENT ON FUNCTION agentmem.halfvec_add(agentmem.halfvec, agentmem.halfvec)
	IS 'sum of each two values';

CREATE FUNCTION agentmem.halfvec_sub(agentmem.halfvec, agentmem.halfvec) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_sub';
COMMENT ON FUNCTION agentmem.halfvec_sub(agentmem.halfvec, agentmem.halfvec)
	IS 'difference of each two values';

CREATE FUNCTION agentmem.halfvec_mul(agentmem.halfvec, agentmem.halfvec) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_mul';
COMMENT ON FUNCTION agentmem.halfvec_mul(agentmem.halfvec, agentmem.halfvec)
	IS 'product of each two values';

CREATE FUNCTION agentmem.halfvec_concat(agentmem.halfvec, agentmem.halfvec) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_concat';
COMMENT ON FUNCTION agentmem.halfvec_concat(agentmem.halfvec, agentmem.halfvec)
	IS 'the values of both, one after the other';

CREATE FUNCTION agentmem.l2_normalize(agentmem.halfvec) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_l2_normalize';
COMMENT ON FUNCTION agentmem.l2_normalize(agentmem.halfvec) IS 'the same direction with length 1';

CREATE FUNCTION agentmem.binary_quantize(agentmem.halfvec) RETURNS bit
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_binary_quantize';
COMMENT ON FUNCTION agentmem.binary_quantize(agentmem.halfvec)
	IS 'a bit a dimension: whether the value is above zero';

CREATE FUNCTION agentmem.subvector(agentmem.halfvec, integer, integer) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_subvector';
COMMENT ON FUNCTION agentmem.subvector(agentmem.halfvec, integer, integer)
	IS 'part of a halfvec: first dimension (from 1) and how many';

-- Comparison: by the first values that differ, then by the number of dimensions.

CREATE FUNCTION agentmem.halfvec_lt(agentmem.halfvec, agentmem.halfvec) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_lt';
COMMENT ON FUNCTION agentmem.halfvec_lt(agentmem.halfvec, agentmem.halfvec) IS 'less than';

CREATE FUNCTION agentmem.halfvec_le(agentmem.halfvec, agentmem.halfvec) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_le';
COMMENT ON FUNCTION agentmem.halfvec_le(agentmem.halfvec, agentmem.halfvec) IS 'less than or equal';

CREATE FUNCTION agentmem.halfvec_eq(agentmem.halfvec, agentmem.halfvec) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_eq';
COMMENT ON FUNCTION agentmem.halfvec_eq(agentmem.halfvec, agentmem.halfvec) IS 'equal';

CREATE FUNCTION agentmem.halfvec_ne(agentmem.halfvec, agentmem.halfvec) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_ne';
COMMENT ON FUNCTION agentmem.halfvec_ne(agentmem.halfvec, agentmem.halfvec) IS 'not equal';

CREATE FUNCTION agentmem.halfvec_ge(agentmem.halfvec, agentmem.halfvec) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_ge';
COMMENT ON FUNCTION agentmem.halfvec_ge(agentmem.halfvec, agentmem.halfvec)
	IS 'greater than or equal';

CREATE FUNCTION agentmem.halfvec_gt(agentmem.halfvec, agentmem.halfvec) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_gt';
COMMENT ON FUNCTION agentmem.halfvec_gt(agentmem.halfvec, agentmem.halfvec) IS 'greater than';

CREATE FUNCTION agentmem.halfvec_cmp(agentmem.halfvec, agentmem.halfvec) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_cmp';
COMMENT ON FUNCTION agentmem.halfvec_cmp(agentmem.halfvec, agentmem.halfvec)
	IS 'less, equal, greater: -1, 0, 1';

CREATE FUNCTION agentmem.halfvec_hash(agentmem.halfvec) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_hash';
COMMENT ON FUNCTION agentmem.halfvec_hash(agentmem.halfvec) IS 'hash';

CREATE FUNCTION agentmem.halfvec_hash_extended(agentmem.halfvec, bigint) RETURNS bigint
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_hash_extended';
COMMENT ON FUNCTION agentmem.halfvec_hash_extended(agentmem.halfvec, bigint) IS 'hash with a seed';

-- No RESTRICT or JOIN where the operator does not return boolean.

CREATE OPERATOR agentmem.<-> (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.l2_distance,
	COMMUTATOR = OPERATOR(agentmem.<->)
);
COMMENT ON OPERATOR agentmem.<-> (agentmem.halfvec, agentmem.halfvec) IS 'Euclidean distance';

CREATE OPERATOR agentmem.<#> (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.halfvec_negative_inner_product,
	COMMUTATOR = OPERATOR(agentmem.<#>)
);
COMMENT ON OPERATOR agentmem.<#> (agentmem.halfvec, agentmem.halfvec) IS 'negative inner product';

CREATE OPERATOR agentmem.<=> (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.cosine_distance,
	COMMUTATOR = OPERATOR(agentmem.<=>)
);
COMMENT ON OPERATOR agentmem.<=> (agentmem.halfvec, agentmem.halfvec) IS 'cosine distance';

CREATE OPERATOR agentmem.<+> (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.l1_distance,
	COMMUTATOR = OPERATOR(agentmem.<+>)
);
COMMENT ON OPERATOR agentmem.<+> (agentmem.halfvec, agentmem.halfvec) IS 'taxicab distance';

CREATE OPERATOR agentmem.+ (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.halfvec_add,
	COMMUTATOR = OPERATOR(agentmem.+)
);
COMMENT ON OPERATOR agentmem.+ (agentmem.halfvec, agentmem.halfvec) IS 'add';

CREATE OPERATOR agentmem.- (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.halfvec_sub
);
COMMENT ON OPERATOR agentmem.- (agentmem.halfvec, agentmem.halfvec) IS 'subtract';

CREATE OPERATOR agentmem.* (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.halfvec_mul,
	COMMUTATOR = OPERATOR(agentmem.*)
);
COMMENT ON OPERATOR agentmem.* (agentmem.halfvec, agentmem.halfvec) IS 'multiply';

CREATE OPERATOR agentmem.|| (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.halfvec_concat
);
COMMENT ON OPERATOR agentmem.|| (agentmem.halfvec, agentmem.halfvec) IS 'concatenate';

CREATE OPERATOR agentmem.< (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.halfvec_lt,
	COMMUTATOR = OPERATOR(agentmem.>), NEGATOR = OPERATOR(agentmem.>=),
	RESTRICT = pg_catalog.scalarltsel, JOIN = pg_catalog.scalarltjoinsel
);
COMMENT ON OPERATOR agentmem.< (agentmem.halfvec, agentmem.halfvec) IS 'less than';

CREATE OPERATOR agentmem.<= (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.halfvec_le,
	COMMUTATOR = OPERATOR(agentmem.>=), NEGATOR = OPERATOR(agentmem.>),
	RESTRICT = pg_catalog.scalarlesel, JOIN = pg_catalog.scalarlejoinsel
);
COMMENT ON OPERATOR agentmem.<= (agentmem.halfvec, agentmem.halfvec) IS 'less than or equal';

CREATE OPERATOR agentmem.= (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.halfvec_eq,
	COMMUTATOR = OPERATOR(agentmem.=), NEGATOR = OPERATOR(agentmem.<>),
	RESTRICT = pg_catalog.eqsel, JOIN = pg_catalog.eqjoinsel,
	HASHES, MERGES
);
COMMENT ON OPERATOR agentmem.= (agentmem.halfvec, agentmem.halfvec) IS 'equal';

CREATE OPERATOR agentmem.<> (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.halfvec_ne,
	COMMUTATOR = OPERATOR(agentmem.<>), NEGATOR = OPERATOR(agentmem.=),
	RESTRICT = pg_catalog.neqsel, JOIN = pg_catalog.neqjoinsel
);
COMMENT ON OPERATOR agentmem.<> (agentmem.halfvec, agentmem.halfvec) IS 'not equal';

CREATE OPERATOR agentmem.>= (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.halfvec_ge,
	COMMUTATOR = OPERATOR(agentmem.<=), NEGATOR = OPERATOR(agentmem.<),
	RESTRICT = pg_catalog.scalargesel, JOIN = pg_catalog.scalargejoinsel
);
COMMENT ON OPERATOR agentmem.>= (agentmem.halfvec, agentmem.halfvec) IS 'greater than or equal';

CREATE OPERATOR agentmem.> (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec,
	FUNCTION = agentmem.halfvec_gt,
	COMMUTATOR = OPERATOR(agentmem.<), NEGATOR = OPERATOR(agentmem.<=),
	RESTRICT = pg_catalog.scalargtsel, JOIN = pg_catalog.scalargtjoinsel
);
COMMENT ON OPERATOR agentmem.> (agentmem.halfvec, agentmem.halfvec) IS 'greater than';

CREATE OPERATOR CLASS agentmem.halfvec_ops
	DEFAULT FOR TYPE agentmem.halfvec USING btree AS
	OPERATOR 1 agentmem.<,
	OPERATOR 2 agentmem.<=,
	OPERATOR 3 agentmem.=,
	OPERATOR 4 agentmem.>=,
	OPERATOR 5 agentmem.>,
	FUNCTION 1 agentmem.halfvec_cmp(agentmem.halfvec, agentmem.halfvec);
COMMENT ON OPERATOR CLASS agentmem.halfvec_ops USING btree IS 'halfvecs in the order of their values';
COMMENT ON OPERATOR FAMILY agentmem.halfvec_ops USING btree IS 'halfvecs in the order of their values';

CREATE OPERATOR CLASS agentmem.halfvec_ops
	DEFAULT FOR TYPE agentmem.halfvec USING hash AS
	OPERATOR 1 agentmem.=,
	FUNCTION 1 agentmem.halfvec_hash(agentmem.halfvec),
	FUNCTION 2 agentmem.halfvec_hash_extended(agentmem.halfvec, bigint);
COMMENT ON OPERATOR CLASS agentmem.halfvec_ops USING hash IS 'equality of halfvecs';
COMMENT ON OPERATOR FAMILY agentmem.halfvec_ops USING hash IS 'equality of halfvecs';

-- Aggregates.  The state of avg() is that of vectors (aggregate.sql).

CREATE FUNCTION agentmem.halfvec_accum(double precision[], agentmem.halfvec)
	RETURNS double precision[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_accum';
COMMENT ON FUNCTION agentmem.halfvec_accum(double precision[], agentmem.halfvec)
	IS 'aggregate transition function';

CREATE FUNCTION agentmem.halfvec_combine(double precision[], double precision[])
	RETURNS double precision[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_combine';
COMMENT ON FUNCTION agentmem.halfvec_combine(double precision[], double precision[])
	IS 'aggregate combine function';

CREATE FUNCTION agentmem.halfvec_avg(double precision[]) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_avg';
COMMENT ON FUNCTION agentmem.halfvec_avg(double precision[]) IS 'aggregate final function';

CREATE AGGREGATE agentmem.avg(agentmem.halfvec) (
	SFUNC = agentmem.halfvec_accum,
	STYPE = double precision[],
	INITCOND = '{0}',
	COMBINEFUNC = agentmem.halfvec_combine,
	FINALFUNC = agentmem.halfvec_avg,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE agentmem.avg(agentmem.halfvec) IS 'average of each dimension';

CREATE AGGREGATE agentmem.sum(agentmem.halfvec) (
	SFUNC = agentmem.halfvec_add,
	STYPE = agentmem.halfvec,
	COMBINEFUNC = agentmem.halfvec_add,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE agentmem.sum(agentmem.halfvec) IS 'sum of each dimension';
