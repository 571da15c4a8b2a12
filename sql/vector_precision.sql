-- Precision: 32, 16, 8 and 1 bits a dimension.  What random, extreme and tiny values do is
-- tested in test/unit/test_quantize.c.
SET search_path = public, agentmem;

-- What is lost, and what it takes.  PRECISION is a word of SQL: without its schema the
-- function wants quotes.
SELECT bits, quantize(v, bits), agentmem.precision(quantize(v, bits)), "precision"(v)
FROM (SELECT '[1,-2,3.25,0,1e-5]'::vector AS v) AS t, unnest('{32,16,8,1}'::int[]) AS bits;
SELECT bits, pg_column_size(quantize(array_fill(0.5::real, ARRAY[384])::vector, bits)) AS bytes
FROM unnest('{32,16,8,1}'::int[]) AS bits;

-- Zero, minus zero, one dimension, the ends of the range.
SELECT quantize('[0,-0]', 16) AS q16, quantize('[0,-0]', 8) AS q8, quantize('[0,-0]', 1) AS q1;
SELECT quantize('[-7]', 16) AS q16, quantize('[-7]', 8) AS q8, quantize('[-7]', 1) AS q1;
SELECT quantize('[3.4028235e38,1]', 16) AS q16, quantize('[3.4028235e38,1]', 8) AS q8,
	quantize('[3.4028235e38,1]', 1) AS q1;
SELECT quantize('[1e-45,-3e-45]', 16) AS q16, quantize('[1e-45,-3e-45]', 8) AS q8,
	quantize('[1e-45,-3e-45]', 1) AS q1;

-- From one precision to another goes through the floats; back up adds nothing; the same
-- precision is the same value.
SELECT a, b, agentmem.precision(quantize(quantize(v, a), b)) AS bits,
	quantize(quantize(v, a), b)::real[] = quantize(quantize(quantize(v, a), 32), b)::real[] AS same
FROM (SELECT '[0.3,-0.7,0.11,0.9,-0.2]'::vector AS v) AS t,
	unnest('{32,16,8,1}'::int[]) AS a, unnest('{32,16,8,1}'::int[]) AS b
ORDER BY a DESC, b DESC;

-- Text and binary output are those of the floats.
SELECT bits, quantize(v, bits)::text = quantize(quantize(v, bits), 32)::text AS text,
	vector_send(quantize(v, bits)) = vector_send(quantize(quantize(v, bits), 32)) AS binary
FROM (SELECT '[0.3,-0.7,0.11]'::vector AS v) AS t, unnest('{16,8,1}'::int[]) AS bits;

-- Every measure over every pair of precisions is that of the floats, to the bit.  The
-- vectors are from a linear congruence; some are short enough for a short header.
CREATE FUNCTION pg_temp.made(seed int, dim int) RETURNS vector LANGUAGE sql IMMUTABLE AS
$$ SELECT array_agg((((i * 7919 + seed * 104729) % 2003) - 1001) / 1001.0::real ORDER BY i)::vector
   FROM generate_series(1, dim) AS i $$;
CREATE TABLE precisions (dim int, bits int, v vector);
INSERT INTO precisions
SELECT dim, bits, quantize(pg_temp.made(seed, dim), bits)
FROM unnest('{1,3,8,17,129,384,3000}'::int[]) AS dim, unnest('{32,16,8,1}'::int[]) AS bits,
	generate_series(1, 3) AS seed;
