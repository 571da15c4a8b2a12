-- Distances over strings of bits.
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

SELECT hamming_distance('111', '111'), hamming_distance('111', '110'), hamming_distance('111', '000');
SELECT B'111' <~> B'100' AS hamming, B'111' <%> B'100' AS jaccard;
SELECT jaccard_distance('1111', '1111'), jaccard_distance('1111', '1110'), jaccard_distance('1111', '0001'),
	jaccard_distance('1100', '1010'), jaccard_distance('1100', '0011') AS apart;
-- Nothing in common, even if it is all that there is.
SELECT jaccard_distance('000', '000') AS zeros, jaccard_distance('', '') AS empty, hamming_distance('', '') AS no_bits;
SELECT B'1' <~> NULL AS null_hamming, NULL <%> B'1' AS null_jaccard;

-- Lengths must agree, whatever the values.
SELECT pg_temp.failure(c) FROM unnest(ARRAY[$$SELECT B'111' <~> B'00'$$, $$SELECT B'1' <%> B''$$,
	$$SELECT hamming_distance(B'11111111', B'111111110')$$, $$SELECT jaccard_distance(B'', B'0')$$]) c;

-- Counted one by one, at every length, whole bytes or not.
SELECT bool_and(a <~> b = different AND a <%> b = CASE WHEN both_set = 0 THEN 1 ELSE 1 - both_set::float8 / either END) AS all_lengths
FROM generate_series(1, 300) n,
	LATERAL (SELECT string_agg(x::text, '' ORDER BY i)::varbit AS a,
		string_agg(y::text, '' ORDER BY i)::varbit AS b, sum((x <> y)::int) AS different, sum(x & y) AS both_set, sum(x | y) AS either
		FROM (SELECT i, (sin(i * i + n) > 0)::int AS x, (cos(i * i * 3 + n) > 0)::int AS y FROM generate_series(1, n) i) v) t;

-- Stored: with a short header, compressed, outside of the row.
CREATE TABLE bits (id int, b bit varying);
INSERT INTO bits VALUES (1, B'1010'), (2, B'0110'), (3, repeat('1', 200000)::varbit), (4, repeat('10', 100000)::varbit), (5, NULL);
SELECT a.id, b.id, a.b <~> b.b AS hamming, a.b <%> b.b AS jaccard
FROM bits a JOIN bits b ON a.id < b.id AND length(a.b) = length(b.b) ORDER BY 1, 2;
DROP TABLE bits;

-- With binary_quantize: how many signs differ.
SELECT v, binary_quantize(v) <~> binary_quantize('[1,1,1]'::vector) AS hamming
FROM unnest(ARRAY['[-1,-1,-1]', '[1,-1,1]', '[2,3,4]', '[0,5,-1]']::vector[]) v ORDER BY 2, 1;
