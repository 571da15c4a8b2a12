-- The vector type: text and binary form, type modifier, casts, storage, distances.
-- What it refuses is in vector_errors.
SET search_path = public, agentmem;

-- Text form.
SELECT '[1,2,3]'::vector;
SELECT '[-1,-2.5,3.]'::vector;
SELECT '[.5,+2,1e3,1E-3,1e+2]'::vector;
SELECT E' [ 1,\t2 ,\n\r 3\x0b]\f'::vector;
SELECT '[0,-0,00,-0.0]'::vector;
SELECT '[0x10,0x1p-1]'::vector;

-- The shortest text that reads back to the same float, whatever extra_float_digits says.
SET extra_float_digits = 0;
SELECT '[0.1,1.23456789,16777217,33333333,1e15,1e16,1.5e-5]'::vector;
RESET extra_float_digits;
SELECT '[3.4028235e38,-3.4028235e38,1.1754944e-38,1e-45]'::vector;
-- Too small for a float is zero, not an error.
SELECT '[1e-46,-1e-46,1e-400,0e999]'::vector;
SELECT '[00000000000000000000001,0.00000000000000000000001,12345678901234567890123]'::vector;

-- Each number means what it means to the type real, ties of two floats included.
-- 16777217 is such a tie; one digit far behind the point decides it.
CREATE TEMP TABLE literal (t text);
INSERT INTO literal
	SELECT sign || n || tail
	FROM (VALUES (''), ('-')) s (sign),
		generate_series(16777210, 16777240) n,
		(VALUES (''), ('.'), ('.0'), ('.00000001'), ('.000000001'), ('.0000000001'),
			('.00000000001'), ('.0000000000000001'), ('e-7'), ('e-22'), ('e-23'), ('e19'),
			('e20'), ('e30'), ('e31'), ('e-38'), ('e-45'), ('e-52'), ('e-53'), ('e007')) x (tail);
INSERT INTO literal
	SELECT n || '.9999999' || repeat('9', more)
	FROM generate_series(16777210, 16777240) n, generate_series(0, 12) more;
INSERT INTO literal
	SELECT n || repeat('0', zeros) || tail
	FROM generate_series(1, 2000, 13) n, generate_series(0, 20) zeros,
		(VALUES (''), ('e3'), ('e-9'), ('E-20')) x (tail);
INSERT INTO literal
	SELECT '0.' || repeat('0', zeros) || n || tail
	FROM generate_series(1, 2000, 13) n, generate_series(0, 20) zeros,
		(VALUES (''), ('e3'), ('e-9'), ('E-20')) x (tail);
-- Halfway between 1 and the next float, exactly, and the digits cut off after any of them.
INSERT INTO literal
	SELECT left('1.000000059604644775390625', len) || tail
	FROM generate_series(1, 26) len, (VALUES (''), ('0'), ('1'), ('9')) x (tail);
INSERT INTO literal VALUES ('9999999999999999999e19'), ('9999999999999999999e20'),
	('18446744073709551615'), ('18446744073709551616'), ('0.18446744073709551616');
SELECT count(*) AS literals,
	count(*) FILTER (WHERE vector_send(('[' || t || ']')::vector)
		<> '\x00010000'::bytea || float4send(t::real)) AS different
FROM literal
WHERE abs(t::double precision) < 3.4e38 AND (t::double precision = 0 OR abs(t::double precision) > 1e-44);

-- What is written reads back to the same bits: seed 0.5, magnitudes 1e-30 to 1e30.
SELECT setseed(0.5);
CREATE TEMP TABLE sample AS
	SELECT n, array_agg((random() - 0.5) * 10 ^ (n % 61 - 30))::vector AS v
	FROM generate_series(1, 1000) n, generate_series(1, 16)
	GROUP BY n;
SELECT count(*) AS vectors,
	count(*) FILTER (WHERE vector_send(v::text::vector) <> vector_send(v)) AS different
FROM sample;

