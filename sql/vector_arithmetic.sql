-- Vectors made of vectors: + - * ||, l2_normalize, subvector, binary_quantize; and the
-- distances that are not in vector.
SET search_path = public, agentmem;

CREATE FUNCTION pg_temp.failure(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
BEGIN
	EXECUTE command;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', code, message, nullif(detail, ''));
END $$;

-- Operators.
SELECT '[1,2.5,-3]'::vector + '[4,0.5,3]' AS sum, '[1,2.5,-3]'::vector - '[4,0.5,3]' AS difference,
	'[1,2.5,-3]'::vector * '[4,0.5,3]' AS product, '[1,2.5,-3]'::vector || '[4]' AS concatenation;
SELECT vector_add('[1]', '[2]'), vector_sub('[1]', '[2]'), vector_mul('[3]', '[2]'), vector_concat('[1]', '[2]');
-- Rounded like real.
SELECT bool_and(((ARRAY[a]::vector + ARRAY[b]::vector)::real[])[1] = a + b
	AND ((ARRAY[a]::vector - ARRAY[b]::vector)::real[])[1] = a - b
	AND ((ARRAY[a]::vector * ARRAY[b]::vector)::real[])[1] = a * b) AS like_real
FROM (SELECT (x / 7.0 - 5)::real AS a, (3.3 - x * x / 11.0)::real AS b FROM generate_series(0, 200) x) t;
SELECT '[0,-0]'::vector * '[-5,5]' AS zeros, '[1e-45]'::vector - '[1e-45]' AS difference, '[1e-38]'::vector - '[9e-39]' AS denormal;
SELECT NULL + '[1]'::vector AS null_sum, '[1]'::vector || NULL::vector AS null_concatenation;

-- Each place, at any length.
SELECT bool_and(added = expected_sum AND multiplied = expected_product) AS all_lengths
FROM generate_series(1, 70) n,
	LATERAL (SELECT array_agg(i::real ORDER BY i) AS a, array_agg((2 * i + 1)::real ORDER BY i) AS b,
		array_agg((3 * i + 1)::real ORDER BY i) AS expected_sum,
		array_agg((i * (2 * i + 1))::real ORDER BY i) AS expected_product FROM generate_series(1, n) i) v,
	LATERAL (SELECT (a::vector + b::vector)::real[] AS added, (a::vector * b::vector)::real[] AS multiplied) r;

-- What no float holds, at any place.
SELECT pg_temp.failure(format('SELECT %L::vector %s %L', a, o, b))
FROM (VALUES ('[3e38]', '+', '[3e38]'), ('[1,2,3,4,3e38]', '+', '[1,2,3,4,3e38]'), ('[-3e38,1]', '-', '[3e38,1]'),
	('[1e37]', '*', '[1e37]'), ('[1,-1e37]', '*', '[1,1e37]'), ('[1e-37]', '*', '[1e-37]'), ('[1,1,1e-37]', '*', '[1,1,-1e-37]'),
	('[1e-45]', '*', '[0.25]')) x (a, o, b);
SELECT '[3e38]'::vector + '[4e37]' AS just_fits;
SELECT pg_temp.failure(format('SELECT %L::vector %s %L', '[1,2]', o, '[3]')) FROM unnest('{+,-,*}'::text[]) o;

-- Dimensions of a concatenation.
SELECT vector_dims(array_fill(1, ARRAY[15999])::vector || '[1]') AS most;
SELECT pg_temp.failure($$SELECT array_fill(0, ARRAY[16000])::vector || '[1]'$$);
SELECT pg_temp.failure($$SELECT array_fill(0, ARRAY[16000])::vector || array_fill(0, ARRAY[16000])::vector$$);

-- Length 1, in the same direction.
SELECT l2_normalize('[3,4]'::vector), l2_normalize('[-2]'::vector), l2_normalize('[0,0.1]'::vector), l2_normalize('[0,0]'::vector) AS zero;
SELECT l2_normalize('[3e38,-3e38,3e38,3e38]'::vector) AS huge, l2_normalize('[1e-45,0]'::vector) AS tiny, l2_normalize('[3e38,1e-45]'::vector) AS both;
SELECT max(abs(vector_norm(l2_normalize(v)) - 1)) < 1e-6 AS unit, max(v <=> l2_normalize(v)) < 1e-6 AS parallel
FROM (SELECT array_agg(sin(n * 1000 + i))::vector AS v
	FROM generate_series(1, 50) n, generate_series(1, 300) i GROUP BY n) t;

-- Elements counted from 1; what lies outside is left out.
SELECT start, count, subvector('[1,2,3,4,5]'::vector, start, count)
FROM (VALUES (1, 3), (3, 2), (5, 1), (1, 5), (-1, 3), (0, 2), (3, 9), (-100, 200), (3, 2147483647), (-2147483645, 2147483647), (-2147483640, 2147483647)) x (start, count);
SELECT pg_temp.failure(format('SELECT subvector(''[1,2,3,4,5]''::vector, %s, %s)', start, count))
FROM (VALUES (1, 0), (3, -1), (6, 1), (0, 1), (-1, 2), (2147483647, 10), (2147483647, 2147483647), (-2147483646, 2147483647),
	('-2147483648'::int, 1), ('-2147483648'::int, '-2147483648'::int), (5, '-2147483648'::int)) x (start, count);

-- A bit for each value above zero.
SELECT binary_quantize('[1,0,-1]'::vector), binary_quantize('[-0,1e-45,-1e-45]'::vector) AS smallest, pg_typeof(binary_quantize('[1]'::vector));
SELECT bool_and(binary_quantize(v)::text = expected) AS all_lengths
FROM generate_series(1, 40) n,
	LATERAL (SELECT array_agg(sin(i * i) ORDER BY i)::vector AS v,
		string_agg(CASE WHEN sin(i * i) > 0 THEN '1' ELSE '0' END, '' ORDER BY i) AS expected FROM generate_series(1, n) i) t;
-- Bits behind the last one are zero.
SELECT bit_send(binary_quantize('[1,-1,1]'::vector)), bit_send(binary_quantize('[1,1,1,1,1,1,1,1,1]'::vector));

-- Distances.
SELECT '[0,0]'::vector <+> '[3,-4]' AS l1, l1_distance('[1,2,3]'::vector, '[1,2,3]') AS same, l1_distance('[3e38]'::vector, '[-3e38]') AS overflow;
SELECT vector_l2_squared_distance('[1,2]', '[4,6]') AS squared,
	vector_l2_squared_distance('[3e38]', '[-3e38]') AS overflow;
SELECT round(vector_spherical_distance('[1,0]', '[0,1]')::numeric, 6) AS right_angle, vector_spherical_distance('[1,0]', '[1,0]') AS same,
	vector_spherical_distance('[1,0]', '[-1,0]') AS opposite, vector_spherical_distance('[2,0]', '[2,0]') AS above, vector_spherical_distance('[2,0]', '[-2,0]') AS below;
SELECT pg_temp.failure(format('SELECT %s(''[1,2]''::vector, ''[3]'')', f))
FROM unnest('{l1_distance,vector_l2_squared_distance,vector_spherical_distance}'::text[]) f;

-- Values as tables keep them: with a short header, in one piece outside, in fewer bits.
CREATE TABLE arithmetic_kept (id int, v vector);
INSERT INTO arithmetic_kept
	SELECT n, (SELECT array_agg(i * n)::vector FROM generate_series(1, dim) i)
	FROM (VALUES (1, 3), (2, 3), (3, 4000), (4, 4000)) x (n, dim);
INSERT INTO arithmetic_kept SELECT 4 + id, agentmem.quantize(v, 16) FROM arithmetic_kept WHERE id <= 2;
SELECT pg_column_size(v) AS bytes, pg_relation_size(reltoastrelid) > 0 AS outside
FROM arithmetic_kept, pg_class c WHERE c.oid = 'arithmetic_kept'::regclass AND id = 1;
SELECT a.id, b.id, subvector(a.v + b.v, 1, 3) AS sum, subvector(a.v - b.v, 1, 3) AS difference, subvector(a.v * b.v, 1, 3) AS product,
	vector_dims(a.v || b.v) AS dims, subvector(b.v || a.v, vector_dims(b.v), 2) AS seam, a.v <+> b.v AS l1
FROM arithmetic_kept a JOIN arithmetic_kept b ON a.id < b.id AND vector_dims(a.v) = vector_dims(b.v)
ORDER BY 1, 2;
SELECT id, subvector(l2_normalize(v), 1, 2) AS unit, length(binary_quantize(v)) AS bits FROM arithmetic_kept ORDER BY id;
DROP TABLE arithmetic_kept;
