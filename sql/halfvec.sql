-- The halfvec type: text and binary form, rounding, type modifier, casts, storage,
-- distances, arithmetic, comparison, aggregates.  What it refuses is in halfvec_errors.
SET search_path = public, agentmem;

-- Text form: as for vectors, the values rounded to 11 bits and shown as floats.
SELECT '[1,2,3]'::halfvec;
SELECT '[-1,-2.5,3.]'::halfvec;
SELECT '[.5,+2,1e3,1E-3,1e+2]'::halfvec;
SELECT E' [ 1,\t2 ,\n\r 3\x0b]\f'::halfvec;
SELECT '[0,-0,00,-0.0]'::halfvec;
SELECT '[0x10,0x1p-1]'::halfvec;
SELECT '[0.1,1.23456789,2049,2051,33333]'::halfvec;
SET extra_float_digits = 0;
SELECT '[0.1,1.23456789]'::halfvec;
RESET extra_float_digits;
SELECT '[65504,-65504,65519.99,6.103515625e-05,5.9604645e-08]'::halfvec;
-- Too small for a half is zero, not an error.
SELECT '[2.9e-8,-2.9e-8,1e-46,1e-400]'::halfvec;

-- Every half there is: to text and back, from each type, and what lies between it and the
-- next one; the middle goes to the even one.
CREATE TEMP TABLE half AS
	SELECT h, x, (x + lead(x) OVER (ORDER BY h)) / 2 AS middle
	FROM generate_series(0, 31743) h,
		LATERAL (SELECT CASE WHEN h < 1024 THEN h * 2::float8 ^ (-24)
			ELSE (1024 + h % 1024) * 2::float8 ^ (h / 1024 - 25) END) v (x);
SELECT count(*), max(x) FROM half;
CREATE FUNCTION pg_temp.bits(v halfvec) RETURNS int LANGUAGE sql
	RETURN get_byte(halfvec_send(v), 4) * 256 + get_byte(halfvec_send(v), 5);
SELECT
	count(*) FILTER (WHERE pg_temp.bits(format('[%s]', x)::halfvec) <> h) AS of_text,
	count(*) FILTER (WHERE pg_temp.bits(format('[-%s]', x)::halfvec) <> h + 32768) AS of_negative_text,
	count(*) FILTER (WHERE pg_temp.bits(ARRAY[x]::halfvec) <> h) AS of_double,
	count(*) FILTER (WHERE pg_temp.bits(ARRAY[x::real]::halfvec) <> h) AS of_real,
	count(*) FILTER (WHERE pg_temp.bits(ARRAY[x]::vector::halfvec) <> h) AS of_vector,
	count(*) FILTER (WHERE ARRAY[x]::halfvec::vector <> ARRAY[x]::vector) AS to_vector,
	count(*) FILTER (WHERE (ARRAY[x]::halfvec::real[])[1] <> x) AS to_real,
	count(*) FILTER (WHERE ARRAY[x]::halfvec::text <> ARRAY[x]::vector::text) AS to_text
FROM half;
SELECT
	count(*) FILTER (WHERE pg_temp.bits(ARRAY[middle]::halfvec) <> h + h % 2) AS ties,
	count(*) FILTER (WHERE pg_temp.bits(format('[%s]', middle)::halfvec) <> h + h % 2) AS ties_of_text,
	count(*) FILTER (WHERE pg_temp.bits(ARRAY[middle * (1 + 2::float8 ^ (-22))]::halfvec) <> h + 1) AS above,
	count(*) FILTER (WHERE pg_temp.bits(ARRAY[middle * (1 - 2::float8 ^ (-22))]::halfvec) <> h) AS below
FROM half WHERE middle IS NOT NULL;

-- Dimensions and type modifier.
SELECT vector_dims(('[' || repeat('1,', 15999) || '1]')::halfvec(16000));
SELECT '[1,2,3]'::halfvec(3), format_type('halfvec'::regtype, 3) AS type;
SELECT unnest('{"[1,2,3]","[4,5,6]"}'::halfvec[]);

