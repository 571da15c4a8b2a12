-- Everything that the vector type refuses: code, message, detail.
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
SELECT pg_temp.failure(format('SELECT %L::vector', t))
FROM unnest(ARRAY[
	'', ' ', '1,2,3', '{1,2,3}', '[', '[ ', '[,', '[,]', '[1,]', '[1, ]', '[1,', '[1', '[1,2,3',
	'[1,2,3]9', '[1,2,3]]', '[[1]]', '[1,,3]', '[1, ,3]', '[1 2]', '[1;2]', '[hello,1]', '[1,a]',
	'[1a]', '[1e]', '[1e ]', '[1e ,2]', '[1e+]', '[1e- ]', '[e5]', '[.]', '[-]', '[+]', '[--1]', '[1-]', '[- 1]', '[1.2.3]', '[1..2]',
	'[1e5.5]', '[1e1e1]', '[0x]', '["1"]', '[null]', '[1_000]']) WITH ORDINALITY x (t, n)
ORDER BY n;

-- Number of dimensions.
SELECT pg_temp.failure(format('SELECT %L::vector', t)) FROM unnest(ARRAY['[]', '[ ]', ' [ ] ', '[]x']) t;
SELECT pg_temp.failure($$SELECT ('[' || repeat('1,', 16000) || '1]')::vector$$);
-- The limit is met before the rest is read.
SELECT pg_temp.failure($$SELECT ('[' || repeat('1,', 16000) || 'a]')::vector$$);

-- Values.
SELECT pg_temp.failure(format('SELECT %L::vector', t))
FROM unnest(ARRAY['[NaN,1]', '[1,nan]', '[-nan]', '[Infinity,1]', '[-Infinity]', '[inf]', '[4e38,1]', '[1,-4e38]',
	'[1e400]', '[3.4028236e38]', '[9999999999999999999e20]', '[340282350000000000000000000000000000000000]'])
	WITH ORDINALITY x (t, n)
ORDER BY n;
-- The last one that still rounds to a float, and the first that does not.
SELECT '[3.4028235677973366e38]'::vector;
SELECT pg_temp.failure($$SELECT '[3.4028235677973367e38]'::vector$$);

-- Type modifier.
SELECT pg_temp.failure(format('SELECT NULL::vector(%s)', t))
FROM unnest(ARRAY['0', '-1', '16001', '2147483648', '3,2', '''a''']) WITH ORDINALITY x (t, n) ORDER BY n;
SELECT pg_temp.failure($$SELECT '[1,2,3]'::vector(2)$$);
SELECT pg_temp.failure($$SELECT '{"[1,2,3]"}'::vector(4)[]$$);
CREATE TABLE item (v vector(3));
SELECT pg_temp.failure($$INSERT INTO item VALUES ('[1,2]')$$);
SELECT pg_temp.failure($$INSERT INTO item VALUES (ARRAY[1,2,3,4])$$);
SELECT pg_temp.failure($$INSERT INTO item SELECT '[1]'::vector$$);
COPY item FROM STDIN;
[1,2]
\.
SELECT count(*) FROM item;

-- Arrays.
SELECT pg_temp.failure(format('SELECT %s::vector', t))
FROM unnest(ARRAY[
	$$'{}'::real[]$$, $$'{}'::int[]$$, $$'{{1}}'::real[]$$, $$'{1,NULL}'::real[]$$, $$'{NULL}'::numeric[]$$,
	$$'{NaN}'::real[]$$, $$'{1,Infinity}'::real[]$$, $$'{-Infinity}'::double precision[]$$,
	$$'{NaN}'::numeric[]$$, $$'{4e38}'::double precision[]$$, $$'{4e38}'::numeric[]$$,
	$$array_fill(1, ARRAY[16001])$$, $$'{1,2}'::text[]$$]) WITH ORDINALITY x (t, n)
ORDER BY n;
SELECT pg_temp.failure($$SELECT '{1,2,3}'::real[]::vector(2)$$);

-- At every place, whatever is looked at at a time; the ends of the range are no mistake.
SELECT count(*) AS places,
	count(*) FILTER (WHERE pg_temp.failure(format('SELECT %L::real[]::vector', x[:p - 1] || 'Infinity'::real || x[p + 1:])) LIKE '22000 | infinite%') AS infinite,
	count(*) FILTER (WHERE pg_temp.failure(format('SELECT %L::real[]::vector', x[:p - 1] || 'NaN'::real || x[p + 1:])) LIKE '22000 | NaN%') AS nan,
	count(*) FILTER (WHERE pg_temp.failure(format('SELECT %L::vector + %L', x::vector,
		(array_fill(0::real, ARRAY[p - 1]) || (sign(x[p]) * 1e38)::real || array_fill(0::real, ARRAY[n - p]))::vector)) LIKE '22003%') AS overflow,
	count(*) FILTER (WHERE pg_temp.failure(format('SELECT %L::real[]::vector', x)) = 'no error') AS largest
FROM generate_series(1, 36) n, generate_series(1, n) p,
	LATERAL (SELECT array_agg((3.4028235e38 * (1 - 2 * (i % 2)))::real ORDER BY i) AS x FROM generate_series(1, n) i) a;

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
	(4, 'type modifier', '\x000200003f8000003f800000'),
	(5, 'unused', '\x000300013f8000003f8000003f800000'),
	(6, 'NaN', '\x000300003f8000007fc000003f800000'),
	(7, 'infinite', '\x000300003f800000ff8000003f800000'),
	(8, 'cut in a value', '\x000300003f8000003f8000003f80'),
	(9, 'cut in the head', '\x0003'),
	(10, 'one byte more', '\x000300003f8000003f8000003f80000000'),
	(11, 'well formed', '\x000300003f8000003f8000003f800000')) x (n, what, message)
ORDER BY n;
SELECT v FROM item;
DROP TABLE item;

-- Distances.
SELECT pg_temp.failure(format($$SELECT '[1,2]'::vector %s '[3]'$$, t))
FROM unnest(ARRAY['<->', '<#>', '<=>']) WITH ORDINALITY x (t, n) ORDER BY n;
SELECT pg_temp.failure(format($$SELECT %s('[1,2]'::vector, '[3]')$$, t))
FROM unnest(ARRAY['l2_distance', 'inner_product', 'vector_negative_inner_product', 'cosine_distance'])
	WITH ORDINALITY x (t, n)
ORDER BY n;
