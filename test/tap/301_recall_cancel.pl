# A recall over 100,000 memories can be cancelled at any point and returns within 100 ms;
# the session goes on, and the same question is answered afterwards.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

# What the promise says, and what a busy machine may add to it.
my $promised_ms = 100;
my $attempts = 8;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "shared_buffers = 256MB\nmax_wal_size = 4GB\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	SELECT agentmem.create_store('mem', dimensions => 64);
	SELECT count(*) FROM generate_series(0, 99) b, LATERAL agentmem.remember_many('mem', 'n',
		(SELECT jsonb_agg(jsonb_build_object('content', 'memory ' || i || ' of the harbour at ' || i % 97, 'kind', 'episode')) FROM generate_series(b * 1000 + 1, (b + 1) * 1000) i),
		(SELECT array_agg((SELECT array_agg(sin(i * d))::real[]::agentmem.vector FROM generate_series(1, 64) d)) FROM generate_series(b * 1000 + 1, (b + 1) * 1000) i));
	VACUUM ANALYZE mem.memory;
});

my $vector = $node->safe_psql('postgres', q{SELECT array_agg(sin(7 * d))::real[]::agentmem.vector FROM generate_series(1, 64) d});
# Asked over and over, so that a cancel hits whatever is running at that moment.
my $ask = "SELECT count(*) FROM generate_series(1, 1000) i, LATERAL agentmem.recall('mem', 'n', 'harbour memory ' || i, '$vector', k => 10000) r";

my @waits;
my $cancelled = 0;
for my $attempt (1 .. $attempts)
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query('SELECT pg_backend_pid()');
	$session->{stdin} .= "$ask;\n";
	$session->{run}->pump_nb();
	$node->poll_query_until('postgres',
		"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid AND state = 'active' AND query LIKE '%generate_series%')");
	usleep(37_000 * $attempt);
	# Measured where the answer is seen, by a session that is already there.
	my $ms = $node->safe_psql('postgres', qq{
		DO \$\$
		DECLARE began timestamptz := clock_timestamp();
		BEGIN
			PERFORM pg_cancel_backend($pid);
			WHILE EXISTS (SELECT FROM pg_stat_get_activity($pid) WHERE state = 'active')
				AND clock_timestamp() < began + interval '10 s' LOOP
				PERFORM pg_sleep(0.001);
				PERFORM pg_stat_clear_snapshot();
			END LOOP;
			PERFORM set_config('agentmem_test.ms', (extract(epoch FROM clock_timestamp() - began) * 1000)::text, false);
		END \$\$;
		SELECT current_setting('agentmem_test.ms')::float});
	push @waits, $ms;
	my $alive = $session->query('SELECT 1');
	$cancelled++ if $session->{stderr} =~ /canceling statement due to user request/;
	is($alive, '1', "attempt $attempt: the session goes on");
	$session->quit;
}
is($cancelled, $attempts, 'every recall was cancelled');
my ($worst) = sort { $b <=> $a } @waits;
note('waits in ms: ' . join(', ', @waits));
cmp_ok($worst, '<', $promised_ms, 'the slowest cancel returned in time');
is($node->safe_psql('postgres', "SELECT count(*) FROM agentmem.recall('mem', 'n', 'harbour memory 7', '$vector')"), '10', 'and recall still answers');

$node->stop;
done_testing();