-- Binary form: dimension, zero, values, in network order.
SELECT halfvec_send('[1,-2,0.5]');
CREATE TEMP TABLE item (id int, v halfvec(3), any_dim halfvec);
SELECT attname, attstorage, attalign, format_type(atttypid, atttypmod)
FROM pg_attribute WHERE attrelid = 'item'::regclass AND attnum > 1 ORDER BY attnum;
INSERT INTO item VALUES
	(1, '[1,2,3]', '[1]'),
	(2, ARRAY[4,5,6], ARRAY[1.5,2]::real[]),
	(3, NULL, NULL),
	(4, '[1,2,4]'::vector, array_fill(0.25, ARRAY[16000]));
-- 2 bytes a value, 8 in front; a small one is packed in 5 + 2 * n.
SELECT id, v, vector_dims(any_dim), pg_column_size(v) AS v_size, pg_column_size(any_dim) AS any_size
FROM item ORDER BY id;
SELECT id, any_dim <-> any_dim AS same FROM item ORDER BY id;
COPY item (id, v) TO STDOUT;
COPY item (id, v) FROM STDIN;
5	[9,8,7]
\.
SELECT id FROM item ORDER BY v <-> '[1,2,3.6]', id;
SELECT id FROM item ORDER BY v <=> '[9,8,7]', id LIMIT 2;
SELECT id FROM item ORDER BY v <#> '[1,1,1]', id LIMIT 2;
SELECT id FROM item ORDER BY v <+> '[4,4,4]', id LIMIT 2;

-- Casts.
SELECT ARRAY[1,2,3]::halfvec, ARRAY[1.5,2.5]::halfvec AS from_numeric;
SELECT ARRAY[0.1,2049]::real[]::halfvec, ARRAY[0.1,1e-46]::double precision[]::halfvec;
SELECT '{1,2,3}'::real[]::halfvec(3), '[5:7]={1,2,3}'::real[]::halfvec AS other_bounds;
SELECT '[1,2.5,-0]'::halfvec::real[], '[0.1,2]'::halfvec::vector, '[0.1,2]'::vector::halfvec;
-- Arrays of other numbers, on demand only: the float itself, the nearest integer, the digits of the text.
SELECT v::double precision[], v::integer[], v::numeric[] FROM (SELECT '[0.1,-2.5,1e-6,65504]'::halfvec AS v) t;
SELECT NULL::halfvec::numeric[] IS NULL AS null;
CREATE TEMP TABLE numbers (a double precision[]);
INSERT INTO numbers SELECT '[1]'::halfvec;
DROP TABLE numbers;
SELECT '[1,2]'::halfvec::vector(2), '[1,2]'::vector::halfvec(2);
SELECT castsource::regtype, casttarget::regtype, castcontext
FROM pg_cast WHERE 'halfvec'::regtype IN (castsource, casttarget)
ORDER BY castsource::regtype::text COLLATE "C", casttarget::regtype::text COLLATE "C";
-- A vector is taken where a halfvec is wanted.
SELECT halfvec_negative_inner_product('[1,2]'::vector, '[3,4]'::vector);

-- Distances.
SELECT l2_distance('[0,0]'::halfvec, '[3,4]'), '[0,0]'::halfvec <-> '[3,4]' AS operator,
	halfvec_l2_squared_distance('[0,0]', '[3,4]') AS squared;
SELECT inner_product('[1,2]'::halfvec, '[3,4]'), '[1,2]'::halfvec <#> '[3,4]' AS operator,
	halfvec_negative_inner_product('[1,2]', '[3,4]') AS negative;
SELECT cosine_distance('[1,0]'::halfvec, '[0,2]'), '[1,1]'::halfvec <=> '[-1,-1]' AS operator;
SELECT l1_distance('[0,0]'::halfvec, '[3,-4]'), '[0,0]'::halfvec <+> '[3,-4]' AS operator;
SELECT halfvec_spherical_distance('[1,0]', '[0,1]') AS quarter,
	halfvec_spherical_distance('[1,0]', '[-1,0]') AS opposite,
	halfvec_spherical_distance('[2,0]', '[1,0]') AS beyond;
