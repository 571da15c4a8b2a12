#!/usr/bin/perl
# soak.pl SECONDS: writers, readers, maintenance and VACUUM for so long, on the server that the environment names (PGHOST, PGPORT,
# PGDATABASE: an empty database; PSQL, PGBENCH), whose processes the caller may kill. The first sixth: kill -9 of random backends.
# Then backends live on, so that their memory can be compared when each has met with all that it calls (a writer makes two thousand calls before it), and others are terminated. One more kill, and all is checked.
# What autovacuum would do is done by VACUUM without a pause and by ANALYZE, and what docs/operations.md has cron do (sparse_indexes) now and then.
# Prints what it measured; each line that begins with FAIL is a fault, and then the exit status is 1.
use strict;
use warnings;

use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(time sleep);

my $seconds = shift or die "usage: soak.pl SECONDS\n";
my $psql = $ENV{PSQL} || 'psql';
my $pgbench = $ENV{PGBENCH} || 'pgbench';
my $here = dirname(__FILE__);
my $dir = tempdir(CLEANUP => 1);
my $faults = 0;
$| = 1;

sub sql
{
	my ($query, $db) = @_;
	open(my $out, '-|', $psql, '-XqAt', '-F', "\t", '-d', $db // $ENV{PGDATABASE}, '-v', 'ON_ERROR_STOP=1', '-c', $query) or die "$psql: $!";
	my @rows = <$out>;
	close($out);
	chomp @rows;
	return wantarray ? @rows : join("\n", @rows);
}

sub fault
{
	$faults++;
	print 'FAIL ', @_, "\n";
}

sub ok
{
	my ($right, $what) = @_;
	$right ? print("ok $what\n") : fault($what);
}

system($psql, '-Xq', '-v', 'preload=' . ($seconds < 300 ? 0 : 90), '-o', "$dir/load.out", '-f', "$here/load.sql") == 0 or die "could not load\n";
# What maintenance makes of the load is there before the clock starts: a store that has what it will have is what memory is compared on.
my ($calls_before, $edges) = (0, 0);
while ($seconds >= 300 && $calls_before++ < 30)
{
	sql(q{CALL agentmem.maintain_all('soak', '30 s')});
	sleep(1);
	my $now = sql('SELECT count(*) FROM soak.edge');
	last if $now <= 1.01 * $edges;
	$edges = $now;
}

# By name: how many clients, and what they call. Those of the second kind are terminated now and then.
my $write = "\\set n random(1, 6)\n\\set w random(0, 99)\n\\set i random(1, 100000)\nSELECT soak_client.write(:n, :w, :i);\n";
# Twenty calls a second each, on a machine that has time or has not: how large tables are once is to be how large they are, not how quick the machine was then.
my @pace = ('-R', 20);
my $read = "\\set n random(1, 6)\n\\set w random(0, 99)\n\\set i random(1, 100000)\nSELECT soak_client.read(:n, :w, :i);\n\\sleep 5 ms\n";
my $maintain = "CALL agentmem.maintain_all('soak', '5 s');\n\\sleep 200 ms\n";
my @tables = qw(memory memory_history edge edge_history activity access audit key_lock namespace concept conflict job cache cache_use cache_log);
my %clients = (
	writer => [ 2, $write, @pace ],
	reader => [ 2, $read ],
	maintainer => [ 1, $maintain ],
	vacuum => [ 1, join('', map { "VACUUM (INDEX_CLEANUP ON) soak.$_;\n\\sleep 100 ms\n" } @tables) ],
	# A new connection each time, as autovacuum has a new process: its sample of rows is no leak of what lives on.
	analyze => [ 1, "SET client_min_messages = error;\n" . join('', map { "ANALYZE (SKIP_LOCKED) soak.$_;\n" } @tables) . "\\sleep 5 s\n", '-C' ],
	victim_writer => [ 1, $write, @pace ],
	victim_reader => [ 1, $read ],
	victim_maintainer => [ 1, $maintain ]);
my $expected = qr/server closed|terminating connection|connection to server|in recovery|starting up|shutting down|crash of another server process/;
my $begun = time;
my $end = $begun + $seconds;
my %pids;
for my $name (sort keys %clients)
{
	open(my $script, '>', "$dir/$name.sql");
	my ($n, $text, @options) = @{ $clients{$name} };
	print $script $text;
	close($script);
	for my $i (1 .. $n)
	{
		my $pid = fork();
		if ($pid)
		{
			$pids{$pid} = 1;
			next;
		}
		srand($$);
		$ENV{PGAPPNAME} = "soak $name";
		while ((my $left = int($end - time)) > 0)
		{
			my $log = "$dir/$name.$i.err";
			system("$pgbench -n @options -c 1 -T $left --max-tries=100 -f $dir/$name.sql >> $dir/$name.$i.out 2>> $log");
			sleep(0.2);
		}
		POSIX::_exit(0);
	}
}

# Indexes that have become sparse are made anew, and what a killed REINDEX left is dropped: sixty rounds, or one in four seconds.
my $round = $seconds / 60 > 4 ? $seconds / 60 : 4;
my $reindexer = fork();
if (!$reindexer)
{
	my $commands = 0;
	$ENV{PGAPPNAME} = 'soak reindexer';
	while (time < $end - $round)
	{
		sleep($round);
		for my $command (sql(q{SELECT command FROM agentmem.sparse_indexes('soak', 1048576)}))
		{
			$commands += system("$psql -Xq -v ON_ERROR_STOP=1 -c '$command' 2>> $dir/reindexer.1.err") == 0;
		}
	}
	open(my $out, '>', "$dir/reindexer.1.out");
	print $out "number of transactions actually processed: $commands\n";
	close($out);
	POSIX::_exit(0);
}
$pids{$reindexer} = 1;

# Memory of its own that a backend has, whatever it is doing then, by third of the time.
my %memory;
my %name;
my ($killed, $terminated, $last, $tick) = (0, 0, $begun, 0);
while (time < $end)
{
	sleep(0.3);
	my $third = int((time - $begun) * 3 / $seconds);
	my @backends = sql(q{SELECT pid, application_name FROM pg_stat_activity WHERE application_name LIKE 'soak %' ORDER BY random()});
	next if !@backends || $third > 2;
	if (time < $begun + $seconds / 6 && time - $last > 1 + $seconds / 100)
	{
		my ($pid, $name) = split(/\t/, $backends[0]);
		$killed += kill('KILL', $pid);
		$last = time;
	}
	elsif ($third > 0)
	{
		my ($victim) = grep { /\tsoak victim/ } @backends;
		if ($tick++ % 8 == 0 && $victim)
		{
			$terminated++ if sql('SELECT pg_terminate_backend(' . (split(/\t/, $victim))[0] . ')') eq 't';
		}
		for (@backends)
		{
			my ($pid, $name) = split(/\t/);
			open(my $status, '<', "/proc/$pid/status") or next;
			my ($anonymous) = join('', <$status>) =~ /^RssAnon:\s+(\d+)/m or next;
			$name{$pid} = $name;
			push @{ $memory{$pid}[$third] }, $anonymous;
		}
	}
}
waitpid($_, 0) foreach keys %pids;

# The last one: a server that comes back from a crash is checked.
my $victim = fork() || do { exec($psql, '-Xq', '-c', 'SELECT pg_sleep(30)'); };
sleep(0.5);
$killed += kill('KILL', sql(q{SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)' AND pid <> pg_backend_pid() LIMIT 1}));
waitpid($victim, 0);
for (1 .. 100)
{
	sleep(0.3);
	last if (sql('SELECT 1') // '') eq '1';
}

my %calls;
for my $file (glob("$dir/*.out"))
{
	open(my $out, '<', $file);
	my ($name) = $file =~ m{([a-z_]+)\.\d+\.out$};
	/actually processed: (\d+)/ and $calls{$name} += $1 while <$out>;
}
printf "%d s, %d backends killed, %d terminated; calls: %s\n", $seconds, $killed, $terminated, join(', ', map { "$_ $calls{$_}" } sort keys %calls);
ok($killed > 1 && $terminated > 0, 'backends were killed and terminated');
my %unexpected;
for my $file (glob("$dir/*.err"))
{
	open(my $err, '<', $file);
	while (<$err>)
	{
		$unexpected{ $_ =~ s/client \d+|\d+/N/gr }++ if /ERROR|FATAL|PANIC|WARNING/ && !/$expected/;
	}
}
ok(!%unexpected, 'no errors but those of connections that were lost');
print "    $unexpected{$_} x $_" foreach sort keys %unexpected;

# Memory.
my $compared = 0;
for my $pid (sort { $name{$a} cmp $name{$b} || $a <=> $b } keys %memory)
{
	my ($middle, $end) = map { my $values = $_ // []; my $sum = 0; $sum += $_ foreach @$values; @$values ? $sum / @$values : 0 } @{ $memory{$pid} }[1, 2];
	next if $name{$pid} =~ /victim|analyze|reindexer/ || !$middle || !$end;
	$compared++;
	ok($end <= 1.05 * $middle, sprintf('%s: %.0f kB in the middle third, %.0f kB in the last (%.3f)', $name{$pid}, $middle, $end, $end / $middle));
}
ok($compared >= 5, "memory of $compared backends compared");

# Invariants.
for (sql("SELECT 'index ' || c.relname, agentmem.index_check(c.oid, true) FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'ivfbq' AND c.relkind = 'i' AND c.relnamespace = 'soak'::regnamespace ORDER BY 1"))
{
	ok(/^index \S+\t\d+$/, "$_ rows");
}
open(my $file, '<', "$here/check.sql");
for (sql(join('', <$file>)))
{
	my ($rule, $broken) = split(/\t/);
	ok($broken eq '0', "not once: $rule" . ($broken ? " ($broken)" : ''));
}
my @held = map { sql("SELECT count(*) FROM soak.$_") } ('memory', 'memory_history', 'edge', q{memory WHERE kind IN ('summary', 'reflection')});
ok(($held[0] // 0) > 0, "memories $held[0], versions $held[1], edges $held[2], summaries and reflections $held[3]");

# Size of tables with their indexes, beside a fresh copy.
my $sizes = q{SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c WHERE c.relnamespace = 'soak'::regnamespace AND c.relkind = 'r'
	UNION ALL SELECT c.relname || ' (rows)', pg_relation_size(c.oid) FROM pg_class c WHERE c.relnamespace = 'soak'::regnamespace AND c.relkind = 'r'};
sql("VACUUM soak.$_") foreach sql(q{SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'soak'::regnamespace AND relkind = 'r'});
my %size = map { split(/\t/) } sql($sizes);
my $copy = "$ENV{PGDATABASE}_copy";
sql(qq{CREATE DATABASE $copy TEMPLATE $ENV{PGDATABASE}}, 'template1');
sql('VACUUM FULL', $copy);
my %fresh = map { split(/\t/) } sql($sizes, $copy);
sql(qq{DROP DATABASE $copy}, 'template1');
my ($all, $all_fresh) = (0, 0);
for my $relation (sort keys %size)
{
	if ($relation !~ /rows/)
	{
		$all += $size{$relation};
		$all_fresh += $fresh{$relation};
	}
	next if $size{$relation} < 1024 * 1024;
	# An index keeps pages of which a few old entries are left, until it is made anew.
	ok($size{$relation} <= ($relation =~ /rows/ ? 1.3 : 2.5) * $fresh{$relation}, sprintf('%s: %.1f MB, a fresh copy %.1f MB (%.2f)', $relation, $size{$relation} / 1048576, $fresh{$relation} / 1048576, $size{$relation} / ($fresh{$relation} || 1)));
}
ok($all <= 1.3 * $all_fresh, sprintf('all: %.1f MB, a fresh copy %.1f MB (%.2f)', $all / 1048576, $all_fresh / 1048576, $all / $all_fresh));

# What is had back by making those indexes anew that are told of by then.
my $sparse = q{SELECT command FROM agentmem.sparse_indexes('soak', 1048576)};
my @commands = sql($sparse);
sql($_) foreach @commands;
my %after = map { split(/\t/) } sql($sizes);
ok(!sql($sparse), scalar(@commands) . ' indexes that are less than two thirds as full as new ones, made anew: ' . join(', ', map { /(\w+)$/ } @commands));
printf "    memory: %.1f MB then (%.2f)\n", $after{memory} / 1048576, $after{memory} / ($fresh{memory} || 1);
print $faults ? "$faults faults\n" : "no fault\n";
exit($faults ? 1 : 0);
