-- vector: the type, its casts and distances (src/vector/README.md).  Names, argument
-- types and the strength of each cast are pgvector's.

CREATE TYPE agentmem.vector;

CREATE FUNCTION agentmem.vector_in(cstring, oid, integer) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
	AS 'MODULE_PATHNAME', 'agm_fn_vector_in';
COMMENT ON FUNCTION agentmem.vector_in(cstring, oid, integer) IS 'I/O';

CREATE FUNCTION agentmem.vector_out(agentmem.vector) RETURNS cstring
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100
	AS 'MODULE_PATHNAME', 'agm_fn_vector_out';
COMMENT ON FUNCTION agentmem.vector_out(agentmem.vector) IS 'I/O';

CREATE FUNCTION agentmem.vector_typmod_in(cstring[]) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_vector_typmod_in';
COMMENT ON FUNCTION agentmem.vector_typmod_in(cstring[]) IS 'I/O typmod';

CREATE FUNCTION agentmem.vector_recv(internal, oid, integer) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_recv';
COMMENT ON FUNCTION agentmem.vector_recv(internal, oid, integer) IS 'I/O';

CREATE FUNCTION agentmem.vector_send(agentmem.vector) RETURNS bytea
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_send';
COMMENT ON FUNCTION agentmem.vector_send(agentmem.vector) IS 'I/O';

-- External: floats do not compress, so the attempt would only cost time.
CREATE TYPE agentmem.vector (
	INPUT = agentmem.vector_in,
	OUTPUT = agentmem.vector_out,
	TYPMOD_IN = agentmem.vector_typmod_in,
	RECEIVE = agentmem.vector_recv,
	SEND = agentmem.vector_send,
	STORAGE = external
);
COMMENT ON TYPE agentmem.vector IS 'single-precision vector of 1 to 16000 dimensions';

-- Casts.  The third argument, whether the cast is explicit, makes no difference here.

CREATE FUNCTION agentmem.vector(agentmem.vector, integer, boolean) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_vector';
COMMENT ON FUNCTION agentmem.vector(agentmem.vector, integer, boolean)
	IS 'check a vector against its type modifier';

CREATE FUNCTION agentmem.array_to_vector(integer[], integer, boolean) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_array_to_vector';
COMMENT ON FUNCTION agentmem.array_to_vector(integer[], integer, boolean)
	IS 'convert integer array to vector';

CREATE FUNCTION agentmem.array_to_vector(real[], integer, boolean) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_array_to_vector';
COMMENT ON FUNCTION agentmem.array_to_vector(real[], integer, boolean)
	IS 'convert real array to vector';

CREATE FUNCTION agentmem.array_to_vector(double precision[], integer, boolean) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_array_to_vector';
COMMENT ON FUNCTION agentmem.array_to_vector(double precision[], integer, boolean)
	IS 'convert double precision array to vector';

CREATE FUNCTION agentmem.array_to_vector(numeric[], integer, boolean) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000
	AS 'MODULE_PATHNAME', 'agm_fn_array_to_vector';
COMMENT ON FUNCTION agentmem.array_to_vector(numeric[], integer, boolean)
	IS 'convert numeric array to vector';

