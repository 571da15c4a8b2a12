# The server is killed while consumers claim and complete: what was being completed is leased
# still, comes back when its lease is over, and every job is done exactly once.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem;
	SELECT agentmem.create_store('mem', dimensions => 2);
	INSERT INTO mem.setting VALUES ('embed_jobs', 'on');
	SELECT agentmem.remember('mem', 'n', 'harbour', 'fact');
});

# The next server can start when all processes of the one that was killed are gone.
sub kill_and_start
{
	my ($finish) = @_;
	my @pids = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity');
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

# In the middle of one completion.
my $job = $node->safe_psql('postgres', q{SELECT job FROM agentmem.claim_jobs('mem')});
my $session = $node->background_psql('postgres');
is($session->query_safe(qq{BEGIN; SELECT agentmem.complete_job('mem', 'n', $job, '{"embedding": [1,2]}')}), '{1}', 'completed, not committed');
kill_and_start(sub { $session->{run}->finish });
is($node->safe_psql('postgres', q{SELECT state, attempt FROM mem.job}), 'leased|1', 'leased still');
is($node->safe_psql('postgres', q{SELECT embedding IS NULL FROM mem.memory}), 't', 'and nothing written');
is($node->safe_psql('postgres', q{SELECT count(*) FROM agentmem.claim_jobs('mem')}), '0', 'nobody else gets it before the lease is over');
$node->safe_psql('postgres', q{UPDATE mem.job SET run_at = now()});
is($node->safe_psql('postgres', q{SELECT job, attempt FROM agentmem.claim_jobs('mem')}), "$job|2", 'then it comes back');
is($node->safe_psql('postgres', qq{SELECT agentmem.complete_job('mem', 'n', $job, '{"embedding": [1,2]}')}), '{1}', 'and is done');

# In the middle of many; an observation counts each time, so a job that is done twice shows.
$node->safe_psql('postgres', q{
	DELETE FROM mem.setting WHERE name = 'embed_jobs';
	SELECT agentmem.enqueue_job('mem', 'n', 'extract', '{1}', attempts => 100) FROM generate_series(1, 400);
});
my $script = PostgreSQL::Test::Utils::tempdir() . '/consume.sql';
append_to_file($script, <<'END');
SELECT coalesce(min(job), 0) AS job FROM agentmem.claim_jobs('mem', lease => '1 s') \gset
SELECT agentmem.complete_job('mem', 'n', :job, '{"memories": [{"content": "made by job :job", "kind": "observation"}]}');
END
my @bench = ('pgbench', '-n', '-c', 4, '-t', 1000, '-R', 60, '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres');
my ($out, $err) = ('', '');
my $run = IPC::Run::start(\@bench, '>', \$out, '2>', \$err);
ok($node->poll_query_until('postgres', q{SELECT count(*) > 20 FROM mem.memory}), 'consumers are at it');
kill_and_start(sub { $run->finish });
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM mem.job}), '>', 0, 'killed in the middle');
my $left = 1;
for (1 .. 60)
{
	$node->safe_psql('postgres', q{
		SELECT agentmem.complete_job('mem', namespace, job, jsonb_build_object('memories',
			jsonb_build_array(jsonb_build_object('content', 'made by job ' || job, 'kind', 'observation'))))
		FROM agentmem.claim_jobs('mem', n => 100)});
	last if ($left = $node->safe_psql('postgres', q{SELECT count(*) FROM mem.job})) == 0;
	sleep(1);
}
is($left, '0', 'all are done');
is($node->safe_psql('postgres', q{SELECT count(*), count(DISTINCT content) FROM mem.memory WHERE kind = 'observation'}), '400|400', 'each once');

# Whoever listens hears of what is queued: once a transaction, when it is committed, and not at all where the store says so.
sub heard
{
	my ($sql) = @_;
	my $said = $node->safe_psql('postgres', "LISTEN agentmem_job; $sql; SELECT 1");
	return join(' ', $said =~ /Asynchronous notification "agentmem_job" with payload "(\w+)"/g);
}
is(heard(q{BEGIN; SELECT agentmem.enqueue_job('mem', 'n', 'extract', '{1}'); SELECT agentmem.enqueue_job('mem', 'm', 'reflect'); COMMIT}), 'mem', 'two jobs, one notification');
is(heard(q{BEGIN; SELECT agentmem.enqueue_job('mem', 'n', 'extract', '{1}'); ROLLBACK}), '', 'none of what was not committed');
is(heard(q{SELECT agentmem.remember('mem', 'n', 'lighthouse', 'fact')}), '', 'none where nothing is queued');
is(heard(q{INSERT INTO mem.setting VALUES ('embed_jobs', 'on'); SELECT agentmem.remember('mem', 'n', 'jetty', 'fact')}), 'mem', 'a memory without a vector');
$node->safe_psql('postgres', q{UPDATE mem.job SET state = 'dead'});
is(heard(q{SELECT agentmem.retry_jobs('mem', 'n')}), 'mem', 'jobs that live again');
is(heard(q{INSERT INTO mem.setting VALUES ('job_notify', 'off'); SELECT agentmem.remember('mem', 'n', 'buoy', 'fact')}), '', 'turned off');

$node->stop;
done_testing();
