# A streaming standby: recall answers there as on the primary, remember says why it cannot.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	SELECT agentmem.create_store('mem', dimensions => 2);
	SELECT agentmem.remember('mem', 'n', 'memory number ' || i, 'episode', format('[1,%s]', i)::agentmem.vector)
	FROM generate_series(1, 200) i;
});

my $backup = 'backup';
$primary->backup($backup);
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, $backup, has_streaming => 1);
$standby->start;

# What is written after the backup arrives by streaming.
$primary->safe_psql('postgres', q{SELECT agentmem.remember('mem', 'n', 'the lighthouse keeper waves', 'fact', '[-1,0]')});
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

my $ask = q{SELECT id, score, content, channels FROM agentmem.recall('mem', 'n', 'lighthouse number 7', '[1,7]', k => 20)};
my $answer = $primary->safe_psql('postgres', $ask);
isnt($answer, '', 'the primary answers');
is($standby->safe_psql('postgres', $ask), $answer, 'the standby gives the same answer');
like($standby->safe_psql('postgres', q{SELECT agentmem.recall_context('mem', 'n', 'lighthouse')}),
	qr/^m1 \[\d{4}-\d\d-\d\d\] fact: the lighthouse keeper waves/, 'recall_context works on the standby');
is($standby->safe_psql('postgres', q{SELECT agentmem.count('mem', 'n')}), '201', 'count works on the standby');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM agentmem.list('mem', 'n')}), '100', 'list works on the standby');

# What was known before a change is asked there, too.
my $before = $primary->safe_psql('postgres', 'SELECT clock_timestamp()');
my $known = $ask =~ s/k => 20/k => 20, known_at => '$before'/r;
$primary->safe_psql('postgres', q{
	UPDATE mem.memory SET title = 'changed' WHERE id % 2 = 0;
	DELETE FROM mem.memory WHERE id % 3 = 0;
});
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
is($standby->safe_psql('postgres', $known), $answer, 'recall with known_at gives the earlier answer on the standby');
isnt($standby->safe_psql('postgres', $ask), $answer, 'which is not that of now');
is($standby->safe_psql('postgres', "SELECT count(*) FROM agentmem.as_of('mem', 'n', known_at => '$before')"), '201', 'as_of works on the standby');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM agentmem.history('mem', 'n', 6)}), '2', 'history works on the standby');
for my $query ("SELECT * FROM agentmem.changes('mem', 'n', '$before') ORDER BY at, id", "SELECT agentmem.count('mem', 'n', known_at => '$before')")
{
	is($standby->safe_psql('postgres', $query), $primary->safe_psql('postgres', $query), "the same on both: $query");
}

# A snapshot of the standby sees what the primary has removed and marked as dead in its indexes.
$primary->safe_psql('postgres', q{
	SELECT agentmem.create_store('gone');
	SELECT count(*) FROM agentmem.remember_many('gone', 'n', (SELECT jsonb_agg(jsonb_build_object('content',
		(SELECT string_agg('q' || j || 'q', ' ' ORDER BY j) FROM generate_series(1, 250) j) || ' no' || i, 'kind', 'fact')) FROM generate_series(1, 5) i));
});
my $then = $primary->safe_psql('postgres', 'SELECT clock_timestamp()');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
my $held = "SELECT count(*) FROM agentmem.recall('gone', 'n', (SELECT string_agg('q' || j || 'q', ' ') FROM generate_series(1, 250) j), known_at => '$then')";
my ($in, $out, $err) = ("BEGIN ISOLATION LEVEL REPEATABLE READ;\n$held;\n\\echo asked\n", '', '');
my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $standby->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err, IPC::Run::timer(60));
$session->pump until $out =~ /asked/ || !$session->pumpable;
$primary->safe_psql('postgres', q{
	DELETE FROM gone.memory;
	SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off;
	SELECT count(content) FROM gone.memory WHERE namespace = 'n' AND lower(system_period) < 'infinity';
	SELECT count(content) FROM gone.memory WHERE namespace = 'n' AND lower(system_period) < 'infinity';
	CHECKPOINT;
	SELECT agentmem.remember('gone', 'n', 'another', 'fact');
});
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
$in .= "SELECT count(*) FROM gone.memory;\n$held;\nCOMMIT;\n\\q\n";
$session->finish;
is($out, "5\nasked\n5\n5\n", 'what the primary marked as dead is still seen by an older snapshot') or diag($err);

for my $call ("agentmem.remember('mem', 'n', 'x')", "agentmem.remember_many('mem', 'n', '[]')")
{
	my ($ret, $stdout, $stderr) = $standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT $call");
	isnt($ret, 0, "$call fails on the standby");
	like($stderr, qr/25006: cannot execute remember(_many)?\(\) on a standby/, 'with its code');
	like($stderr, qr/HINT:  Write to the primary/, 'and a hint');
}
for my $call ("SELECT agentmem.maintain('mem', 'n')", "SELECT agentmem.maintain('mem')", "CALL agentmem.maintain_all('mem')")
{
	my ($ret, $stdout, $stderr) = $standby->psql('postgres', "\\set VERBOSITY verbose\n$call");
	isnt($ret, 0, "$call fails on the standby");
	like($stderr, qr/25006: cannot execute maintain\(\) on a standby/, 'with its code');
}

# The cache gives its answers there; nothing is counted, and nothing written.
$primary->safe_psql('postgres', q{
	SELECT agentmem.cache_put('mem', 'n', 'talk', 'Who waves?', '[1,0]', 'the lighthouse keeper');
	SELECT agentmem.cache_put('mem', 'm', 'talk', 'Who?', '[1,0]', 'another');
});
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
is($standby->safe_psql('postgres', q{SELECT count(response) FROM generate_series(1, 300) i, agentmem.cache_get('mem', 'n', 'talk', format('[%s,0]', i)::agentmem.vector)}),
	'300', 'cache_get works on the standby, however often');
is($standby->safe_psql('postgres', q{SELECT response FROM agentmem.cache_get('mem', 'n', 'talk', NULL, 'Who waves?')}), 'the lighthouse keeper', 'by prompt too');
is($standby->safe_psql('postgres', q{SELECT sum(hits) FROM mem.cache_stats}), '0', 'which is not counted');
for my $call ("agentmem.cache_put('mem', 'n', 'talk', 'x', NULL, 'y')", "agentmem.cache_claim('mem', 'n', 'talk', 'x')", "agentmem.cache_sweep('mem', 'n')")
{
	my ($ret, $stdout, $stderr) = $standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT $call");
	isnt($ret, 0, "$call fails on the standby");
	like($stderr, qr/25006: cannot execute cache_\w+\(\) on a standby/, 'with its code');
}

$standby->stop;
$primary->stop;
done_testing();