CREATE FUNCTION agentmem.vector_to_float4(agentmem.vector, integer, boolean) RETURNS real[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_to_float4';
COMMENT ON FUNCTION agentmem.vector_to_float4(agentmem.vector, integer, boolean)
	IS 'convert vector to real array';

-- To arrays of other numbers: explicit, so that they decide nothing where one is not written.

CREATE FUNCTION agentmem.vector_to_float8(agentmem.vector) RETURNS double precision[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_to_float8';
COMMENT ON FUNCTION agentmem.vector_to_float8(agentmem.vector)
	IS 'convert vector to double precision array';

CREATE FUNCTION agentmem.vector_to_int4(agentmem.vector) RETURNS integer[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_to_int4';
COMMENT ON FUNCTION agentmem.vector_to_int4(agentmem.vector)
	IS 'convert vector to integer array';

CREATE FUNCTION agentmem.vector_to_numeric(agentmem.vector) RETURNS numeric[]
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000
	AS 'MODULE_PATHNAME', 'agm_fn_vector_to_numeric';
COMMENT ON FUNCTION agentmem.vector_to_numeric(agentmem.vector)
	IS 'convert vector to numeric array';

CREATE CAST (agentmem.vector AS agentmem.vector)
	WITH FUNCTION agentmem.vector(agentmem.vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (agentmem.vector AS agentmem.vector) IS 'check the number of dimensions';

CREATE CAST (agentmem.vector AS real[])
	WITH FUNCTION agentmem.vector_to_float4(agentmem.vector, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (agentmem.vector AS real[]) IS 'the values as an array';

CREATE CAST (agentmem.vector AS double precision[])
	WITH FUNCTION agentmem.vector_to_float8(agentmem.vector);
COMMENT ON CAST (agentmem.vector AS double precision[]) IS 'the values, exactly';

CREATE CAST (agentmem.vector AS integer[])
	WITH FUNCTION agentmem.vector_to_int4(agentmem.vector);
COMMENT ON CAST (agentmem.vector AS integer[]) IS 'the values, rounded';

CREATE CAST (agentmem.vector AS numeric[])
	WITH FUNCTION agentmem.vector_to_numeric(agentmem.vector);
COMMENT ON CAST (agentmem.vector AS numeric[]) IS 'the digits of the text form';

CREATE CAST (integer[] AS agentmem.vector)
	WITH FUNCTION agentmem.array_to_vector(integer[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (integer[] AS agentmem.vector) IS 'the elements, rounded to real';

CREATE CAST (real[] AS agentmem.vector)
	WITH FUNCTION agentmem.array_to_vector(real[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (real[] AS agentmem.vector) IS 'the elements, none of them null, NaN or infinite';

CREATE CAST (double precision[] AS agentmem.vector)
	WITH FUNCTION agentmem.array_to_vector(double precision[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (double precision[] AS agentmem.vector) IS 'the elements, rounded to real';

CREATE CAST (numeric[] AS agentmem.vector)
	WITH FUNCTION agentmem.array_to_vector(numeric[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (numeric[] AS agentmem.vector) IS 'the elements, rounded to real';

-- Measures.  COST 10: a distance of a few hundred dimensions takes about ten times as
-- long as comparing two integers.

CREATE FUNCTION agentmem.l2_distance(agentmem.vector, agentmem.vector) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_l2_distance';
COMMENT ON FUNCTION agentmem.l2_distance(agentmem.vector, agentmem.vector)
	IS 'Euclidean distance';

CREATE FUNCTION agentmem.inner_product(agentmem.vector, agentmem.vector) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_inner_product';
COMMENT ON FUNCTION agentmem.inner_product(agentmem.vector, agentmem.vector)
	IS 'inner product';

CREATE FUNCTION agentmem.vector_negative_inner_product(agentmem.vector, agentmem.vector)
	RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_negative_inner_product';
COMMENT ON FUNCTION agentmem.vector_negative_inner_product(agentmem.vector, agentmem.vector)
	IS 'negative inner product: the smaller, the more alike';

CREATE FUNCTION agentmem.cosine_distance(agentmem.vector, agentmem.vector) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_cosine_distance';
COMMENT ON FUNCTION agentmem.cosine_distance(agentmem.vector, agentmem.vector)
	IS 'cosine distance, 0 to 2; NaN for a zero vector';

CREATE FUNCTION agentmem.l1_distance(agentmem.vector, agentmem.vector) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_l1_distance';
COMMENT ON FUNCTION agentmem.l1_distance(agentmem.vector, agentmem.vector) IS 'taxicab distance';

CREATE FUNCTION agentmem.vector_l2_squared_distance(agentmem.vector, agentmem.vector)
	RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_l2_squared_distance';
COMMENT ON FUNCTION agentmem.vector_l2_squared_distance(agentmem.vector, agentmem.vector)
	IS 'squared Euclidean distance';

CREATE FUNCTION agentmem.vector_spherical_distance(agentmem.vector, agentmem.vector)
	RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_spherical_distance';
COMMENT ON FUNCTION agentmem.vector_spherical_distance(agentmem.vector, agentmem.vector)
	IS 'angle of two vectors of length 1, as a share of a half turn';

CREATE FUNCTION agentmem.vector_dims(agentmem.vector) RETURNS integer
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_vector_dims';
COMMENT ON FUNCTION agentmem.vector_dims(agentmem.vector) IS 'number of dimensions';

CREATE FUNCTION agentmem.vector_norm(agentmem.vector) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_norm';
COMMENT ON FUNCTION agentmem.vector_norm(agentmem.vector) IS 'Euclidean length';

-- Not in pgvector, where the name is ambiguous for a vector: without it here, the call would go to
-- halfvec's, through a cast that rounds each value.
CREATE FUNCTION agentmem.l2_norm(agentmem.vector) RETURNS double precision
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'agm_fn_vector_norm';
COMMENT ON FUNCTION agentmem.l2_norm(agentmem.vector) IS 'Euclidean length, by its name for halfvec';

-- No RESTRICT or JOIN: they are for operators that return boolean.

CREATE OPERATOR agentmem.<-> (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.l2_distance,
	COMMUTATOR = OPERATOR(agentmem.<->)
);
COMMENT ON OPERATOR agentmem.<-> (agentmem.vector, agentmem.vector) IS 'Euclidean distance';

CREATE OPERATOR agentmem.<#> (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.vector_negative_inner_product,
	COMMUTATOR = OPERATOR(agentmem.<#>)
);
COMMENT ON OPERATOR agentmem.<#> (agentmem.vector, agentmem.vector) IS 'negative inner product';

CREATE OPERATOR agentmem.<=> (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.cosine_distance,
	COMMUTATOR = OPERATOR(agentmem.<=>)
);
COMMENT ON OPERATOR agentmem.<=> (agentmem.vector, agentmem.vector) IS 'cosine distance';


CREATE OPERATOR agentmem.<+> (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.vector,
	FUNCTION = agentmem.l1_distance,
	COMMUTATOR = OPERATOR(agentmem.<+>)
);
COMMENT ON OPERATOR agentmem.<+> (agentmem.vector, agentmem.vector) IS 'taxicab distance';
