# agentmem and pgvector in one database: contrib/agentmem_pgvector converts both ways, a column
# of pgvector's changes its type without a rewrite, neither library's operators and
# functions are ambiguous or hide the other's, and whatever pgvector has for its vector, its
# halfvec and for bit, agentmem has with the same properties.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
for my $extension ('vector', 'agentmem_pgvector')
{
	next if $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = '$extension'");
	$node->stop;
	plan skip_all => ($extension eq 'vector' ? 'pgvector' : $extension) . ' is not installed in this server';
}

sub database
{
	my ($name, $schema) = @_;
	$node->safe_psql('postgres', qq(CREATE DATABASE "$name"));
	$node->safe_psql($name, qq(
		CREATE SCHEMA IF NOT EXISTS "$schema";
		CREATE EXTENSION vector SCHEMA "$schema";
		CREATE EXTENSION agentmem_pgvector CASCADE;
	));
	return;
}

# The SQLSTATE and message of a statement that fails, 'no error' of one that does not.
sub failure
{
	my ($name, $sql) = @_;
	my (undef, undef, $stderr) = $node->psql($name, "\\set VERBOSITY verbose\n$sql");
	return $stderr =~ /ERROR:  (.*)/ ? $1 : 'no error';
}

sub is_query
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($name, $query, $expected, $what) = @_;
	is($node->safe_psql($name, $query), $expected, "$name: $what");
	return;
}

# What of pgvector's has no equal among ours, by the catalogs; names are without their schema.
# Left out are sparsevec, which agentmem does not have, and the two access methods with what
# serves nothing else.
my $missing = q{
	WITH member AS (
		SELECT extname, classid::regclass::text AS class, objid FROM pg_depend JOIN pg_extension e ON e.oid = refobjid
		WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass),
	type AS (SELECT oid, typname AS name FROM pg_type),
	thing (extname, what) AS (
		SELECT extname, concat_ws(' ', 'type', typname, typlen, typalign, typstorage, typmodin <> 0)
		FROM member JOIN pg_type t ON class = 'pg_type' AND objid = t.oid WHERE typtype = 'b' AND typelem = 0
		UNION ALL
		SELECT extname, concat_ws(' ', 'function', proname, (SELECT array_agg(name ORDER BY n)
			FROM unnest(proargtypes) WITH ORDINALITY a (argument, n) JOIN type ON oid = argument), r.name,
			prokind, proisstrict, provolatile, proparallel, transition.name, aggcombinefn <> 0)
		FROM member JOIN pg_proc p ON class = 'pg_proc' AND objid = p.oid JOIN type r ON r.oid = prorettype
			LEFT JOIN pg_aggregate ON aggfnoid = p.oid LEFT JOIN type transition ON transition.oid = aggtranstype
		UNION ALL
		-- The estimators of pgvector's <> are those of equality.
		SELECT extname, concat_ws(' ', 'operator', l.name, o.oprname, r.name, x.name,
			c.oprname, n.oprname, CASE WHEN o.oprname <> '<>' THEN concat(o.oprrest, o.oprjoin) END)
		FROM member JOIN pg_operator o ON class = 'pg_operator' AND objid = o.oid JOIN type l ON l.oid = oprleft
			JOIN type r ON r.oid = oprright JOIN type x ON x.oid = oprresult
			LEFT JOIN pg_operator c ON c.oid = o.oprcom LEFT JOIN pg_operator n ON n.oid = o.oprnegate
		UNION ALL
		SELECT extname, concat_ws(' ', 'cast', s.name, t.name, castcontext, castmethod)
		FROM member JOIN pg_cast c ON class = 'pg_cast' AND objid = c.oid JOIN type s ON s.oid = castsource
			JOIN type t ON t.oid = casttarget
		UNION ALL
		SELECT extname, concat_ws(' ', 'operator class', opcname, amname, name, opcdefault)
		FROM member JOIN pg_opclass c ON class = 'pg_opclass' AND objid = c.oid JOIN pg_am m ON m.oid = opcmethod
			JOIN type ON type.oid = opcintype)
	SELECT what FROM thing WHERE extname = 'vector' AND what !~ '\m(_?sparsevec\w*|internal|hnsw|ivfflat)\M'
	EXCEPT
	SELECT what FROM thing WHERE extname = 'agentmem' ORDER BY 1};

