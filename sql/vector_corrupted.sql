-- Damaged values: any bytes at all, taken for a stored vector.  Each is an error that says
-- what is wrong with it, and never a crash or a wrong answer.  (Numbers are little-endian.)
SET search_path = public, agentmem;
CREATE CAST (bytea AS vector) WITHOUT FUNCTION;
CREATE FUNCTION pg_temp.try(stored bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	RETURN (stored::vector <-> stored::vector)::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(': ', SQLSTATE, SQLERRM, nullif(detail, ''));
END $$;

SELECT what, pg_temp.try(stored) FROM (VALUES
	('a good one', '\x02000000 0000803f 00000040'),
	('empty', ''),
	('half a header', '\x0200'),
	('no values', '\x02000000'),
	('a value short', '\x02000000 0000803f'),
	('a byte long', '\x02000000 0000803f 00000040 00'),
	('no dimensions', '\x00000000'),
	('negative dimensions', '\xffff0000'),
	('the fewest dimensions', '\x00800000'),
	('too many dimensions', '\x813e0000 0000803f'),
	('too many that fit', '\x813e0000' || repeat('0000803f', 16001)),
	('a newer format', '\x02001002 00000000 003c003c'),
	('bits that are none', '\x02000401 00000000 003c003c'),
	('16 bits, good', '\x02001001 00000000 003c003c'),
	('16 bits, short', '\x02001001 00000000 003c'),
	('16 bits, no scale', '\x02001001 0000'),
	('16 bits, exponent', '\x02001001 71000000 003c003c'),
	('16 bits, exponent', '\x02001001 5bffffff 003c003c'),
	('8 bits, good', '\x02000801 0000803f 017f'),
	('8 bits, long', '\x02000801 0000803f 017f00'),
	('8 bits, scale infinite', '\x02000801 0000807f 017f'),
	('8 bits, scale NaN', '\x02000801 0000c07f 017f'),
	('8 bits, scale negative', '\x02000801 000080bf 017f'),
	('8 bits, scale too large', '\x02000801 0000807e 017f'),
	('1 bit, good', '\x02000101 0000803f c0'),
	('1 bit, short', '\x02000101 0000803f'),
	('1 bit, scale infinite', '\x02000101 0000807f c0'),
	('1 bit, scale negative', '\x02000101 000080bf c0'),
	('1 bit, scale NaN', '\x02000101 0000c07f c0')
) AS t(what, bytes), LATERAL (SELECT decode(replace(replace(bytes, '\x', ''), ' ', ''), 'hex') AS stored) AS s;

-- Whoever looks at no value finds out all the same.
SELECT agentmem.precision('\x02001002000000003c003c00'::bytea::vector);
SELECT vector_dims('\x0200000000'::bytea::vector);
SELECT quantize('\x0200000000'::bytea::vector, 8);
SELECT '\x0200'::bytea::vector::vector(2) IS NULL;
SELECT '\x02001002000000003c003c00'::bytea::vector::vector(2) IS NULL;
DROP CAST (bytea AS vector);
