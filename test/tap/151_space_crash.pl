# The server is killed while a second space is filled, and while it is switched to: what was committed holds, and
# the rest can be done again.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
sub query { return $node->safe_psql('postgres', $_[0]) }
query(q{
	CREATE EXTENSION agentmem;
	SELECT agentmem.create_store('mem', dimensions => 2);
	SELECT count(*) FROM agentmem.remember_many('mem', 'n', (SELECT jsonb_agg(jsonb_build_object('content', 'memory ' || i, 'kind', 'fact', 'embedding', jsonb_build_array(i, 1)))
		FROM generate_series(1, 400) i));
	SELECT agentmem.begin_space('mem', 3, 'new');
	-- An answer for each job that is claimed.
	CREATE FUNCTION work(n int) RETURNS bigint LANGUAGE sql AS $$
		SELECT count(agentmem.complete_job('mem', namespace, job, jsonb_build_object('embedding', jsonb_build_array(1, ids[1], 1))))
		FROM agentmem.claim_jobs('mem', '{embed,embed_next}', n, lease => '1 s')$$;
});

# The next server can start when all processes of the one that was killed are gone.
sub kill_and_start
{
	my ($finish) = @_;
	my @pids = split /\n/, query('SELECT pid FROM pg_stat_activity');
	push @pids, (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
	$node->kill9;
	$finish->();
	for (1 .. 300)
	{
		last unless grep { kill(0, $_) } @pids;
		select(undef, undef, undef, 0.1);
	}
	$node->start;
	return;
}

# While consumers fill it, at a pace at which they are at it for six seconds.
my $script = PostgreSQL::Test::Utils::tempdir() . '/consume.sql';
append_to_file($script, "SELECT work(1);\n");
my ($out, $err) = ('', '');
my $run = IPC::Run::start([ 'pgbench', '-n', '-c', 3, '-t', 1000, '-R', 60, '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ], '>', \$out, '2>', \$err);
ok($node->poll_query_until('postgres', q{SELECT filled > 20 FROM agentmem.space_progress('mem')}), 'consumers are at it');
kill_and_start(sub { $run->finish });
cmp_ok(query(q{SELECT filled FROM agentmem.space_progress('mem')}), '<', 400, 'killed in the middle');
is(query(q{SELECT count(*) FROM mem.memory m WHERE (m.embedding_next IS NULL) <> EXISTS (SELECT FROM mem.job j WHERE j.ids = ARRAY[m.id])}),
	'0', 'what has no vector has a job, and nothing else');
is(query(q{SELECT id FROM agentmem.recall('mem', 'n', embedding => '[400,1]', k => 1, mode => 'exact')}), '400', 'the first space serves');
ok($node->poll_query_until('postgres', q{SELECT work(100) >= 0 AND (SELECT share = 1 FROM agentmem.space_progress('mem'))}), 'filled');

# While it is switched to.
my $session = $node->background_psql('postgres');
is($session->query_safe(q{BEGIN; SELECT agentmem.switch_space('mem')}), '0', 'switched, not committed');
kill_and_start(sub { $session->{run}->finish });
is(query(q{SELECT share, dimensions FROM agentmem.space_progress('mem')}), '1|3', 'nothing was switched');
is(query(q{SELECT id FROM agentmem.recall('mem', 'n', embedding => '[400,1]', k => 1, mode => 'exact')}), '400', 'the first space serves on');

# ... and right after.
is(query(q{SELECT agentmem.switch_space('mem')}), '0', 'switched');
kill_and_start(sub { });
is(query(q{SELECT id FROM agentmem.recall('mem', 'n', embedding => '[1,2,1]', k => 1)}), '2', 'the second space serves');
is(query(q{SELECT id FROM agentmem.recall('mem', 'n', embedding => '[1,2,1]', k => 1, mode => 'exact')}), '2', 'all of it');
is(query(q{SELECT dimensions FROM agentmem.stores}) . query(q{SELECT count(*) FROM agentmem.space_progress('mem')}), '30', 'and nothing else');
# It has the rows without a vector too, until VACUUM.
query('VACUUM mem.memory');
is(query(q{SELECT agentmem.index_check('mem.memory_embedding_idx')}), '400', 'its index is sound');

$node->stop;
done_testing();
