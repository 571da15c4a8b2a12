# A store is dumped while its second space is filled: in the restored one the filling goes on, and it is switched as well.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', q{
	CREATE EXTENSION agentmem;
	SELECT agentmem.create_store('mem', dimensions => 2);
	SELECT agentmem.create_store('parts', dimensions => 2, partitions => 3);
	CREATE FUNCTION work(store name, n int) RETURNS bigint LANGUAGE sql AS $$
		SELECT count(agentmem.complete_job(store, namespace, job, jsonb_build_object('embedding', jsonb_build_array(1, ids[1], length(input -> 0 ->> 'content')))))
		FROM agentmem.claim_jobs(store, '{embed_next}', n, lease => '1 ms')$$;
});
for my $store ('mem', 'parts')
{
	$node->safe_psql('source', qq{
		SELECT count(*) FROM generate_series(1, 40) i, agentmem.remember('$store', 'n' || i % 4, 'memory ' || i, 'fact', ('[' || i || ',1]')::agentmem.vector);
	});
	# In a transaction of its own: versions.
	$node->safe_psql('source', qq{
		SELECT count(*) FROM (SELECT agentmem.revise('$store', namespace, id, content || ', revised', '[1,1]') FROM $store.memory WHERE id <= 10) r;
		SELECT agentmem.begin_space('$store', 3, 'new', 'ip');
		SELECT work('$store', 25);
	});
}
my $state = q{SELECT s, p.* FROM unnest('{mem,parts}'::name[]) s, agentmem.space_progress(s) p};
my $before = $node->safe_psql('source', $state);
like($before, qr/^mem\|new\|3\|ip\|40\|25\|10\|\d+\|/, 'half filled');

my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $file, '-h', $node->host, '-p', $node->port, 'source' ], 'dumped');
$node->safe_psql('postgres', 'CREATE DATABASE target');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'target', '-h', $node->host, '-p', $node->port, $file ], 'restored');
is($node->safe_psql('target', $state), $before, 'as far as it was');

my $rows = q{SELECT 'mem', namespace, id, content, embedding, model FROM mem.memory UNION ALL SELECT 'parts', namespace, id, content, embedding, model FROM parts.memory
	UNION ALL SELECT 'mem_history', namespace, id, content, embedding, model FROM mem.memory_history UNION ALL SELECT 'parts_history', namespace, id, content, embedding, model FROM parts.memory_history
	ORDER BY 1, 2, 3};
my %rows;
for my $database ('source', 'target')
{
	# Written there, too: its trigger knows the columns.
	$node->safe_psql($database, q{SELECT agentmem.revise(s, 'n1', 1, title => 'first'), agentmem.remember(s, 'n1', 'new here', 'fact', '[3,4]') FROM unnest('{mem,parts}'::name[]) s});
	for my $store ('mem', 'parts')
	{
		ok($node->poll_query_until($database, "SELECT work('$store', 100) + agentmem.enqueue_space('$store') >= 0 AND (SELECT share = 1 FROM agentmem.space_progress('$store'))"), "$database: $store is filled");
		is($node->safe_psql($database, "SELECT agentmem.switch_space('$store')"), '0', "$database: $store is switched");
	}
	$rows{$database} = $node->safe_psql($database, $rows);
	is($node->safe_psql($database, q{SELECT content FROM agentmem.recall('parts', 'n2', embedding => '[0,1,0]', k => 1)}), 'memory 38', "$database: recalled");
}
is($rows{target}, $rows{source}, 'the same in the end');
is($node->safe_psql('target', q{SELECT count(*) FROM mem.memory WHERE embedding IS NULL}), '0', 'all of it');

$node->stop;
done_testing();
