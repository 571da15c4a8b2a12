# Indexes of agentmem's access method over columns of pgvector's types: made as over agentmem's
# own, in the order of pgvector's operators, through a dump, and gone with the extension.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# Plans are dear here only because others are forbidden.
$node->append_conf('postgresql.conf', 'jit = off');
$node->start;
for my $extension ('vector', 'agentmem_pgvector')
{
	next if $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = '$extension'");
	$node->stop;
	plan skip_all => ($extension eq 'vector' ? 'pgvector' : $extension) . ' is not installed in this server';
}

# What a query of distances gives by an index, with the plan's first line that names one, and without.
sub compare
{
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($name, $index, $query, $what) = @_;
	my $by_index = 'SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off;';
	my $without = 'SET enable_indexscan = off; SET enable_bitmapscan = off;';
	like($node->safe_psql($name, "$by_index EXPLAIN $query"), qr/Index Scan using $index /, "$name: $what: the plan");
	my $found = $node->safe_psql($name, "$by_index $query");
	isnt($found, '', "$name: $what: there are rows");
	is($found, $node->safe_psql($name, "$without $query"), "$name: $what: the rows");
	return;
}

my %metrics = (cosine => '<=>', l2 => '<->', ip => '<#>');
for my $schema ('public', 'pgv ector')
{
	my $name = $schema eq 'public' ? 'usual' : 'apart';
	$node->safe_psql('postgres', qq(CREATE DATABASE $name; ALTER DATABASE $name SET search_path = "$schema", public, agentmem));
	# The tables, and rows of them, are older than the extension.
	$node->safe_psql($name, qq(
		CREATE SCHEMA IF NOT EXISTS "$schema";
		CREATE EXTENSION vector SCHEMA "$schema";
		CREATE TABLE public.items (id int, tenant text, v vector(24), h halfvec(24));
		SELECT setseed(0.3);
		INSERT INTO public.items SELECT i, 'tenant ' || i % 4, x, x::halfvec FROM generate_series(1, 1200) i,
			LATERAL (SELECT (SELECT array_agg(random() - 0.5) FROM generate_series(1, 24) WHERE i > 0)::vector OFFSET 0) _ (x);
		CREATE EXTENSION agentmem_pgvector CASCADE;
	));
	is( $node->safe_psql($name, q(SELECT count(*), bool_and(amvalidate(c.oid)) FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
			JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_opclass'::regclass AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid
			WHERE amname = 'ivfbq' AND extname = 'agentmem_pgvector')),
		'6|t',
		"$name: the operator classes are whole");
	# A dimension that a column declares is the index's before there is a row.
	is( $node->safe_psql($name, q(CREATE TABLE public.wide (v vector(7), h halfvec(9), w vector);
			CREATE INDEX wide_v ON public.wide USING ivfbq (v vector_cosine_ops);
			CREATE INDEX wide_h ON public.wide USING ivfbq (h halfvec_cosine_ops);
			CREATE INDEX wide_w ON public.wide USING ivfbq (w vector_cosine_ops);
			SELECT string_agg(coalesce(dimensions::text, 'none'), ' ' ORDER BY i) FROM unnest(ARRAY['wide_h', 'wide_v', 'wide_w']) i, agentmem.index_stats(i::regclass);
			DROP TABLE public.wide)),
		'9 7 none',
		"$name: dimensions of columns");
	for my $type (['v', 'vector'], ['h', 'halfvec'])
	{
		my ($column, $class) = @$type;
		for my $metric (sort keys %metrics)
		{
			my $operator = $metrics{$metric};
			my $index = "items_${column}_$metric";
			$node->safe_psql($name, "CREATE INDEX $index ON items USING ivfbq (tenant, $column ${class}_${metric}_ops)");
			my $query = "(SELECT $column FROM items WHERE id = 5)";
			compare($name, $index, "SELECT round(($column $operator $query)::numeric, 6) FROM items $_ ORDER BY $column $operator $query LIMIT 20",
				"$column $operator $_")
			  for ('', "WHERE tenant = 'tenant 1'", "WHERE tenant = 'tenant 1' AND id % 7 = 3");
		}
	}

	# Beside an index of pgvector's own; rows come and go; what has no direction, and no vector.
	$node->safe_psql($name, q(
		CREATE INDEX items_hnsw ON items USING hnsw (v vector_l2_ops);
		DELETE FROM items WHERE id BETWEEN 100 AND 400;
		INSERT INTO items SELECT 10000 + id, tenant, v * v, h FROM items WHERE id > 900;
		INSERT INTO items SELECT 20000 + n, 'tenant 1', CASE WHEN n < 4 THEN array_fill(0, ARRAY[24])::vector END, NULL FROM generate_series(1, 6) n;
		));
	$node->safe_psql($name, 'VACUUM items');
	my $query = '(SELECT v FROM items WHERE id = 5)';
	compare($name, 'items_v_cosine', "SELECT v <=> $query FROM items WHERE tenant = 'tenant 1' ORDER BY v <=> $query", 'after changes');
	compare($name, 'items_v_ip', "SELECT v <#> $query FROM items WHERE tenant = 'tenant 1' ORDER BY v <#> $query", 'after changes');
	$node->safe_psql($name, 'DROP INDEX items_hnsw');
	compare($name, 'items_v_l2', "SELECT v <-> $query FROM items ORDER BY v <-> $query", 'all rows');

	my (undef, undef, $stderr) = $node->psql($name, 'CREATE INDEX ON items USING ivfbq (v agentmem.vector_l2_ops)');
	like($stderr, qr/operator class "agentmem\.vector_l2_ops" does not accept data type/, "$name: classes of agentmem's own are for its own");
	(undef, undef, $stderr) = $node->psql($name, q(CREATE TABLE loose (v vector); CREATE INDEX loose_v ON loose USING ivfbq (v vector_l2_ops);
		INSERT INTO loose VALUES ('[1,2,3]'), ('[1,2]')));
	like($stderr, qr/expected 3 dimensions, not 2/, "$name: one dimension in an index");

	my $file = $node->basedir . "/$name.dump";
	$node->command_ok([ 'pg_dump', '-d', $node->connstr($name), '-F', 'plain', '-f', $file ], "$name: dump");
	$node->safe_psql('postgres', qq(CREATE DATABASE ${name}_restored; ALTER DATABASE ${name}_restored SET search_path = "$schema", public, agentmem));
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr("${name}_restored"), '-f', $file ], "$name: restored");
	compare("${name}_restored", 'items_v_cosine', "SELECT v <=> $query FROM items WHERE tenant = 'tenant 1' ORDER BY v <=> $query", 'restored');

	(undef, undef, $stderr) = $node->psql($name, 'DROP EXTENSION agentmem_pgvector');
	like($stderr, qr/index items_v_cosine depends on operator class/, "$name: the extension is needed");
	$node->safe_psql($name, 'DROP EXTENSION agentmem_pgvector CASCADE');
	is($node->safe_psql($name, q(SELECT count(*) FROM pg_index WHERE indrelid = 'items'::regclass)), '0', "$name: its indexes go with it");
}

$node->stop;
done_testing();
