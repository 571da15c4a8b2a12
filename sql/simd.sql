-- agentmem.simd.  Which instructions there are depends on the machine; nothing shown here does.

-- Given before the module is loaded: kept, if it can be.
\c -
SET agentmem.simd = scalar;
SELECT agentmem.vector_dims('[1,2,3]'::agentmem.vector);
SHOW agentmem.simd;
RESET agentmem.simd;
SHOW agentmem.simd;
-- A value that is none is warned about then, and the default stays.
\c -
SET agentmem.simd = fast;
SELECT agentmem.vector_dims('[1,2,3]'::agentmem.vector);
SHOW agentmem.simd;
-- So is a setting that there is not; once loaded, it is an error.
\c -
SET agentmem.speed = 11;
SELECT agentmem.vector_dims('[1,2,3]'::agentmem.vector);
SET agentmem.speed = 11;

SET agentmem.simd = fast;
SET agentmem.simd = '';
SET agentmem.simd TO AUTO;
SHOW agentmem.simd;

-- No processor has both, so one of the two is refused everywhere, and what was set stays.
DO $$
DECLARE
  refused int := 0;
  message text;
  detail text;
  hint text;
BEGIN
  FOR i IN 1..2 LOOP
    PERFORM set_config('agentmem.simd', 'scalar', false);
    BEGIN
      PERFORM set_config('agentmem.simd', (ARRAY['avx2', 'neon'])[i], false);
    EXCEPTION WHEN invalid_parameter_value THEN
      GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
      refused := refused + 1;
      IF refused = 1 THEN
        RAISE NOTICE '%', regexp_replace(message, 'avx2|neon', '...');
        RAISE NOTICE '%', detail;
        RAISE NOTICE '%', hint;
        RAISE NOTICE '%', current_setting('agentmem.simd');
      END IF;
    END;
  END LOOP;
  PERFORM set_config('agentmem.simd', 'auto', false);
  RAISE NOTICE 'refused: %', refused >= 1;
END $$;

-- What is computed is the same within rounding, and goes back with the transaction.
CREATE TEMP TABLE pair AS
  SELECT n, (SELECT array_agg(sin(n * i)) FROM generate_series(1, n) i)::real[]::agentmem.vector AS a,
         (SELECT array_agg(cos(n + i * i)) FROM generate_series(1, n) i)::real[]::agentmem.vector AS b
  FROM generate_series(1, 400, 3) n;
CREATE TEMP TABLE by_auto AS
  SELECT n, agentmem.l2_distance(a, b) AS l2, agentmem.inner_product(a, b) AS ip, agentmem.cosine_distance(a, b) AS cosine
  FROM pair;
BEGIN;
SET LOCAL agentmem.simd = scalar;
SHOW agentmem.simd;
SELECT count(*),
       max(abs(agentmem.l2_distance(a, b) - l2) / l2) < 1e-5 AS l2,
       max(abs(agentmem.inner_product(a, b) - ip) / (agentmem.vector_norm(a) * agentmem.vector_norm(b))) < 1e-5 AS ip,
       max(abs(agentmem.cosine_distance(a, b) - cosine)) < 1e-5 AS cosine
FROM pair JOIN by_auto USING (n);
ROLLBACK;
SHOW agentmem.simd;
-- The same table gives the same bits.
SELECT count(*) FILTER (WHERE agentmem.l2_distance(a, b) IS DISTINCT FROM l2
                           OR agentmem.l2_distance(b, a) IS DISTINCT FROM l2
                           OR agentmem.inner_product(b, a) IS DISTINCT FROM ip
                           OR agentmem.cosine_distance(b, a) IS DISTINCT FROM cosine) AS different
FROM pair JOIN by_auto USING (n);

SELECT name, setting, boot_val, context, enumvals, short_desc FROM pg_settings WHERE name = 'agentmem.simd';

-- Not for everybody: what an index over a distance holds depends on it.
CREATE ROLE regress_agm_simd;
SET ROLE regress_agm_simd;
SET agentmem.simd = scalar;
RESET ROLE;
GRANT SET ON PARAMETER agentmem.simd TO regress_agm_simd;
SET ROLE regress_agm_simd;
SET agentmem.simd = scalar;
RESET ROLE;
RESET agentmem.simd;
REVOKE SET ON PARAMETER agentmem.simd FROM regress_agm_simd;
DROP ROLE regress_agm_simd;
