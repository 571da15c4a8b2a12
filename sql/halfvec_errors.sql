-- Everything that the halfvec type refuses: code, message, detail.
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

-- Malformed text.
SELECT pg_temp.failure(format('SELECT %L::halfvec', t))
FROM unnest(ARRAY[
	'', ' ', '1,2,3', '{1,2,3}', '[', '[ ', '[,', '[,]', '[1,]', '[1, ]', '[1,', '[1', '[1,2,3',
	'[1,2,3]9', '[1,2,3]]', '[[1]]', '[1,,3]', '[1, ,3]', '[1 2]', '[1;2]', '[hello,1]', '[1,a]',
	'[1a]', '[1e]', '[1e ]', '[1e ,2]', '[1e+]', '[1e- ]', '[e5]', '[.]', '[-]', '[+]', '[--1]', '[1-]', '[- 1]', '[1.2.3]', '[1..2]',
	'[1e5.5]', '[1e1e1]', '[0x]', '["1"]', '[null]', '[1_000]']) WITH ORDINALITY x (t, n)
ORDER BY n;

-- Number of dimensions.
SELECT pg_temp.failure(format('SELECT %L::halfvec', t)) FROM unnest(ARRAY['[]', '[ ]', ' [ ] ', '[]x']) t;
SELECT pg_temp.failure($$SELECT ('[' || repeat('1,', 16000) || '1]')::halfvec$$);
-- The limit is met before the rest is read.
SELECT pg_temp.failure($$SELECT ('[' || repeat('1,', 16000) || 'a]')::halfvec$$);

-- Values.
SELECT pg_temp.failure(format('SELECT %L::halfvec', t))
FROM unnest(ARRAY['[NaN,1]', '[1,nan]', '[-nan]', '[Infinity,1]', '[-Infinity]', '[inf]', '[65520,1]', '[1,-65520]',
	'[6.552e4]', '[0x1p16]', '[4e38,1]', '[1,-4e38]', '[1e400]', '[1, 70000 ,a]', '[9999999999999999999e20]'])
	WITH ORDINALITY x (t, n)
ORDER BY n;
-- The last floats that are rounded to a half; what is read as the next one is too large.
SELECT '[65519.996]'::halfvec, '[-65519.996]'::halfvec;
SELECT pg_temp.failure($$SELECT '[65519.999]'::halfvec$$);

-- Type modifier.
SELECT pg_temp.failure(format('SELECT NULL::halfvec(%s)', t))
FROM unnest(ARRAY['0', '-1', '16001', '2147483648', '3,2', '''a''']) WITH ORDINALITY x (t, n) ORDER BY n;
SELECT pg_temp.failure($$SELECT '[1,2,3]'::halfvec(2)$$);
SELECT pg_temp.failure($$SELECT '{"[1,2,3]"}'::halfvec(4)[]$$);
CREATE TABLE item (v halfvec(3));
SELECT pg_temp.failure($$INSERT INTO item VALUES ('[1,2]')$$);
SELECT pg_temp.failure($$INSERT INTO item VALUES (ARRAY[1,2,3,4])$$);
SELECT pg_temp.failure($$INSERT INTO item SELECT '[1]'::halfvec$$);
COPY item FROM STDIN;
[1,2]
\.
SELECT count(*) FROM item;

-- Arrays.
SELECT pg_temp.failure(format('SELECT %s::halfvec', t))
FROM unnest(ARRAY[
	$$'{}'::real[]$$, $$'{}'::int[]$$, $$'{{1}}'::real[]$$, $$'{1,NULL}'::real[]$$, $$'{NULL}'::numeric[]$$,
	$$'{NaN}'::real[]$$, $$'{1,Infinity}'::real[]$$, $$'{-Infinity}'::double precision[]$$,
	$$'{NaN}'::numeric[]$$, $$'{65520}'::real[]$$, $$'{1,-65520}'::double precision[]$$, $$'{65519.999}'::numeric[]$$,
	$$'{1,70000}'::int[]$$, $$'{NaN,70000}'::real[]$$, $$'{4e38}'::double precision[]$$, $$'{4e38}'::numeric[]$$,
	$$array_fill(1, ARRAY[16001])$$, $$'{1,2}'::text[]$$]) WITH ORDINALITY x (t, n)
ORDER BY n;
SELECT pg_temp.failure($$SELECT '{1,2,3}'::real[]::halfvec(2)$$);

