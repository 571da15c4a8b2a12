# The server dies at random moments of inserts, moves, VACUUM and builds: what was committed is in the index, the index is
# sound, and what was lost in the middle of a move comes back as free pages.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $crashes = $ENV{AGENTMEM_FULL} ? 210 : 15;
my $seed = $ENV{AGENTMEM_SEED} // time;
srand($seed);
note("AGENTMEM_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# What is replayed is compared with what was done.
$node->append_conf('postgresql.conf', "autovacuum = off\nfsync = off\nrestart_after_crash = on\nmax_connections = 20\nwal_consistency_checking = 'generic'\ncheckpoint_timeout = 30s\nmaintenance_work_mem = 16MB");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION agentmem CASCADE;
	CREATE FUNCTION some_vector(i int, d int) RETURNS agentmem.vector LANGUAGE sql IMMUTABLE AS
		$$SELECT array_agg(sin(i * 12.9898 + j * 78.233) + (i % 9) * cos(j))::real[]::agentmem.vector FROM generate_series(1, d) j$$;
	CREATE TABLE docs (id serial, tenant int, embedding agentmem.vector(12));
	CREATE INDEX docs_idx ON docs USING ivfbq (tenant, embedding agentmem.vector_l2_ops) WITH (flat_limit = 200, list_size = 50);
	INSERT INTO docs (tenant, embedding) SELECT CASE WHEN i % 2 = 0 THEN 1 ELSE i % 30 END, CASE WHEN i % 50 > 0 THEN some_vector(i, 12) END FROM generate_series(1, 1500) i;
});

my $dir = PostgreSQL::Test::Utils::tempdir;
my %scripts = (
	insert => q{
		\set n random(1, 1000000)
		\set t random(1, 60)
		INSERT INTO docs (tenant, embedding) SELECT CASE WHEN :t < 20 THEN 1 WHEN :t < 50 THEN :t ELSE :n + i END, CASE WHEN i % 7 > 0 THEN some_vector(i, 12) END
			FROM generate_series(:n, :n + :t) i;
	},
	delete => q{
		\set n random(0, 9)
		DELETE FROM docs WHERE tenant % 10 = :n AND random() < 0.3;
		DELETE FROM docs WHERE tenant = 1 AND random() < 0.08;
		UPDATE docs SET embedding = some_vector(id + :n, 12) WHERE id % 20 = :n;
		\sleep 20 ms
	},
	vacuum => q{
		VACUUM (INDEX_CLEANUP ON) docs;
	},
	build => q{
		REINDEX INDEX docs_idx;
		\sleep 200 ms
	},
	concurrently => q{
		CREATE INDEX CONCURRENTLY other_idx ON docs USING ivfbq (embedding agentmem.vector_cosine_ops) WITH (flat_limit = 200, list_size = 50);
		DROP INDEX other_idx;
	},
);
append_to_file("$dir/$_.sql", $scripts{$_}) for keys %scripts;

# Until recovery is over.
sub wait_until_up
{
	for (1 .. 600)
	{
		return 1 if IPC::Run::run(['pg_isready', '-q', '-h', $node->host, '-p', $node->port]);
		usleep(100_000);
	}
	return 0;
}

my (@faults, %hit, $moves);
for my $round (1 .. $crashes)
{
	my @names = ('insert', 'delete', 'vacuum', $round % 5 == 0 ? ('build') : $round % 5 == 3 ? ('concurrently') : ());
	my @running;
	for my $name (@names)
	{
		my ($out, $err) = ('', '');
		push @running, IPC::Run::start(
			['pgbench', '-n', '-T', 60, '-c', 1, '-f', "$dir/$name.sql", '-h', $node->host, '-p', $node->port, 'postgres'],
			'>', \$out, '2>', \$err);
	}
	usleep(100_000 + int(rand(700_000)));
	if ($round % 5 == 1)
	{
		# All at once, as the kernel does when memory is short.
		$hit{postmaster}++;
		$node->kill9;
		$_->finish for @running;
		# Those that are left notice and go; until then a new server refuses to start.
		for (1 .. 100)
		{
			last if $node->start(fail_ok => 1);
			$node->{_pid} = undef;
			usleep(100_000);
		}
	}
	else
	{
		my $pids = $node->safe_psql('postgres', q{SELECT string_agg(pid || ' ' || split_part(query, ' ', 1), ',') FROM pg_stat_activity WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()});
		my @pids = split /,/, $pids;
		my ($pid, $what) = split / /, @pids ? $pids[int(rand(@pids))] : "0 nothing";
		$what =~ s/\W//g;
		$hit{$what}++;
		kill('KILL', $pid) if $pid;
		$node->stop('immediate') unless $pid;
		$_->finish for @running;
		$node->start unless $pid;
	}
	if (!wait_until_up())
	{
		push @faults, "round $round: the server does not come back";
		last;
	}
	my ($ret, $out, $err) = $node->psql('postgres', q{
		DROP INDEX IF EXISTS other_idx;
		SELECT agentmem.index_check('docs_idx', true);}, on_error_stop => 1);
	push @faults, "round $round: $err" if $ret != 0;
	# Not always, so that what a crash leaves meets the next one.
	if ($round % 4 == 0)
	{
		($ret, $out, $err) = $node->psql('postgres', q{
			VACUUM (INDEX_CLEANUP ON) docs;
			SELECT txid_current();
			VACUUM (INDEX_CLEANUP ON) docs;
			SELECT agentmem.index_check('docs_idx', true) - (SELECT count(*) FROM docs);}, on_error_stop => 1);
		push @faults, "round $round: after VACUUM: $out $err" if $ret != 0 || $out !~ /^0$/m || $err =~ /nothing reaches/;
		$node->safe_psql('postgres', q{DELETE FROM docs WHERE random() < 0.5}) if $node->safe_psql('postgres', q{SELECT count(*) FROM docs}) > 20000;
	}
	last if @faults;
}
is(scalar(@faults), 0, "$crashes crashes, and the index is sound after each") or diag(join "\n", @faults);
note("hit: " . join(', ', map { "$_ $hit{$_}" } sort keys %hit));

is($node->safe_psql('postgres', q{VACUUM (INDEX_CLEANUP ON) docs; SELECT agentmem.index_check('docs_idx', true) = (SELECT count(*) FROM docs)}), 't', 'as many rows as the table at the end');
unlike(slurp_file($node->logfile), qr/PANIC|FATAL:  inconsistent page|TRAP/, 'replay made the same pages');

$node->stop;
done_testing();