-- Binary form: dimension, two zero bytes, floats, all in network order.
SELECT vector_send('[1,2,3]');
SELECT vector_send('[-0,0.1,3.4028235e38]');
CREATE FUNCTION pg_temp.receive(message bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	file bytea := '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0)
		|| int2send(1::int2) || int4send(length(message)) || message || int2send((-1)::int2);
	octal text;
	received text;
BEGIN
	SELECT string_agg(format('\%s%s%s', b >> 6, (b >> 3) & 7, b & 7), '' ORDER BY i) INTO octal
	FROM generate_series(0, length(file) - 1) i, get_byte(file, i) b;
	CREATE TEMP TABLE received (v vector) ON COMMIT DROP;
	EXECUTE format('COPY received FROM PROGRAM %L (FORMAT binary)', 'printf ''' || octal || '''');
	SELECT v INTO received FROM received;
	RETURN received;
END $$;
SELECT pg_temp.receive('\x000300003f8000004000000040400000');
SELECT pg_temp.receive(vector_send('[-0,0.1,1e-45,-3.4028235e38]'));

-- Type modifier.
SELECT '[1,2,3]'::vector(3);
SELECT format_type('vector'::regtype, 3) AS with_typmod, format_type('vector'::regtype, -1) AS without;
SELECT vector_dims(('[' || repeat('1,', 15999) || '1]')::vector(16000));

-- In a table.
CREATE TABLE item (id int PRIMARY KEY, v vector(3), any_dim vector, many vector[]);
SELECT attname, attstorage, attalign, format_type(atttypid, atttypmod)
FROM pg_attribute WHERE attrelid = 'item'::regclass AND attnum > 1 ORDER BY attnum;
INSERT INTO item VALUES
	(1, '[1,2,3]', '[1]', '{"[1,2]","[3]"}'),
	(2, ARRAY[4,5,6], ARRAY[1.5,2]::real[], NULL),
	(3, NULL, NULL, NULL),
	(4, '[1,2,4]', array_fill(0.25, ARRAY[16000]), ARRAY['[7]'::vector]);
SELECT id, v, vector_dims(any_dim), many FROM item ORDER BY id;
-- Nothing is compressed: 4 bytes a value, 8 in front; a small one is packed in 5 + 4 * n.
SELECT id, pg_column_size(v) AS v, pg_column_size(any_dim) AS any_dim FROM item ORDER BY id;
SELECT id, any_dim <-> any_dim AS same FROM item ORDER BY id;
COPY item (id, v) TO STDOUT;
COPY item (id, v) FROM STDIN;
5	[9,8,7]
\.
SELECT id FROM item ORDER BY v <-> '[1,2,3.6]', id;
SELECT id FROM item ORDER BY v <=> '[9,8,7]', id LIMIT 2;
SELECT id FROM item ORDER BY v <#> '[1,1,1]', id LIMIT 2;
DROP TABLE item;

-- Casts.
SELECT ARRAY[1,2,3]::vector, ARRAY[1.5,2.5]::vector AS from_numeric;
SELECT ARRAY[0.1,16777217]::real[]::vector, ARRAY[0.1,1e-46]::double precision[]::vector;
SELECT '{1,2,3}'::real[]::vector(3), '[5:7]={1,2,3}'::real[]::vector AS other_bounds;
SELECT '[1,2.5,-0]'::vector::real[];
-- Arrays of other numbers, on demand only: the float itself, the nearest integer, the digits of the text.
SELECT v::double precision[], v::integer[], v::numeric[] FROM (SELECT '[0.1,-2.5,1e-6,65504]'::vector AS v) t;
SELECT NULL::vector::numeric[] IS NULL AS null, quantize('[0.5,-1.5]', 8)::double precision[] = quantize(quantize('[0.5,-1.5]', 8), 32)::double precision[] AS precision;
CREATE TEMP TABLE numbers (a double precision[]);
INSERT INTO numbers SELECT '[1]'::vector;
DROP TABLE numbers;
SELECT '[3e9]'::vector::integer[];
CREATE TEMP TABLE list (a real[]);
INSERT INTO list SELECT '[1,2,3]'::vector;
SELECT * FROM list;
SELECT castsource::regtype, casttarget::regtype, castcontext
FROM pg_cast WHERE 'vector'::regtype IN (castsource, casttarget)
ORDER BY castsource::regtype::text COLLATE "C", casttarget::regtype::text COLLATE "C";

-- Distances.
SELECT l2_distance('[0,0]'::vector, '[3,4]'), '[0,0]'::vector <-> '[3,4]' AS operator;
SELECT inner_product('[1,2]'::vector, '[3,4]'), '[1,2]'::vector <#> '[3,4]' AS operator,
	vector_negative_inner_product('[1,2]', '[3,4]');
SELECT cosine_distance('[1,0]'::vector, '[0,2]'), '[1,1]'::vector <=> '[-1,-1]' AS operator;
-- Never outside 0 to 2, whatever rounding does.
SELECT cosine_distance('[1,1]'::vector, '[1.1,1.1]') AS same, '[1,1]'::vector <=> '[-1.1,-1.1]' AS opposite;
SELECT count(*) FILTER (WHERE v <=> v NOT BETWEEN 0 AND 1e-6) AS not_same
FROM sample WHERE n % 61 BETWEEN 15 AND 45;
-- A zero vector has no direction.
SELECT '[1,2]'::vector <=> '[0,0]' AS zero, '[0,0]'::vector <-> '[0,0]' AS l2, '[0,0]'::vector <#> '[1,2]' AS ip;
-- Too large for a float: infinite, and no direction either.
SELECT '[3e38]'::vector <-> '[-3e38]' AS l2, inner_product('[3e38]'::vector, '[3e38]') AS ip,
	'[3e38]'::vector <#> '[3e38]' AS negative_ip, '[3e38]'::vector <=> '[3e38]' AS cosine;
SELECT NULL::vector <-> '[1]' IS NULL AS strict;

-- All lengths around the width of a block of the kernels, and operands exchanged.
SELECT count(*) AS lengths,
	count(*) FILTER (WHERE inner_product(a, b) <> n * (n + 1) / 2) AS wrong_ip,
	count(*) FILTER (WHERE a <#> b <> - n * (n + 1) / 2) AS wrong_negative_ip,
	count(*) FILTER (WHERE (a <-> b) <> sqrt((n - 1) * n * (2 * n - 1) / 6)) AS wrong_l2,
	count(*) FILTER (WHERE abs((a <=> b) -
		(1 - (n + 1) / 2.0 / sqrt((n + 1) * (2 * n + 1) / 6.0))) > 1e-6) AS wrong_cosine,
	count(*) FILTER (WHERE (a <-> b) <> (b <-> a) OR (a <#> b) <> (b <#> a)
		OR (a <=> b) <> (b <=> a)) AS not_symmetric
FROM generate_series(1, 70) n,
	LATERAL (SELECT array_fill(1, ARRAY[n])::vector AS a, array_agg(i)::vector AS b
		FROM generate_series(1, n) i) x;

SELECT oprname, oprcode, oprcom::regoperator AS commutator
FROM pg_operator
WHERE oprnamespace = 'agentmem'::regnamespace AND oprname IN ('<->', '<#>', '<=>')
	AND oprleft = 'vector'::regtype AND oprright = 'vector'::regtype
ORDER BY oprname COLLATE "C";

SELECT vector_dims('[1,2,3]'::vector), vector_norm('[3,4]'), vector_norm('[0,0]') AS zero;
SELECT vector_norm('[3e37,4e37]')::real AS large, vector_norm('[3e-30,4e-30]')::real AS small;

-- A square that is too large leaves no direction: NaN, not a distance that looks like one.
SELECT '[1e20,0]'::vector <=> '[1e18,0]' AS one, '[1e20,0]'::agentmem.vector <=> '[1e20,0]' AS both, '[1e18,0]'::agentmem.vector <=> '[1e18,0]' AS fits;