SELECT '[1,1]'::halfvec <=> '[1.1,1.1]' AS same, '[1,1]'::halfvec <=> '[-1.1,-1.1]' AS opposite;
-- A zero vector has no direction.
SELECT '[1,2]'::halfvec <=> '[0,0]' AS zero, '[0,0]'::halfvec <-> '[0,0]' AS l2;
-- What a half cannot hold, a distance can.
SELECT '[65504]'::halfvec <-> '[-65504]' AS l2, '[65504]'::halfvec <+> '[-65504]' AS l1,
	inner_product('[65504]'::halfvec, '[65504]') AS ip, '[65504]'::halfvec <=> '[65504]' AS cosine,
	inner_product('[5.9604645e-08]'::halfvec, '[5.9604645e-08]') = 2::float8 ^ (-48) AS smallest;
SELECT NULL::halfvec <-> '[1]' IS NULL AS strict;

-- All lengths around the width of a block of the kernels: to the bit what vectors give.
SELECT count(*) AS lengths,
	count(*) FILTER (WHERE (a <-> b) IS DISTINCT FROM (x <-> y)) AS l2,
	count(*) FILTER (WHERE (a <#> b) IS DISTINCT FROM (x <#> y)) AS ip,
	count(*) FILTER (WHERE (a <=> b) IS DISTINCT FROM (x <=> y)) AS cosine,
	count(*) FILTER (WHERE (a <+> b) IS DISTINCT FROM (x <+> y)) AS l1,
	count(*) FILTER (WHERE l2_norm(a) IS DISTINCT FROM vector_norm(x)) AS norm,
	count(*) FILTER (WHERE (a <-> b) <> (b <-> a) OR (a <#> b) <> (b <#> a) OR (a <=> b) <> (b <=> a)
		OR (a <+> b) <> (b <+> a)) AS not_symmetric
FROM generate_series(1, 70) n,
	LATERAL (SELECT array_agg(sin(i))::halfvec AS a,
		array_agg(cos(i * n))::halfvec AS b FROM generate_series(1, n) i) h,
	LATERAL (SELECT a::vector AS x, b::vector AS y) f;
SELECT vector_dims('[1,2,3]'::halfvec), l2_norm('[3,4]'::halfvec), l2_norm('[0,0]'::halfvec) AS zero,
	l2_norm('[65504,65504]'::halfvec)::real AS large;
-- What takes a halfvec, by a name that does not say so, takes a vector too: the implicit cast would round it, or fail.
SELECT oid::regprocedure FROM pg_proc p
WHERE pronamespace = 'agentmem'::regnamespace AND 'halfvec'::regtype = ANY (proargtypes) AND proname !~ 'halfvec'
	AND NOT EXISTS (SELECT FROM pg_proc v WHERE v.pronamespace = p.pronamespace AND v.proname = p.proname
		AND v.proargtypes::oid[] = array_replace(p.proargtypes::oid[], 'halfvec'::regtype::oid, 'vector'::regtype::oid));
SELECT l2_norm('[0.1,65520]'::vector) = vector_norm('[0.1,65520]') AS not_rounded;

SELECT o.oprname, o.oprcode::regproc::oid::regprocedure AS function, o.oprcom::regoperator AS commutator,
	o.oprnegate::regoperator AS negator, o.oprrest, o.oprjoin, o.oprcanhash AS hash, o.oprcanmerge AS merge
FROM pg_operator o
WHERE o.oprnamespace = 'agentmem'::regnamespace AND o.oprleft = 'halfvec'::regtype
ORDER BY o.oprname COLLATE "C";

-- Arithmetic: rounded as the exact result would be.
SELECT '[1,2,3]'::halfvec + '[4,5,6]' AS add, '[1,2,3]'::halfvec - '[4,5,6]' AS sub,
	'[1,2,3]'::halfvec * '[4,5,6]' AS mul, '[1,2,3]'::halfvec || '[4,5]' AS concat;
SELECT '[2048,2050,65504]'::halfvec + '[1,1,15.99]' AS ties, '[1]'::halfvec - '[1]' AS zero,
	'[-1,0]'::halfvec * '[0,-1]' AS minus_zero, '[5.9604645e-08]'::halfvec * '[0.51]' AS smallest;
-- Longer than what is computed at a time.
SELECT sum_ok, sub_ok, mul_ok
FROM (SELECT array_agg(i)::halfvec AS a, array_agg(2 * i)::halfvec AS b, array_agg(3 * i)::halfvec AS c,
		array_agg(-1 * i)::halfvec AS d, array_agg(2)::halfvec AS two FROM generate_series(1, 600) i) x,
	LATERAL (SELECT a + b = c AS sum_ok, a - b = d AS sub_ok, a * two = b AS mul_ok) y;
SELECT vector_dims(array_fill(1, ARRAY[8000])::halfvec || array_fill(1, ARRAY[8000])::halfvec);
SELECT l2_normalize('[3,4]'::halfvec) AS unit, l2_normalize('[0,-0]'::halfvec) AS zero,
	l2_normalize('[65504,65504]'::halfvec) AS large, l2_normalize('[5.9604645e-08]'::halfvec) AS small;
SELECT binary_quantize('[1,0,-1,-0,5.9604645e-08,-5.9604645e-08]'::halfvec);
SELECT n, binary_quantize(array_agg(i % 3 - 1)::halfvec)
FROM generate_series(7, 17) n, generate_series(1, n) i GROUP BY n ORDER BY n;
SELECT s, n, subvector('[1,2,3,4,5]'::halfvec, s, n)
FROM (VALUES (1, 3), (3, 2), (5, 1), (-1, 3), (-2, 4), (3, 9), (3, 2147483647), (0, 2),
	(0, 2147483647), (-2147483000, 2147483647)) x (s, n);

-- Comparison: values first, then their number; minus zero is zero.
SELECT a, b, a::halfvec < b::halfvec AS lt, a::halfvec <= b::halfvec AS le, a::halfvec = b::halfvec AS eq,
	a::halfvec <> b::halfvec AS ne, a::halfvec >= b::halfvec AS ge, a::halfvec > b::halfvec AS gt,
	halfvec_cmp(a::halfvec, b::halfvec) AS cmp
FROM (VALUES ('[1,2,3]', '[1,2,3]'), ('[1,2,3]', '[1,2]'), ('[1,2]', '[1,2,3]'), ('[1,2]', '[2]'), ('[-1]', '[1]'),
	('[-2]', '[-1]'), ('[0]', '[-0]'), ('[-5.9604645e-08]', '[0]'), ('[65504]', '[-65504]')) x (a, b);
SELECT count(*) AS wrong
FROM (SELECT ARRAY[x]::halfvec AS v, lag(ARRAY[x]::halfvec) OVER (ORDER BY x) AS previous
	FROM (SELECT x FROM half UNION ALL SELECT -x FROM half WHERE x > 0) a) b
WHERE NOT previous < v;
CREATE TEMP TABLE sorted (v halfvec);
INSERT INTO sorted SELECT format('[%s,%s]', i % 7 - 3, i % 5)::halfvec FROM generate_series(0, 69) i;
INSERT INTO sorted VALUES ('[-0,1]'), (NULL);
CREATE INDEX sorted_btree ON sorted (v);
ANALYZE sorted;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT v FROM sorted WHERE v = '[0,1]';
SELECT v FROM sorted WHERE v = '[0,1]' ORDER BY v::text;
SELECT count(*) FROM sorted WHERE v > '[2,3]';
DROP INDEX sorted_btree;
-- A hash index takes values of any size.
INSERT INTO sorted VALUES (array_fill(1, ARRAY[16000]));
CREATE INDEX sorted_hash ON sorted USING hash (v);
EXPLAIN (COSTS OFF) SELECT v FROM sorted WHERE v = '[0,1]';
SELECT v FROM sorted WHERE v = '[0,1]' ORDER BY v::text;
SELECT vector_dims(v) FROM sorted WHERE v = array_fill(1, ARRAY[16000])::halfvec;
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT v, count(*) FROM sorted WHERE v < '[-2]' GROUP BY v ORDER BY v;
SELECT count(DISTINCT v) FROM sorted;

-- Hashing: equal values alike, whatever the sign of zero and however stored.
SELECT halfvec_hash('[0,1]') = halfvec_hash('[-0,1]') AS zeros, halfvec_hash('[1,2]') = halfvec_hash('[2,1]') AS others,
	halfvec_hash_extended('[0,1]', 7) = halfvec_hash_extended('[-0,1]', 7) AS extended_zeros,
	halfvec_hash_extended('[1]', 0) = halfvec_hash_extended('[1]', 1) AS seeds;
SET enable_sort = off;
SET enable_mergejoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM sorted a JOIN sorted b USING (v);
SELECT count(*) FROM sorted a JOIN sorted b USING (v);
SELECT v, count(*) FROM sorted WHERE v >= '[0,1]' AND v <= '[0,2]' GROUP BY v ORDER BY v;
RESET enable_sort;
RESET enable_mergejoin;
RESET enable_nestloop;
CREATE TEMP TABLE parts (v halfvec) PARTITION BY HASH (v);
CREATE TEMP TABLE part_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TEMP TABLE part_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts VALUES ('[0,1]'), ('[-0,1]');
SELECT count(DISTINCT tableoid) AS partitions FROM parts;

-- Aggregates.
SELECT avg(v), sum(v) FROM unnest(ARRAY['[1,2,3]'::halfvec, '[3,5,7]', NULL]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[]::halfvec[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[NULL, NULL]::halfvec[]) v;
-- The sum that an average needs does not have to fit.
SELECT avg(v) FROM unnest(ARRAY['[65504,1]'::halfvec, '[65504,2]', '[65504,-4]']) v;
SELECT halfvec_accum('{0}', '[1,2,3]'), halfvec_accum('{1,1,2,3}', '[4,5,6]') AS more, halfvec_avg('{2,2,4,6}'),
	halfvec_avg('{0}') AS none;
SELECT halfvec_combine('{0}', '{0}') AS none, halfvec_combine('{0}', '{1,2,3}') AS one,
	halfvec_combine('{1,2,3}', '{0}') AS other, halfvec_combine('{1,2,3}', '{2,5,6}') AS both;
-- A constant state is not changed in place.
CREATE TEMP TABLE state (s float8[]);
INSERT INTO state VALUES ('{1,1,2}');
SELECT halfvec_accum(s, '[1,1]') FROM state, generate_series(1, 2);
SELECT s FROM state;
-- In groups, over windows, of long values, and in parallel.
SELECT i % 2 AS odd, avg(format('[%s,%s]', i, i * 2)::halfvec), sum(format('[%s,%s]', i, i * 2)::halfvec)
FROM generate_series(1, 10) i GROUP BY 1 ORDER BY 1;
SELECT i, avg(format('[%s,1]', i)::halfvec) OVER (ORDER BY i ROWS 1 PRECEDING) FROM generate_series(1, 4) i;
SELECT vector_dims(avg(v)), avg(v) = array_fill(2, ARRAY[16000])::halfvec AS right_one
FROM (VALUES (array_fill(1, ARRAY[16000])::halfvec), (array_fill(3, ARRAY[16000])::halfvec)) x (v);
CREATE TABLE halfvec_parallel (v halfvec(4));
INSERT INTO halfvec_parallel SELECT ARRAY[i % 2, 1, i % 11 - 5, 0.5]::halfvec FROM generate_series(0, 21999) i;
ALTER TABLE halfvec_parallel SET (parallel_workers = 2);
ANALYZE halfvec_parallel;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT avg(v), sum(v - '[0,1,0,0]') FROM halfvec_parallel;
SELECT avg(v), sum(v - '[0.5,1,0,0.5]') FROM halfvec_parallel;
DROP TABLE halfvec_parallel;