SELECT bits, array_agg(DISTINCT agentmem.precision(v)) AS stored, count(*) FROM precisions GROUP BY bits ORDER BY bits;
SELECT a.bits AS a, b.bits AS b, count(*),
	bool_and((a.v <-> b.v) = (quantize(a.v, 32) <-> quantize(b.v, 32))) AS l2,
	bool_and((a.v <#> b.v) = (quantize(a.v, 32) <#> quantize(b.v, 32))) AS ip,
	bool_and((a.v <=> b.v) = (quantize(a.v, 32) <=> quantize(b.v, 32))) AS cosine
FROM precisions AS a JOIN precisions AS b USING (dim)
GROUP BY a.bits, b.bits ORDER BY a.bits, b.bits;
SELECT bits, bool_and(vector_dims(v) = dim) AS dims,
	bool_and(vector_norm(v) = vector_norm(quantize(v, 32))) AS norm,
	bool_and(v::real[] = quantize(v, 32)::real[]) AS array
FROM precisions GROUP BY bits ORDER BY bits;

-- So it is with all else that takes vectors, whatever form the row keeps them in.
SELECT a.bits AS a, b.bits AS b,
	bool_and((a.v <+> b.v) = (quantize(a.v, 32) <+> quantize(b.v, 32))) AS l1,
	bool_and((a.v + b.v)::real[] = (quantize(a.v, 32) + quantize(b.v, 32))::real[]) AS plus,
	bool_and((a.v - b.v)::real[] = (quantize(a.v, 32) - quantize(b.v, 32))::real[]) AS minus,
	bool_and((a.v * b.v)::real[] = (quantize(a.v, 32) * quantize(b.v, 32))::real[]) AS times,
	bool_and((a.v || b.v)::real[] = (quantize(a.v, 32) || quantize(b.v, 32))::real[]) AS concat,
	bool_and(vector_cmp(a.v, b.v) = vector_cmp(quantize(a.v, 32), quantize(b.v, 32))) AS cmp
FROM precisions AS a JOIN precisions AS b USING (dim)
GROUP BY a.bits, b.bits ORDER BY a.bits, b.bits;
SELECT bits, bool_and(v = quantize(v, 32)) AS equal,
	bool_and(vector_hash(v) = vector_hash(quantize(v, 32))) AS hash,
	bool_and(l2_normalize(v)::real[] = l2_normalize(quantize(v, 32))::real[]) AS normalized,
	bool_and(subvector(v, 1, 2)::real[] = subvector(quantize(v, 32), 1, 2)::real[]) AS part,
	bool_and(binary_quantize(v) = binary_quantize(quantize(v, 32))) AS signs,
	bool_and(v::halfvec = quantize(v, 32)::halfvec) AS halfvec
FROM precisions GROUP BY bits ORDER BY bits;
SELECT dim, avg(v)::real[] = avg(quantize(v, 32))::real[] AS avg,
	sum(v ORDER BY bits)::real[] = sum(quantize(v, 32) ORDER BY bits)::real[] AS sum
FROM precisions GROUP BY dim ORDER BY dim;
-- Every function of vectors alone that there is: those that give something else for the floats are the two that
-- are about precision.
CREATE FUNCTION pg_temp.differ(function text, arguments int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	result bigint;
BEGIN
	EXECUTE format(CASE arguments
		WHEN 1 THEN 'SELECT count(*) FROM precisions a WHERE %1$s(a.v)::text IS DISTINCT FROM %1$s(quantize(a.v, 32))::text'
		ELSE 'SELECT count(*) FROM precisions a JOIN precisions b USING (dim)
			WHERE %1$s(a.v, b.v)::text IS DISTINCT FROM %1$s(quantize(a.v, 32), quantize(b.v, 32))::text' END
		|| ' AND dim < 1000', function) INTO result;
	RETURN result;
END $$;
SELECT count(*) > 25 AS many, string_agg(proname, ' ' ORDER BY proname) FILTER (WHERE pg_temp.differ(format('agentmem.%I', proname), pronargs) > 0) AS differ
FROM pg_proc
WHERE pronamespace = 'agentmem'::regnamespace AND prokind = 'f' AND pronargs IN (1, 2)
	AND proargtypes::oid[] <@ ARRAY['vector'::regtype::oid] AND prorettype <> 'internal'::regtype;
-- One bit and the signs of the floats say the same.
SELECT bool_and(binary_quantize(quantize(v, 1)) = binary_quantize(v)) AS same FROM precisions WHERE bits = 32;

-- Compressed, out of line, and in an index.
CREATE TABLE toasted (id int, bits int, v vector);
ALTER TABLE toasted ALTER v SET STORAGE EXTENDED;
INSERT INTO toasted
SELECT bits * 10 + dim % 2, bits, quantize(array_fill(0.1::real, ARRAY[dim])::vector, bits)
FROM unnest('{32,16,8,1}'::int[]) AS bits, unnest('{3000,15999}'::int[]) AS dim;
SELECT id, agentmem.precision(v), pg_column_size(v) < 4 * vector_dims(v) * bits / 32 AS compressed,
	v = quantize(array_fill(0.1::real, ARRAY[vector_dims(v)])::vector, bits) AS same
FROM toasted WHERE bits > 1 ORDER BY id;
CREATE INDEX ON precisions (v) WHERE dim < 200;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT count(*) FROM precisions AS p
WHERE dim < 200 AND EXISTS (SELECT FROM precisions AS q WHERE q.dim < 200 AND q.v = quantize(p.v, 32));
RESET ALL;
SET search_path = public, agentmem;

-- A type modifier checks and keeps what is stored.
CREATE TABLE narrow (v vector(3));
INSERT INTO narrow SELECT quantize('[1,2,3]', bits) FROM unnest('{32,16,8,1}'::int[]) AS bits;
SELECT agentmem.precision(v), v FROM narrow;
INSERT INTO narrow SELECT quantize('[1,2]', 8);
UPDATE narrow SET v = quantize(v, 8);
SELECT DISTINCT agentmem.precision(v) FROM narrow;

-- Errors.
SELECT quantize('[1]', 4);
SELECT quantize('[1]', 0);
SELECT quantize('[1]', NULL) IS NULL AS null;
SELECT quantize('[1,2]', 8) <-> quantize('[1]', 1);

-- frqad: at distance zero of itself, symmetric, and of two copies of one memory the one of
-- more bits is nearer, for the memory as the question and for one that is near to it.
SELECT frqad('[1,2,3]', '[1,2,3]') AS itself, frqad('[0,0]', '[0,0]') AS zero,
	round(frqad('[0,0]', '[1,0]')::numeric, 6) AS from_zero,
	frqad('[1,2,3]', quantize('[1,2,4]', 8)) = frqad(quantize('[1,2,4]', 8), '[1,2,3]') AS symmetric;
-- By hand: one dimension of two vectors whose variances are both 0.05.
SELECT round(frqad('[1]', '[1.1]')::numeric, 9) AS got,
	round((sqrt(2.0) * acosh(1 + (1.1::real - 1)^2 / (4 * 0.05)))::numeric, 9) AS want;
-- Values that are next to each other: acosh(1 + t) is sqrt(2 t) to the last digits, where 1 + t
-- would be 1 and the distance 0.
SELECT abs(frqad('[1,1e-10]', '[1,-1e-10]') / (2 * '1e-10'::real / sqrt(2 - 1.95 * '1e-10'::real)) - 1) < 1e-12 AS small,
	frqad('[1,1e-45]', '[1,0]') > 0 AS smallest;
-- Fewer bits alone: the same mean, deviations that are the fourth root of 32 / bits apart.
SELECT bits, abs(frqad('[1]', quantize('[1]', bits)) / (sqrt(2.0)
		* acosh(1 + 2 * ((32.0 / bits)^0.25 - 1)^2 / (4 * (32.0 / bits)^0.25))) - 1) < 1e-6 AS as_wanted
FROM unnest('{16,8,1}'::int[]) AS bits;
-- The ends of the range give numbers.
SELECT frqad('[3.4e38,-3.4e38]', '[-3.4e38,3.4e38]') BETWEEN 100 AND 1000 AS huge,
	frqad(quantize('[0,0]', 1), '[0,0]') > 0 AS other_bits;
SELECT count(*),
	bool_and(frqad(q, v) < frqad(q, quantize(v, 16))) AS over_16,
	bool_and(frqad(q, quantize(v, 16)) < frqad(q, quantize(v, 8))) AS over_8,
	bool_and(frqad(q, quantize(v, 8)) < frqad(q, quantize(v, 1))) AS over_1,
	bool_and((q <=> v) < (q <=> quantize(v, 16))) AS cosine_over_16,
	bool_and((q <=> v) < (q <=> quantize(v, 8))) AS cosine_over_8
FROM (SELECT v, near AS q
	FROM (SELECT pg_temp.made(seed, 64) AS v FROM generate_series(1, 50) AS seed) AS m,
		LATERAL (VALUES (v),
			((SELECT array_agg(x + 0.02 * (i % 3 - 1) ORDER BY i)
				FROM unnest(v::real[]) WITH ORDINALITY AS u(x, i))::vector)) AS n(near)) AS pairs;
SELECT frqad('[1,2]', '[1]');
SELECT frqad('[1,2]', NULL) IS NULL AS null;

-- Memories of all precisions side by side: a store keeps what it is given, and recalls it.
SET client_min_messages = warning;
SELECT create_store('precise', dimensions => 3);
SELECT count(*) FROM (SELECT remember('precise', 'a', bits || ' bits',
	embedding => quantize(array_fill(bits::real, ARRAY[2])::vector || '[8]', bits)) FROM unnest('{32,16,8,1}'::int[]) AS bits) AS r;
SELECT content, agentmem.precision(embedding) AS bits FROM precise.memory ORDER BY content;
SELECT content FROM recall('precise', 'a', embedding => quantize('[8,8,8]', 8), k => 1);
SELECT drop_store('precise', cascade => true);

-- its_score: 1 with itself, -1 with its opposite, 0 with what says nothing about it.
SELECT its_score(B'1100', B'1100') AS itself, its_score(B'1100', B'0011') AS opposite,
	its_score(B'1100', B'1010') AS independent;
-- I(q; o) / H(q) by hand: of ten places 4, 1, 2 and 3 have 11, 10, 01 and 00.
SELECT round(its_score(B'1111100000', B'1111011000')::numeric, 9) AS got,
	round(((0.4 * ln(0.4 / (0.5 * 0.6)) + 0.1 * ln(0.1 / (0.5 * 0.4))
		+ 0.2 * ln(0.2 / (0.5 * 0.6)) + 0.3 * ln(0.3 / (0.5 * 0.4))) / ln(2.0))::numeric, 9) AS want;
SELECT round(its_score(B'1111100000', B'0000100111')::numeric, 9) AS sign_of_disagreement;
-- Who agrees in half of the places agrees; the length does not matter, only how often what is.
SELECT its_score(B'1110', B'1101') > 0 AS half;
SELECT n, abs(its_score(repeat('1111100000', n)::varbit, repeat('1111011000', n)::varbit)
	/ its_score(B'1111100000', B'1111011000') - 1) < 1e-12 AS same
FROM unnest('{7,13,100,4001}'::int[]) AS n;
-- A question of one kind of bit has no information to share.
SELECT its_score(B'111', B'111') AS itself, its_score(B'111', B'000') AS opposite,
	its_score(B'111', B'110') AS else, its_score(B'110', B'111') AS other;
SELECT its_score(B'', B'') AS empty;
SELECT bool_and(its_score(a::bit(9), b::bit(9)) BETWEEN -1 AND 1) AS bounded,
	bool_and(abs(its_score(a::bit(9), b::bit(9)) + its_score(a::bit(9), ~b::bit(9))) < 1e-12) AS odd,
	bool_and(sign(its_score(a::bit(9), b::bit(9))) IN (0, sign(bit_count(a::bit(9) # b::bit(9)) * -2.0 + 9))) AS signs
FROM generate_series(0, 511, 3) AS a, generate_series(0, 511, 5) AS b;
SELECT its_score(B'1', B'10');
