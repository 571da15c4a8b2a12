-- agentmem_pgvector: casts between agentmem's types and pgvector's, and operator classes (README.md).

\echo Use "CREATE EXTENSION agentmem_pgvector CASCADE" to load this file. \quit

-- From here on a type without a schema is pgvector's, wherever that was installed; the
-- setting ends with the script.
SELECT pg_catalog.set_config('search_path', pg_catalog.format('%I, pg_temp', n.nspname), true)
FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
WHERE e.extname OPERATOR(pg_catalog.=) 'vector';

-- Only types that are pgvector's own: any other of the name could have any bytes.
DO $$
BEGIN
	IF (SELECT pg_catalog.count(*)
		FROM pg_catalog.pg_type t
			JOIN pg_catalog.pg_depend d ON d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_type'::pg_catalog.regclass
				AND d.objid OPERATOR(pg_catalog.=) t.oid AND d.deptype OPERATOR(pg_catalog.=) 'e'
			JOIN pg_catalog.pg_extension e ON d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_extension'::pg_catalog.regclass
				AND d.refobjid OPERATOR(pg_catalog.=) e.oid
		WHERE e.extname OPERATOR(pg_catalog.=) 'vector' AND t.typnamespace OPERATOR(pg_catalog.=) e.extnamespace
			AND t.typname OPERATOR(pg_catalog.=) ANY ('{vector,halfvec}')) OPERATOR(pg_catalog.<>) 2 THEN
		RAISE EXCEPTION 'the extension vector has no type halfvec'
			USING ERRCODE = 'undefined_object', HINT = 'Update it to version 0.7 or newer.';
	END IF;
END $$;

CREATE FUNCTION agentmem.pgvector_support(internal) RETURNS internal
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'agm_fn_pgvector_support';
COMMENT ON FUNCTION agentmem.pgvector_support(internal)
	IS 'planner support: a cast that changes no byte is no work';

-- The C functions are agentmem's check of the type modifier: the bytes are the same.
CREATE FUNCTION agentmem.from_pgvector(vector, integer, boolean) RETURNS agentmem.vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	SUPPORT agentmem.pgvector_support
	AS '$libdir/agentmem', 'agm_fn_vector';
COMMENT ON FUNCTION agentmem.from_pgvector(vector, integer, boolean)
	IS 'convert the vector type of pgvector to agentmem.vector';

CREATE FUNCTION agentmem.to_pgvector(agentmem.vector, integer, boolean) RETURNS vector
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	AS 'MODULE_PATHNAME', 'agm_fn_to_pgvector';
COMMENT ON FUNCTION agentmem.to_pgvector(agentmem.vector, integer, boolean)
	IS 'convert agentmem.vector to the vector type of pgvector';

CREATE FUNCTION agentmem.from_pgvector(halfvec, integer, boolean) RETURNS agentmem.halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	SUPPORT agentmem.pgvector_support
	AS '$libdir/agentmem', 'agm_fn_halfvec';
COMMENT ON FUNCTION agentmem.from_pgvector(halfvec, integer, boolean)
	IS 'convert the halfvec type of pgvector to agentmem.halfvec';

CREATE FUNCTION agentmem.to_pgvector(agentmem.halfvec, integer, boolean) RETURNS halfvec
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1
	SUPPORT agentmem.pgvector_support
	AS '$libdir/agentmem', 'agm_fn_halfvec';
COMMENT ON FUNCTION agentmem.to_pgvector(agentmem.halfvec, integer, boolean)
	IS 'convert agentmem.halfvec to the halfvec type of pgvector';

CREATE CAST (vector AS agentmem.vector)
	WITH FUNCTION agentmem.from_pgvector(vector, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (vector AS agentmem.vector) IS 'the same bytes';

CREATE CAST (agentmem.vector AS vector)
	WITH FUNCTION agentmem.to_pgvector(agentmem.vector, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (agentmem.vector AS vector) IS 'the values in single precision';

CREATE CAST (halfvec AS agentmem.halfvec)
	WITH FUNCTION agentmem.from_pgvector(halfvec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (halfvec AS agentmem.halfvec) IS 'the same bytes';

CREATE CAST (agentmem.halfvec AS halfvec)
	WITH FUNCTION agentmem.to_pgvector(agentmem.halfvec, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (agentmem.halfvec AS halfvec) IS 'the same bytes';

-- Operator classes of ivfbq for pgvector's columns, beside pgvector's own for its access methods: the
-- operators and the order are pgvector's, and the bytes are those that agentmem's functions know.
CREATE OPERATOR CLASS vector_cosine_ops FOR TYPE vector USING ivfbq AS
	OPERATOR 1 <=> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 2 (vector, vector) agentmem.ivfbq_vector_cosine(internal);
COMMENT ON OPERATOR CLASS vector_cosine_ops USING ivfbq IS 'cosine distance of pgvector';
COMMENT ON OPERATOR FAMILY vector_cosine_ops USING ivfbq IS 'cosine distance of pgvector';

CREATE OPERATOR CLASS vector_l2_ops FOR TYPE vector USING ivfbq AS
	OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 2 (vector, vector) agentmem.ivfbq_vector_l2(internal);
COMMENT ON OPERATOR CLASS vector_l2_ops USING ivfbq IS 'Euclidean distance of pgvector';
COMMENT ON OPERATOR FAMILY vector_l2_ops USING ivfbq IS 'Euclidean distance of pgvector';

CREATE OPERATOR CLASS vector_ip_ops FOR TYPE vector USING ivfbq AS
	OPERATOR 1 <#> (vector, vector) FOR ORDER BY float_ops,
	FUNCTION 2 (vector, vector) agentmem.ivfbq_vector_ip(internal);
COMMENT ON OPERATOR CLASS vector_ip_ops USING ivfbq IS 'negative inner product of pgvector';
COMMENT ON OPERATOR FAMILY vector_ip_ops USING ivfbq IS 'negative inner product of pgvector';

CREATE OPERATOR CLASS halfvec_cosine_ops FOR TYPE halfvec USING ivfbq AS
	OPERATOR 1 <=> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 2 (halfvec, halfvec) agentmem.ivfbq_halfvec_cosine(internal);
COMMENT ON OPERATOR CLASS halfvec_cosine_ops USING ivfbq IS 'cosine distance of pgvector';
COMMENT ON OPERATOR FAMILY halfvec_cosine_ops USING ivfbq IS 'cosine distance of pgvector';

CREATE OPERATOR CLASS halfvec_l2_ops FOR TYPE halfvec USING ivfbq AS
	OPERATOR 1 <-> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 2 (halfvec, halfvec) agentmem.ivfbq_halfvec_l2(internal);
COMMENT ON OPERATOR CLASS halfvec_l2_ops USING ivfbq IS 'Euclidean distance of pgvector';
COMMENT ON OPERATOR FAMILY halfvec_l2_ops USING ivfbq IS 'Euclidean distance of pgvector';

CREATE OPERATOR CLASS halfvec_ip_ops FOR TYPE halfvec USING ivfbq AS
	OPERATOR 1 <#> (halfvec, halfvec) FOR ORDER BY float_ops,
	FUNCTION 2 (halfvec, halfvec) agentmem.ivfbq_halfvec_ip(internal);
COMMENT ON OPERATOR CLASS halfvec_ip_ops USING ivfbq IS 'negative inner product of pgvector';
COMMENT ON OPERATOR FAMILY halfvec_ip_ops USING ivfbq IS 'negative inner product of pgvector';
