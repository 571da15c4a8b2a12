# A recall over 100,000 memories can be cancelled at any point and returns within 100 ms;
# the session goes on, and the same question is answered afterwards.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $promised_ms = 100;
# So many that no stretch much longer than promised lies between two of them.
my $attempts = 24;

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
# Asked over and over: the first answer warms the session up, cancels hit the second.
my $ask = "SELECT count(*) FROM generate_series(1, 1000) i, LATERAL agentmem.recall('mem', 'n', 'harbour memory ' || i, '$vector', k => 10000) r";
my $period_ms = $node->safe_psql('postgres', qq{
	\\o /dev/null
	@{[ $ask =~ s/1000\)/1)/r ]};
	\\o
	SELECT clock_timestamp() AS began \\gset
	\\o /dev/null
	@{[ $ask =~ s/1000\)/1)/r ]};
	\\o
	SELECT extract(epoch FROM clock_timestamp() - :'began'::timestamptz) * 1000});

my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()');

# How long the server took is what counts, so the end is when the backend says that it is
# idle.  Where the system tells how long the backend was ready to run and had no processor
# (the second number of schedstat, in ns), that is taken off: other programs are not the promise's.
my $schedstat = -r "/proc/$pid/schedstat" ? "pg_read_file('/proc/$pid/schedstat', 0, 100)" : "'0 0 0'";
$node->safe_psql('postgres', qq{
	CREATE PROCEDURE cancel_after(delay interval, INOUT ms float8 DEFAULT NULL, INOUT running float8 DEFAULT NULL, INOUT ready float8 DEFAULT NULL)
	LANGUAGE plpgsql AS \$\$
	DECLARE began timestamptz; before text[]; after text[]; ended timestamptz;
	BEGIN
		WHILE NOT EXISTS (SELECT FROM pg_stat_get_activity($pid)
			WHERE state = 'active' AND query LIKE '%generate_series%' AND clock_timestamp() >= query_start + delay) LOOP
			PERFORM pg_sleep(0.001), pg_stat_clear_snapshot();
		END LOOP;
		before := string_to_array($schedstat, ' ');
		began := clock_timestamp();
		PERFORM pg_cancel_backend($pid);
		LOOP
			SELECT state_change INTO ended FROM pg_stat_get_activity($pid) WHERE state = 'idle';
			EXIT WHEN FOUND OR clock_timestamp() > began + interval '10 s';
			PERFORM pg_sleep(0.001), pg_stat_clear_snapshot();
		END LOOP;
		after := string_to_array($schedstat, ' ');
		ms := extract(epoch FROM coalesce(ended, clock_timestamp()) - began) * 1000;
		running := (after[1]::float8 - before[1]::float8) / 1e6;
		ready := (after[2]::float8 - before[2]::float8) / 1e6;
	END \$\$});

my @waits;
my $cancelled = 0;
for my $attempt (1 .. $attempts)
{
	# At even steps through one answer.
	my $delay = $period_ms * (1 + ($attempt - 0.5) / $attempts);

	$session->{stderr} = '';
	$session->{stdin} .= "$ask;\n";
	$session->{run}->pump_nb();
	my ($ms, $running, $ready) = split /\|/, $node->safe_psql('postgres', "CALL cancel_after('$delay ms')");
	note(sprintf('after %.0f ms: %.1f ms, running %.1f, waiting for a processor %.1f', $delay, $ms, $running, $ready));
	push @waits, $ms - $ready;
	is($session->query('SELECT 1'), '1', "attempt $attempt: the session goes on");
	$cancelled++ if $session->{stderr} =~ /canceling statement due to user request/;
}
$session->quit;
is($cancelled, $attempts, 'every recall was cancelled');
my ($worst) = sort { $b <=> $a } @waits;
note("an answer takes $period_ms ms");
cmp_ok($worst, '<', $promised_ms, 'the slowest cancel returned in time');
is($node->safe_psql('postgres', "SELECT count(*) FROM agentmem.recall('mem', 'n', 'harbour memory 7', '$vector')"), '10', 'and recall still answers');

$node->stop;
done_testing();
