# What others have costs a recall under row security nothing but the height of the btrees: pages read
# in a namespace of 2,000 memories, alone, beside 100,000 of others and beside 130,000.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'slow' unless $ENV{AGENTMEM_FULL};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_buffers = 256MB\nfsync = off\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	SELECT agentmem.create_store('big', dimensions => 8);
	SELECT agentmem.enable_row_security('big');
	CREATE ROLE tenant;
	GRANT USAGE ON SCHEMA big TO tenant;
	GRANT SELECT ON ALL TABLES IN SCHEMA big TO tenant;
	CREATE FUNCTION load(ns text, first int, last int) RETURNS bigint LANGUAGE sql AS $$
		SELECT count(*) FROM agentmem.remember_many('big', ns, (SELECT jsonb_agg(jsonb_build_object('content', 'number ' || i || ' topic' || i % 97,
			'embedding', jsonb_build_array(i % 7, i % 11, i % 13, i % 17, i % 19, i % 23, 1, i % 29))) FROM generate_series(first, last) i)) $$;
	CREATE FUNCTION pages() RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE plan json; n bigint; least bigint;
	BEGIN
		FOR i IN 1 .. 9 LOOP
			EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM agentmem.recall(''big'', ''mine'', ''42 topic42'', ''[1,2,3,4,5,6,1,8]'')' INTO plan;
			n := (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint;
			least := least(least, n);
		END LOOP;
		RETURN least;
	END $$;
	SELECT load('mine', 1, 2000);
});

# Others' memories from one thousand to another, then the pages that a tenant's recall looks at.
sub pages_with
{
	my ($first, $last) = @_;
	$node->safe_psql('postgres', "SELECT load('other' || i % 10, i * 1000, i * 1000 + 999) FROM generate_series($first, $last) i") if $last;
	$node->safe_psql('postgres', 'VACUUM ANALYZE');
	return $node->safe_psql('postgres', q{SET ROLE tenant; SET agentmem.namespace = 'mine'; SET jit = off; SELECT pages()});
}

my $alone = pages_with(0, 0);
my $many = pages_with(1, 100);
my $more = pages_with(101, 130);
note("pages: alone $alone, beside 100,000 $many, beside 130,000 $more");
is($node->safe_psql('postgres', q{SET ROLE tenant; SET agentmem.namespace = 'mine'; SELECT count(*) FROM agentmem.recall('big', 'mine', '42 topic42', '[1,2,3,4,5,6,1,8]', k => 50, shared => '{other1}') WHERE namespace = 'mine'}), 50, 'k rows are k rows');
# 120 memories are looked up by primary key: one page each where its btree has grown by a level.
cmp_ok($many - $alone, '<=', 150, 'a level more of the btrees, and no more');
cmp_ok(abs($more - $many), '<=', 4, 'the same pages, whatever others have, while the btrees are as high');

$node->stop;
done_testing();
