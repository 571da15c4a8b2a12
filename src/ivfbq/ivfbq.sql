-- The access method ivfbq, ranges of distance, and operator classes.

CREATE FUNCTION agentmem.ivfbq_handler(internal) RETURNS index_am_handler
	LANGUAGE C VOLATILE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'agm_fn_ivfbq_handler';
COMMENT ON FUNCTION agentmem.ivfbq_handler(internal) IS 'index access method handler of ivfbq';

CREATE ACCESS METHOD ivfbq TYPE INDEX HANDLER agentmem.ivfbq_handler;
COMMENT ON ACCESS METHOD ivfbq
	IS 'nearest vectors, within one or many keys: inverted file of 1-bit codes refined by 8-bit codes';

-- Ranges.

CREATE TYPE agentmem.sphere AS (center agentmem.vector, radius double precision);
COMMENT ON TYPE agentmem.sphere IS 'what is no farther from center than radius';
CREATE TYPE agentmem.halfvec_sphere AS (center agentmem.halfvec, radius double precision);
COMMENT ON TYPE agentmem.halfvec_sphere IS 'what is no farther from center than radius';

CREATE FUNCTION agentmem.sphere(center agentmem.vector, radius double precision) RETURNS agentmem.sphere
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'agm_fn_sphere';
COMMENT ON FUNCTION agentmem.sphere(agentmem.vector, double precision)
	IS 'the range of a distance: v <<=>> sphere(q, r) is true where v <=> q is at most r';
CREATE FUNCTION agentmem.sphere(center agentmem.halfvec, radius double precision) RETURNS agentmem.halfvec_sphere
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'agm_fn_sphere';
COMMENT ON FUNCTION agentmem.sphere(agentmem.halfvec, double precision)
	IS 'the range of a distance: v <<=>> sphere(q, r) is true where v <=> q is at most r';

CREATE FUNCTION agentmem.vector_in_cosine_sphere(agentmem.vector, agentmem.sphere) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12
	AS 'MODULE_PATHNAME', 'agm_fn_vector_in_cosine_sphere';
COMMENT ON FUNCTION agentmem.vector_in_cosine_sphere(agentmem.vector, agentmem.sphere)
	IS 'whether the cosine distance from the center is at most the radius';