-- Vectors.
SELECT pg_temp.failure(format('SELECT %s', t))
FROM unnest(ARRAY[$$'[65520]'::vector::halfvec$$, $$'[1,-3e38]'::vector::halfvec$$, $$'[1,2,3]'::vector::halfvec(2)$$,
	$$'[1,2,3]'::halfvec::vector(2)$$]) WITH ORDINALITY x (t, n)
ORDER BY n;

-- Binary form.
CREATE FUNCTION pg_temp.receive(message bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	file bytea := '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0)
		|| int2send(1::int2) || int4send(length(message)) || message || int2send((-1)::int2);
	octal text;
BEGIN
	SELECT string_agg(format('\%s%s%s', b >> 6, (b >> 3) & 7, b & 7), '' ORDER BY i) INTO octal
	FROM generate_series(0, length(file) - 1) i, get_byte(file, i) b;
	RETURN pg_temp.failure(format('COPY item FROM PROGRAM %L (FORMAT binary)', 'printf ''' || octal || ''''));
END $$;
SELECT what, pg_temp.receive(message)
FROM (VALUES
	(1, 'no dimension', '\x00000000'::bytea),
	(2, 'too many', int2send(16001::int2) || '\x0000'),
	(3, 'negative', '\xffff0000'),
	(4, 'type modifier', '\x000200003c003c00'),
	(5, 'unused', '\x000300013c003c003c00'),
	(6, 'NaN', '\x000300003c007e003c00'),
	(7, 'NaN, not the usual one', '\x000300003c00fc013c00'),
	(8, 'infinite', '\x000300003c00fc003c00'),
	(9, 'cut in a value', '\x000300003c003c003c'),
	(10, 'cut between values', '\x000300003c003c00'),
	(11, 'cut in the head', '\x0003'),
	(12, 'one byte more', '\x000300003c003c003c0000'),
	(13, 'a vector', '\x000300003f8000003f8000003f800000'),
	(14, 'well formed', '\x000300003c007bff8001')) x (n, what, message)
ORDER BY n;
SELECT v FROM item;
DROP TABLE item;

-- Found at every place, whatever is looked at at a time.
CREATE FUNCTION pg_temp.filled(n int, place int, value real) RETURNS real[] LANGUAGE sql RETURN (
	SELECT array_agg(CASE WHEN i = place THEN value ELSE 65504 - 131008 * (i % 2) END ORDER BY i) FROM generate_series(1, n) i);
SELECT count(*) AS places,
	count(*) FILTER (WHERE pg_temp.failure(format('SELECT %L::real[]::halfvec', pg_temp.filled(n, p, -65520))) LIKE '22003%') AS too_large,
	count(*) FILTER (WHERE pg_temp.failure(format('SELECT %L::real[]::halfvec', pg_temp.filled(n, p, '-Infinity'))) LIKE '22000%') AS infinite,
	count(*) FILTER (WHERE pg_temp.failure(format('SELECT %L::real[]::halfvec', pg_temp.filled(n, p, 'NaN'))) LIKE '22000%') AS nan,
	count(*) FILTER (WHERE pg_temp.failure(format('SELECT %L::halfvec + %L', pg_temp.filled(n, p, 60000)::halfvec,
		(array_fill(0::real, ARRAY[p - 1]) || 6000::real || array_fill(0::real, ARRAY[n - p]))::halfvec)) LIKE '22003%') AS overflow,
	count(*) FILTER (WHERE pg_temp.failure(format('SELECT %L::real[]::halfvec', pg_temp.filled(n, p, 65519))) = 'no error') AS largest
FROM generate_series(1, 10) n, generate_series(1, n) p;

-- Two of different dimensions.
SELECT pg_temp.failure(format($$SELECT '[1,2]'::halfvec %s '[3]'$$, t))
FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>', '+', '-', '*']) WITH ORDINALITY x (t, n) ORDER BY n;
SELECT pg_temp.failure(format($$SELECT %s('[1,2]'::halfvec, '[3]')$$, t))
FROM unnest(ARRAY['l2_distance', 'inner_product', 'cosine_distance', 'l1_distance', 'halfvec_negative_inner_product',
	'halfvec_l2_squared_distance', 'halfvec_spherical_distance']) WITH ORDINALITY x (t, n)
ORDER BY n;

-- Arithmetic.
SELECT pg_temp.failure(format('SELECT %s', t))
FROM unnest(ARRAY[$$'[1,65504]'::halfvec + '[1,16]'$$, $$'[-65504]'::halfvec - '[16]'$$, $$'[256]'::halfvec * '[-256]'$$,
	$$'[1e-4]'::halfvec * '[1e-4]'$$, $$'[1,5.9604645e-08]'::halfvec * '[1,-0.5]'$$,
	$$array_fill(0, ARRAY[16000])::halfvec || '[1]'$$]) WITH ORDINALITY x (t, n)
ORDER BY n;
SELECT pg_temp.failure(format($$SELECT subvector('[1,2,3]'::halfvec, %s)$$, t))
FROM unnest(ARRAY['1, 0', '1, -1', '4, 1', '-1, 2', '0, 1', '-2147483648, 2147483647', '2147483647, 2147483647',
	'-2147483648, -2147483648', '1, -2147483648']) WITH ORDINALITY x (t, n)
ORDER BY n;

-- Aggregates and their states.
SELECT pg_temp.failure(format($$SELECT %s(v) FROM unnest(ARRAY['[1,2]'::halfvec, '[3]']) v$$, t))
FROM unnest(ARRAY['avg', 'sum']) t;
SELECT pg_temp.failure($$SELECT sum(v) FROM unnest(ARRAY['[65504]'::halfvec, '[65504]']) v$$);
SELECT pg_temp.failure(format('SELECT %s', t))
FROM unnest(ARRAY[
	$$halfvec_accum('{}', '[1]')$$, $$halfvec_accum('{{0}}', '[1]')$$, $$halfvec_accum('{NULL}', '[1]')$$,
	$$halfvec_accum('{0,0}', '[1,2]')$$, $$halfvec_accum('{1,Infinity}', '[1]')$$,
	$$halfvec_avg('{}')$$, $$halfvec_avg('{{2,2}}')$$, $$halfvec_avg('{NULL,2}')$$, $$halfvec_avg('{1}')$$,
	$$halfvec_avg('{1,65520}')$$, $$halfvec_avg('{1,NaN}')$$, $$halfvec_avg('{1,Infinity}')$$, $$halfvec_avg('{NaN,1}')$$,
	$$halfvec_avg(array_fill(1::float8, ARRAY[16002]))$$,
	$$halfvec_combine('{}', '{0}')$$, $$halfvec_combine('{0}', '{{0}}')$$, $$halfvec_combine('{1,2}', '{1,2,3}')$$])
	WITH ORDINALITY x (t, n)
ORDER BY n;

-- Damaged values.  257 (0x0101) and 16191 (0x3f3f) read the same in either byte order.
CREATE CAST (bytea AS halfvec) WITHOUT FUNCTION;
CREATE FUNCTION pg_temp.use(damaged bytea) RETURNS text LANGUAGE sql
	RETURN pg_temp.failure(format('SELECT vector_dims(%L::bytea::halfvec)', damaged));
SELECT what, pg_temp.use(bytes)
FROM (VALUES
	(1, 'empty', ''::bytea),
	(2, 'cut in the head', '\x0101'),
	(3, 'no dimension', '\x00000000'),
	(4, 'negative', '\xffff00000000'),
	(5, 'too many', int2send(16191::int2) || '\x0000' || decode(repeat('00', 2 * 16191), 'hex')),
	(6, 'cut in the values', '\x01010000' || decode(repeat('00', 513), 'hex')),
	(7, 'one byte more', '\x01010000' || decode(repeat('00', 515), 'hex')),
	(8, 'unused', '\x01010101' || decode(repeat('00', 514), 'hex')),
	(9, 'well formed', '\x01010000' || decode(repeat('00', 514), 'hex'))) x (n, what, bytes)
ORDER BY n;
-- Every function looks.
SELECT t, pg_temp.failure(format(t, $$'\x0101'::bytea::halfvec$$))
FROM unnest(ARRAY['SELECT %s::text', 'SELECT halfvec_send(%s)', 'SELECT %s::halfvec(3)', 'SELECT %s::vector',
	'SELECT %s::real[]', $$SELECT '[1]'::halfvec <-> %s$$, $$SELECT '[1]'::halfvec + %s$$, $$SELECT '[1]'::halfvec || %s$$,
	$$SELECT '[1]'::halfvec < %s$$, 'SELECT halfvec_hash(%s)', 'SELECT l2_norm(%s)', 'SELECT l2_normalize(%s)',
	'SELECT binary_quantize(%s)', 'SELECT subvector(%s, 1, 1)', $$SELECT halfvec_accum('{0}', %s)$$]) WITH ORDINALITY x (t, n)
ORDER BY n;
DROP CAST (bytea AS halfvec);