# Wherever pgvector is, in a schema that must be quoted too.
my %schema = (usual => 'public', moved => 'Vectors of "others"');
s/"/""/g for values %schema;
database($_, $schema{$_}) for sort keys %schema;

for my $name (sort keys %schema)
{
	my $p = qq("$schema{$name}");

	is_query($name, $missing, '', "nothing of pgvector's is missing");
	is_query($name, q(SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast
		WHERE castfunc IN (SELECT objid FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
			AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'agentmem_pgvector'))
			AND castcontext <> 'a'), '', 'every cast is one of assignment');
	for my $type ('vector', 'halfvec')
	{
		is_query($name, "SELECT '[1,-0,0.5]'::$p.$type\::agentmem.$type", '[1,-0,0.5]', "$type from pgvector");
		is_query($name, "SELECT '[1,-0,0.5]'::agentmem.$type\::$p.$type", '[1,-0,0.5]', "$type to pgvector");
		is_query($name, "SELECT NULL::$p.$type\::agentmem.$type IS NULL AND NULL::agentmem.$type\::$p.$type IS NULL",
			't', "$type null");
		is_query($name, "SELECT ARRAY['[1,2]', NULL, '[3]']::$p.$type\[]::agentmem.$type\[]::$p.$type\[]",
			'{"[1,2]",NULL,[3]}', "$type arrays");
		for my $cast ("'[1,2]'::$p.$type\::agentmem.$type(3)", "'[1,2]'::agentmem.$type\::$p.$type(3)",
			"'[1,2]'::$p.$type(2)::agentmem.$type(3)", "'[1,2]'::agentmem.$type(2)::$p.$type(3)")
		{
			is(failure($name, "SELECT $cast"), '22000: expected 3 dimensions, not 2', "$name: $cast");
		}
		is_query($name, "SELECT '[1,2]'::$p.$type(2)::agentmem.$type(2), '[1,2]'::agentmem.$type\::$p.$type(2)",
			'[1,2]|[1,2]', "$type with the right modifier");

		# A table changes type; rows inline and rows that are toasted keep their place.
		$node->safe_psql($name, qq(
			CREATE TABLE ${type}s (id int PRIMARY KEY, free $p.$type, small $p.$type(3), large $p.$type(2000));
			INSERT INTO ${type}s SELECT i, CASE WHEN i % 7 > 0 THEN format('[%s,2]', i)::$p.$type END, format('[1,%s,-0]', i)::$p.$type,
				(SELECT array_agg(i * 0.37 + j ORDER BY j) FROM generate_series(1, 2000) j)::real[]::$p.$type
			FROM generate_series(1, 100) i;
		));
		my $content = qq(SELECT md5(string_agg(t::text, ' ' ORDER BY id)) FROM ${type}s t);
		my $file = qq(SELECT pg_relation_filenode('${type}s'), pg_relation_filenode(reltoastrelid) FROM pg_class WHERE oid = '${type}s'::regclass);
		my $types = qq(SELECT string_agg(format('%s %s', atttypid = 'agentmem.$type'::regtype, atttypmod), ',' ORDER BY attnum)
			FROM pg_attribute WHERE attrelid = '${type}s'::regclass AND attnum > 1);
		my ($before, $node_before) = ($node->safe_psql($name, $content), $node->safe_psql($name, $file));
		is(failure($name, qq(ALTER TABLE ${type}s ALTER small TYPE agentmem.$type(4))), '22000: expected 4 dimensions, not 3',
			"$name: $type, another dimension is refused");
		$node->safe_psql($name, qq(
			ALTER TABLE ${type}s ALTER free TYPE agentmem.$type, ALTER small TYPE agentmem.$type(3), ALTER large TYPE agentmem.$type(2000)));
		is_query($name, $types, 't -1,t 3,t 2000', "$type, the columns have changed");
		is_query($name, $content, $before, "$type, the values have not");
		is_query($name, $file, $node_before, "$type, and the table was not rewritten");
		is(failure($name, qq(INSERT INTO ${type}s (id, small) VALUES (0, '[1,2]'))), '22000: expected 3 dimensions, not 2',
			"$name: $type, the modifier holds");

		# Back, by rewriting unless the layout cannot differ, and there again without the modifier.
		$node->safe_psql($name, qq(
			ALTER TABLE ${type}s ALTER free TYPE $p.$type, ALTER small TYPE $p.$type(3), ALTER large TYPE $p.$type(2000)));
		is_query($name, $types, 'f -1,f 3,f 2000', "$type, back");
		is_query($name, $content, $before, "$type, with the same values");
		is_query($name, $file, $node_before, "$type, and no rewrite on the way back") if $type eq 'halfvec';
		$node_before = $node->safe_psql($name, $file);
		$node->safe_psql($name, qq(ALTER TABLE ${type}s ALTER small TYPE agentmem.$type));
		is_query($name, $file, $node_before, "$type, no rewrite for a column without a modifier");
		# A modifier that was not there has to be checked.
		is(failure($name, qq(ALTER TABLE ${type}s ALTER free TYPE agentmem.$type(3))), '22000: expected 3 dimensions, not 2',
			"$name: $type, a new modifier is checked");
		$node->safe_psql($name, qq(ALTER TABLE ${type}s ALTER free TYPE agentmem.$type(2)));
		is_query($name, $types, 't 2,t -1,f 2000', "$type, and set");
		is_query($name, $content, $before, "$type, with the same values");

		# Assignment, without a word in the statement.
		is_query($name, qq(
			CREATE TABLE ${type}_two (p $p.$type(2), a agentmem.$type(2));
			INSERT INTO ${type}_two (p, a) VALUES ('[1,2]', '[3,4]');
			INSERT INTO ${type}_two (p, a) SELECT a, p FROM ${type}_two;
			UPDATE ${type}_two SET a = p WHERE p::text = '[1,2]';
			DO \$\$ DECLARE v agentmem.$type; BEGIN SELECT p INTO v FROM ${type}_two LIMIT 1;
				INSERT INTO ${type}_two (p) VALUES (v); END \$\$;
			SELECT string_agg(concat(p, a), ' ') FROM ${type}_two), '[3,4][1,2] [1,2][1,2] [3,4]', "$type assigned");
		# What either writes in binary is the other's.
		$node->safe_psql($name, qq(
			\\copy ${type}_two (a) TO '${\$node->basedir}/$name.$type.a' WITH (FORMAT binary)
			\\copy ${type}_two (p) FROM '${\$node->basedir}/$name.$type.a' WITH (FORMAT binary)
			\\copy ${type}_two (p) TO '${\$node->basedir}/$name.$type.p' WITH (FORMAT binary)
			\\copy ${type}_two (a) FROM '${\$node->basedir}/$name.$type.p' WITH (FORMAT binary)
		));
		is_query($name, qq(SELECT count(*), count(p), count(a), count(DISTINCT a::text) FROM ${type}_two), '12|5|7|2', "$type in binary");
	}

	# Partitions of a table that changes type.
	$node->safe_psql($name, qq(
		CREATE TABLE parts (id int, v $p.vector(3)) PARTITION BY HASH (id);
		CREATE TABLE part0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
		CREATE TABLE part1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
		INSERT INTO parts SELECT i, '[1,2,3]' FROM generate_series(1, 10) i));
	my $parts = q(SELECT pg_relation_filenode('part0'), pg_relation_filenode('part1'));
	my $before = $node->safe_psql($name, $parts);
	$node->safe_psql($name, 'ALTER TABLE parts ALTER v TYPE agentmem.vector(3)');
	is_query($name, $parts, $before, 'partitions are not rewritten');
	is_query($name, q(SELECT count(*) FROM parts WHERE v OPERATOR(agentmem.<->) '[1,2,4]' = 1), '10', 'and are read');

	# An index of pgvector's has to go first, and can come back with the type.
	$node->safe_psql($name, qq(
		CREATE TABLE near (id int, v $p.vector(3));
		INSERT INTO near SELECT i, format('[1,%s,0]', i)::$p.vector FROM generate_series(1, 50) i;
		CREATE INDEX near_v ON near USING hnsw (v $p.vector_l2_ops)));
	like(failure($name, 'ALTER TABLE near ALTER v TYPE agentmem.vector(3)'),
		qr/operator class .* does not accept data type agentmem\.vector/, "$name: an index of pgvector's stands in the way");
	$node->safe_psql($name, 'DROP INDEX near_v; ALTER TABLE near ALTER v TYPE agentmem.vector(3)');
	my $nearest = q(SELECT string_agg(id::text, ' ') FROM (SELECT id FROM near ORDER BY v OPERATOR(%s.<->) '[1,20.1,0]' LIMIT 4) n);
	is_query($name, sprintf($nearest, 'agentmem'), '20 21 19 22', 'its rows in order');
	$node->safe_psql($name, "ALTER TABLE near ALTER v TYPE $p.vector(3); CREATE INDEX near_v ON near USING hnsw (v $p.vector_l2_ops)");
	is_query($name, 'SET enable_seqscan = off; ' . sprintf($nearest, $p), '20 21 19 22', "and by pgvector's index again");
	# One by the order of vectors is made anew by the way.
	$node->safe_psql($name, qq(
		CREATE TABLE sorted AS SELECT v FROM near;
		CREATE INDEX sorted_v ON sorted (v)));
	my $sorted = $node->safe_psql($name, q(SELECT pg_relation_filenode('sorted')));
	$node->safe_psql($name, 'ALTER TABLE sorted ALTER v TYPE agentmem.vector(3)');
	is_query($name, q(SELECT pg_relation_filenode('sorted')), $sorted, 'not so the table of a btree index');
	is_query($name, q(SELECT opcintype::regtype FROM pg_opclass WHERE oid = (SELECT indclass[0] FROM pg_index WHERE indexrelid = 'sorted_v'::regclass)),
		'agentmem.vector', 'whose index is for the new type');
	is_query($name, q(SET enable_seqscan = off; SELECT count(*) FROM sorted WHERE v OPERATOR(agentmem.>=) '[1,20,0]'), '31', 'and finds the rows');
	# A table that stays as it is can be read by our operators.
	is_query($name, sprintf($nearest =~ s/ORDER BY v/ORDER BY v::agentmem.vector/r, 'agentmem'), '20 21 19 22', 'or without moving');

	# Neither hides the other, in any order; and what is of both kinds is said, not guessed.
	$node->safe_psql($name, qq(
		CREATE TABLE p AS SELECT i AS id, format('[1,%s]', i)::$p.vector(2) AS v FROM generate_series(1, 9) i;
		CREATE TABLE a AS SELECT id, v::agentmem.vector(2) FROM p));
	for my $path ("$p, agentmem", "agentmem, $p", "agentmem, public, $p", "$p, pg_catalog, agentmem")
	{
		my $set = "SET search_path = $path, public";
		is_query($name, "$set; SELECT pg_typeof('[1]'::vector) = '" . ($path =~ /^agentmem/ ? 'agentmem' : $p) . ".vector'::regtype",
			't', "$path: what is called vector");
		for my $table ('a', 'p')
		{
			my $of = $table eq 'a' ? 'agentmem' : $p;
			for my $operator ('<->', '<#>', '<=>', '<+>', '+', '-', '*', '||', '=', '<>', '<', '>=')
			{
				is_query($name, qq($set; CREATE VIEW public.used AS SELECT v $operator '[1,5]' AS l, '[1,5]' $operator v AS r, v $operator v AS b FROM public.$table;
					SET search_path = pg_catalog;
					SELECT count(*) FROM pg_depend d JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND d.refobjid = o.oid
					WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = (SELECT oid FROM pg_rewrite WHERE ev_class = 'public.used'::regclass)
					AND o.oprnamespace = '$of'::regnamespace AND o.oprname = '$operator';
					DROP VIEW public.used), '1', "$path: $operator of $table");
			}
			is_query($name, "$set; SELECT string_agg(id::text, '' ORDER BY d, id) FROM (SELECT id, v <-> '[1,5]' AS d FROM $table) s", '546372819',
				"$path: $table in order");
			is_query($name, "$set; SELECT l2_distance(v, '[1,5]'), inner_product('[1,5]', v), vector_dims(v), round(vector_norm(v)::numeric, 3)
				FROM $table WHERE id = 3", '2|16|2|3.162', "$path: functions of $table");
			is_query($name, "$set; PREPARE q AS SELECT id FROM $table ORDER BY v <=> \$1 LIMIT 1; EXECUTE q('[1,6]')", '6',
				"$path: a parameter without a type, $table");
			is_query($name, "$set; SELECT avg(v), sum(v), count(DISTINCT v), min(v::text) FROM $table WHERE id < 4", '[1,2]|[3,6]|3|[1,1]',
				"$path: aggregates of $table");
			is_query($name, "$set; SELECT id FROM $table WHERE v > '[1,7]' ORDER BY v DESC", "9\n8", "$path: comparison and order of $table");
			is_query($name, "$set; SELECT v::real[], v::text FROM $table WHERE id = 3", '{1,3}|[1,3]', "$path: other casts of $table");
		}
		like(failure($name, "$set; SELECT a.v $_ p.v FROM a, p"), qr/^42883: operator does not exist/, "$name: $path: $_ of both kinds")
		  for ('<->', '=', '+', '||');
		# Over bit both have the same operator, and the first in the path is taken.
		is_query($name, "$set; SELECT B'101' <~> B'110', round((B'101' <%> B'110')::numeric, 3)", '2|0.667', "$path: distances of bits");
		is_query($name, "$set; SELECT a.v <-> p.v::agentmem.vector, a.v::$p.vector <-> p.v FROM a JOIN p USING (id) WHERE id = 1", '0|0',
			"$path: one that is said");
	}

	# What is not in single precision arrives as the values that it prints as.
	is_query($name, qq(
		SELECT count(*), count(*) FILTER (WHERE q::$p.vector(50)::text <> q::text), count(*) FILTER (WHERE q::$p.vector::text <> q::text),
			count(*) FILTER (WHERE q::$p.vector::text::agentmem.vector OPERATOR(agentmem.<->) q <> 0)
		FROM (SELECT agentmem.quantize(v, bits) AS q FROM unnest('{32,16,8,1}'::int[]) bits,
			(SELECT array_agg(sin(i * j) ORDER BY j)::real[]::agentmem.vector AS v
			 FROM generate_series(1, 10) i, generate_series(1, 50) j GROUP BY i) o OFFSET 0) s), '40|0|0|0', 'other precisions');
	$node->safe_psql($name, qq(CREATE TABLE mixed AS SELECT i, agentmem.quantize(format('[1,%s]', i)::agentmem.vector(2), bits)::agentmem.vector(2) AS v
		FROM generate_series(1, 10) i, unnest('{32,16,8,1}'::int[]) bits));
	my $mixed = $node->safe_psql($name, q(SELECT string_agg(v::text, '' ORDER BY i, v::text) FROM mixed));
	$node->safe_psql($name, "ALTER TABLE mixed ALTER v TYPE $p.vector(2)");
	is_query($name, qq(SELECT string_agg(v::text, '' ORDER BY i, v::text), count(*) FILTER (WHERE v OPERATOR($p.<->) v = 0) FROM mixed), "$mixed|40",
		'a table of them, rewritten');

	# Who may: anyone converts; only a superuser installs.
	$node->safe_psql($name, 'CREATE ROLE someone; GRANT CREATE ON DATABASE ' . $name . ' TO someone') if $name eq 'moved';
	is_query($name, "GRANT USAGE ON SCHEMA $p TO someone; GRANT USAGE ON SCHEMA agentmem TO someone;
		SET ROLE someone; SELECT '[1]'::$p.vector::agentmem.vector::$p.vector", '[1]', 'anyone converts');
	is(failure($name, 'DROP EXTENSION agentmem_pgvector; SET ROLE someone; CREATE EXTENSION agentmem_pgvector'),
		'42501: permission denied to create extension "agentmem_pgvector"', "$name: only a superuser installs");
	$node->safe_psql($name, 'CREATE EXTENSION agentmem_pgvector');
	like(failure($name, 'DROP EXTENSION vector'), qr/^2BP01: /, "$name: pgvector does not go before what needs it");
}

# pg_dump puts the three in order, and views that convert.
$node->safe_psql($_, qq(
	CREATE VIEW converted AS SELECT id, v::agentmem.vector(2) AS v FROM p UNION ALL SELECT id, v::"$schema{$_}".vector(2)::agentmem.vector FROM a))
  for sort keys %schema;
my $ask = q(
	SELECT md5(string_agg(concat(id, v), ' ' ORDER BY id, v::text)) FROM converted;
	SELECT string_agg(concat(id, v), ' ' ORDER BY id) FROM p;
	SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid IN ('p'::regclass, 'a'::regclass) AND attname = 'v' ORDER BY 1;
	SELECT extname, extnamespace::regnamespace FROM pg_extension ORDER BY 1;
	SELECT castsource::regtype, casttarget::regtype, castfunc::regprocedure, castcontext FROM pg_cast
	WHERE castfunc::regproc::text ~ 'pgvector' ORDER BY castfunc::regprocedure::text;
);
for my $name (sort keys %schema)
{
	my $file = $node->basedir . "/$name.dump";
	my $answer = $node->safe_psql($name, $ask);
	like($answer, qr/agentmem\.to_pgvector/, "$name: the casts are there");
	$node->command_ok([ 'pg_dump', '-d', $node->connstr($name), '-F', 'plain', '-f', "$file.sql" ], "$name: plain dump");
	$node->command_ok([ 'pg_dump', '-d', $node->connstr($name), '-F', 'custom', '-f', $file ], "$name: custom dump");
	$node->safe_psql('postgres', "CREATE DATABASE ${name}_plain; CREATE DATABASE ${name}_custom");
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr("${name}_plain"), '-f', "$file.sql" ], "$name: restored");
	$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr("${name}_custom"), $file ], "$name: restored from custom");
	is_query("${name}_$_", $ask, $answer, 'the same') for ('plain', 'custom');
}

# It goes, and the tables of either type stay.
$node->safe_psql('usual', 'DROP VIEW converted; DROP EXTENSION agentmem_pgvector');
is_query('usual', 'SELECT count(*) FROM a JOIN p USING (id) WHERE a.v::text = p.v::text', '9', 'without the extension');
like(failure('usual', 'SELECT v::agentmem.vector FROM p'), qr/^42846: cannot cast type vector to agentmem\.vector/, 'there is no cast');

$node->stop;
done_testing();