CREATE OPERATOR agentmem.<<=>> (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.sphere,
	FUNCTION = agentmem.vector_in_cosine_sphere,
	RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR agentmem.<<=>> (agentmem.vector, agentmem.sphere) IS 'cosine distance at most the radius';

CREATE FUNCTION agentmem.vector_in_l2_sphere(agentmem.vector, agentmem.sphere) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12
	AS 'MODULE_PATHNAME', 'agm_fn_vector_in_l2_sphere';
COMMENT ON FUNCTION agentmem.vector_in_l2_sphere(agentmem.vector, agentmem.sphere)
	IS 'whether the Euclidean distance from the center is at most the radius';
CREATE OPERATOR agentmem.<<->> (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.sphere,
	FUNCTION = agentmem.vector_in_l2_sphere,
	RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR agentmem.<<->> (agentmem.vector, agentmem.sphere) IS 'Euclidean distance at most the radius';

CREATE FUNCTION agentmem.vector_in_ip_sphere(agentmem.vector, agentmem.sphere) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12
	AS 'MODULE_PATHNAME', 'agm_fn_vector_in_ip_sphere';
COMMENT ON FUNCTION agentmem.vector_in_ip_sphere(agentmem.vector, agentmem.sphere)
	IS 'whether the negative inner product from the center is at most the radius';
CREATE OPERATOR agentmem.<<#>> (
	LEFTARG = agentmem.vector, RIGHTARG = agentmem.sphere,
	FUNCTION = agentmem.vector_in_ip_sphere,
	RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR agentmem.<<#>> (agentmem.vector, agentmem.sphere) IS 'negative inner product at most the radius';

CREATE FUNCTION agentmem.halfvec_in_cosine_sphere(agentmem.halfvec, agentmem.halfvec_sphere) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_in_cosine_sphere';
COMMENT ON FUNCTION agentmem.halfvec_in_cosine_sphere(agentmem.halfvec, agentmem.halfvec_sphere)
	IS 'whether the cosine distance from the center is at most the radius';
CREATE OPERATOR agentmem.<<=>> (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec_sphere,
	FUNCTION = agentmem.halfvec_in_cosine_sphere,
	RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR agentmem.<<=>> (agentmem.halfvec, agentmem.halfvec_sphere) IS 'cosine distance at most the radius';

CREATE FUNCTION agentmem.halfvec_in_l2_sphere(agentmem.halfvec, agentmem.halfvec_sphere) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_in_l2_sphere';
COMMENT ON FUNCTION agentmem.halfvec_in_l2_sphere(agentmem.halfvec, agentmem.halfvec_sphere)
	IS 'whether the Euclidean distance from the center is at most the radius';
CREATE OPERATOR agentmem.<<->> (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec_sphere,
	FUNCTION = agentmem.halfvec_in_l2_sphere,
	RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR agentmem.<<->> (agentmem.halfvec, agentmem.halfvec_sphere) IS 'Euclidean distance at most the radius';

CREATE FUNCTION agentmem.halfvec_in_ip_sphere(agentmem.halfvec, agentmem.halfvec_sphere) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 12
	AS 'MODULE_PATHNAME', 'agm_fn_halfvec_in_ip_sphere';
COMMENT ON FUNCTION agentmem.halfvec_in_ip_sphere(agentmem.halfvec, agentmem.halfvec_sphere)
	IS 'whether the negative inner product from the center is at most the radius';
CREATE OPERATOR agentmem.<<#>> (
	LEFTARG = agentmem.halfvec, RIGHTARG = agentmem.halfvec_sphere,
	FUNCTION = agentmem.halfvec_in_ip_sphere,
	RESTRICT = contsel, JOIN = contjoinsel
);
COMMENT ON OPERATOR agentmem.<<#>> (agentmem.halfvec, agentmem.halfvec_sphere) IS 'negative inner product at most the radius';

-- Operator classes of vectors; none is the default: the distance is for the index to name.

CREATE FUNCTION agentmem.ivfbq_vector_cosine(internal) RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'agm_fn_ivfbq_vector_cosine';
COMMENT ON FUNCTION agentmem.ivfbq_vector_cosine(internal) IS 'what ivfbq has to know of vector and cosine distance';
CREATE OPERATOR CLASS agentmem.vector_cosine_ops FOR TYPE agentmem.vector USING ivfbq AS
	OPERATOR 1 agentmem.<=> (agentmem.vector, agentmem.vector) FOR ORDER BY float_ops,
	OPERATOR 3 agentmem.<<=>> (agentmem.vector, agentmem.sphere),
	FUNCTION 2 (agentmem.vector, agentmem.vector) agentmem.ivfbq_vector_cosine(internal);
COMMENT ON OPERATOR CLASS agentmem.vector_cosine_ops USING ivfbq IS 'cosine distance';
COMMENT ON OPERATOR FAMILY agentmem.vector_cosine_ops USING ivfbq IS 'cosine distance';

CREATE FUNCTION agentmem.ivfbq_vector_l2(internal) RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'agm_fn_ivfbq_vector_l2';
COMMENT ON FUNCTION agentmem.ivfbq_vector_l2(internal) IS 'what ivfbq has to know of vector and Euclidean distance';
CREATE OPERATOR CLASS agentmem.vector_l2_ops FOR TYPE agentmem.vector USING ivfbq AS
	OPERATOR 1 agentmem.<-> (agentmem.vector, agentmem.vector) FOR ORDER BY float_ops,
	OPERATOR 3 agentmem.<<->> (agentmem.vector, agentmem.sphere),
	FUNCTION 2 (agentmem.vector, agentmem.vector) agentmem.ivfbq_vector_l2(internal);
COMMENT ON OPERATOR CLASS agentmem.vector_l2_ops USING ivfbq IS 'Euclidean distance';
COMMENT ON OPERATOR FAMILY agentmem.vector_l2_ops USING ivfbq IS 'Euclidean distance';

CREATE FUNCTION agentmem.ivfbq_vector_ip(internal) RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'agm_fn_ivfbq_vector_ip';
COMMENT ON FUNCTION agentmem.ivfbq_vector_ip(internal) IS 'what ivfbq has to know of vector and negative inner product';
CREATE OPERATOR CLASS agentmem.vector_ip_ops FOR TYPE agentmem.vector USING ivfbq AS
	OPERATOR 1 agentmem.<#> (agentmem.vector, agentmem.vector) FOR ORDER BY float_ops,
	OPERATOR 3 agentmem.<<#>> (agentmem.vector, agentmem.sphere),
	FUNCTION 2 (agentmem.vector, agentmem.vector) agentmem.ivfbq_vector_ip(internal);
COMMENT ON OPERATOR CLASS agentmem.vector_ip_ops USING ivfbq IS 'negative inner product';
COMMENT ON OPERATOR FAMILY agentmem.vector_ip_ops USING ivfbq IS 'negative inner product';

CREATE FUNCTION agentmem.ivfbq_halfvec_cosine(internal) RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'agm_fn_ivfbq_halfvec_cosine';
COMMENT ON FUNCTION agentmem.ivfbq_halfvec_cosine(internal) IS 'what ivfbq has to know of halfvec and cosine distance';
CREATE OPERATOR CLASS agentmem.halfvec_cosine_ops FOR TYPE agentmem.halfvec USING ivfbq AS
	OPERATOR 1 agentmem.<=> (agentmem.halfvec, agentmem.halfvec) FOR ORDER BY float_ops,
	OPERATOR 3 agentmem.<<=>> (agentmem.halfvec, agentmem.halfvec_sphere),
	FUNCTION 2 (agentmem.halfvec, agentmem.halfvec) agentmem.ivfbq_halfvec_cosine(internal);
COMMENT ON OPERATOR CLASS agentmem.halfvec_cosine_ops USING ivfbq IS 'cosine distance';
COMMENT ON OPERATOR FAMILY agentmem.halfvec_cosine_ops USING ivfbq IS 'cosine distance';

CREATE FUNCTION agentmem.ivfbq_halfvec_l2(internal) RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'agm_fn_ivfbq_halfvec_l2';
COMMENT ON FUNCTION agentmem.ivfbq_halfvec_l2(internal) IS 'what ivfbq has to know of halfvec and Euclidean distance';
CREATE OPERATOR CLASS agentmem.halfvec_l2_ops FOR TYPE agentmem.halfvec USING ivfbq AS
	OPERATOR 1 agentmem.<-> (agentmem.halfvec, agentmem.halfvec) FOR ORDER BY float_ops,
	OPERATOR 3 agentmem.<<->> (agentmem.halfvec, agentmem.halfvec_sphere),
	FUNCTION 2 (agentmem.halfvec, agentmem.halfvec) agentmem.ivfbq_halfvec_l2(internal);
COMMENT ON OPERATOR CLASS agentmem.halfvec_l2_ops USING ivfbq IS 'Euclidean distance';
COMMENT ON OPERATOR FAMILY agentmem.halfvec_l2_ops USING ivfbq IS 'Euclidean distance';

CREATE FUNCTION agentmem.ivfbq_halfvec_ip(internal) RETURNS internal
	LANGUAGE C IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'agm_fn_ivfbq_halfvec_ip';
COMMENT ON FUNCTION agentmem.ivfbq_halfvec_ip(internal) IS 'what ivfbq has to know of halfvec and negative inner product';
CREATE OPERATOR CLASS agentmem.halfvec_ip_ops FOR TYPE agentmem.halfvec USING ivfbq AS
	OPERATOR 1 agentmem.<#> (agentmem.halfvec, agentmem.halfvec) FOR ORDER BY float_ops,
	OPERATOR 3 agentmem.<<#>> (agentmem.halfvec, agentmem.halfvec_sphere),
	FUNCTION 2 (agentmem.halfvec, agentmem.halfvec) agentmem.ivfbq_halfvec_ip(internal);
COMMENT ON OPERATOR CLASS agentmem.halfvec_ip_ops USING ivfbq IS 'negative inner product';
COMMENT ON OPERATOR FAMILY agentmem.halfvec_ip_ops USING ivfbq IS 'negative inner product';

-- Operator classes of keys.  Integers of any size hash alike, so that they are one family.
CREATE OPERATOR FAMILY agentmem.integer_ops USING ivfbq;
COMMENT ON OPERATOR FAMILY agentmem.integer_ops USING ivfbq IS 'integers as keys';

CREATE OPERATOR CLASS agentmem.int2_ops DEFAULT FOR TYPE pg_catalog.int2 USING ivfbq FAMILY agentmem.integer_ops AS
	OPERATOR 2 pg_catalog.= (pg_catalog.int2, pg_catalog.int2),
	FUNCTION 1 (pg_catalog.int2, pg_catalog.int2) pg_catalog.hashint2extended(pg_catalog.int2, pg_catalog.int8);
COMMENT ON OPERATOR CLASS agentmem.int2_ops USING ivfbq IS 'smallint as a key';

CREATE OPERATOR CLASS agentmem.int4_ops DEFAULT FOR TYPE pg_catalog.int4 USING ivfbq FAMILY agentmem.integer_ops AS
	OPERATOR 2 pg_catalog.= (pg_catalog.int4, pg_catalog.int4),
	FUNCTION 1 (pg_catalog.int4, pg_catalog.int4) pg_catalog.hashint4extended(pg_catalog.int4, pg_catalog.int8);
COMMENT ON OPERATOR CLASS agentmem.int4_ops USING ivfbq IS 'integer as a key';

CREATE OPERATOR CLASS agentmem.int8_ops DEFAULT FOR TYPE pg_catalog.int8 USING ivfbq FAMILY agentmem.integer_ops AS
	OPERATOR 2 pg_catalog.= (pg_catalog.int8, pg_catalog.int8),
	FUNCTION 1 (pg_catalog.int8, pg_catalog.int8) pg_catalog.hashint8extended(pg_catalog.int8, pg_catalog.int8);
COMMENT ON OPERATOR CLASS agentmem.int8_ops USING ivfbq IS 'bigint as a key';

ALTER OPERATOR FAMILY agentmem.integer_ops USING ivfbq ADD
	OPERATOR 2 pg_catalog.= (pg_catalog.int2, pg_catalog.int4),
	OPERATOR 2 pg_catalog.= (pg_catalog.int2, pg_catalog.int8),
	OPERATOR 2 pg_catalog.= (pg_catalog.int4, pg_catalog.int2),
	OPERATOR 2 pg_catalog.= (pg_catalog.int4, pg_catalog.int8),
	OPERATOR 2 pg_catalog.= (pg_catalog.int8, pg_catalog.int2),
	OPERATOR 2 pg_catalog.= (pg_catalog.int8, pg_catalog.int4);

CREATE OPERATOR CLASS agentmem.text_ops DEFAULT FOR TYPE pg_catalog.text USING ivfbq AS
	OPERATOR 2 pg_catalog.= (pg_catalog.text, pg_catalog.text),
	FUNCTION 1 (pg_catalog.text, pg_catalog.text) pg_catalog.hashtextextended(pg_catalog.text, pg_catalog.int8);
COMMENT ON OPERATOR CLASS agentmem.text_ops USING ivfbq IS 'text as a key';
COMMENT ON OPERATOR FAMILY agentmem.text_ops USING ivfbq IS 'text as a key';

CREATE OPERATOR CLASS agentmem.uuid_ops DEFAULT FOR TYPE pg_catalog.uuid USING ivfbq AS
	OPERATOR 2 pg_catalog.= (pg_catalog.uuid, pg_catalog.uuid),
	FUNCTION 1 (pg_catalog.uuid, pg_catalog.uuid) pg_catalog.uuid_hash_extended(pg_catalog.uuid, pg_catalog.int8);
COMMENT ON OPERATOR CLASS agentmem.uuid_ops USING ivfbq IS 'uuid as a key';
COMMENT ON OPERATOR FAMILY agentmem.uuid_ops USING ivfbq IS 'uuid as a key';
