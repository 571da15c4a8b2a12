# Cancels what a session is at, at even steps through it, and tells how long each cancel took.
package Cancels;
use strict;
use warnings;

use Test::More;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

# The median of a place's cancels keeps the promise; one alone may meet a machine that is busy with something else, or
# a disk that is.
my $promised_ms = 100;
my $allowance = 10;

# Of a node, a session in it, and how many cancels a place gets.
sub new
{
	my ($class, $node, $attempts) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0, timeout => 3600);
	my $pid = $session->query('SELECT pg_backend_pid()');
	my $self = bless { node => $node, session => $session, attempts => $attempts }, $class;

	# As in 301: until the backend says that it is idle, less what it was ready to run and had no processor.
	my $schedstat = -r "/proc/$pid/schedstat" ? "pg_read_file('/proc/$pid/schedstat', 0, 100)" : "'0 0 0'";
	$node->safe_psql('postgres', qq{
		CREATE PROCEDURE cancel_in(where_ text, delay interval, INOUT ms float8 DEFAULT NULL, INOUT phase text DEFAULT NULL)
		LANGUAGE plpgsql AS \$\$
		DECLARE began timestamptz; seen timestamptz; before text[]; after text[]; ended timestamptz; now_ text; idle bool; busy bool := false; over bool;
		BEGIN
			LOOP
				PERFORM pg_stat_clear_snapshot();
				SELECT a.state = 'idle', a.query NOT LIKE 'SELECT 1%', coalesce((SELECT p.phase FROM pg_stat_progress_create_index p WHERE p.pid = $pid), (SELECT 'VACUUM: ' || p.phase FROM pg_stat_progress_vacuum p WHERE p.pid = $pid), 'running') INTO idle, over, now_
					FROM pg_stat_get_activity($pid) a;
				IF idle AND (busy OR over) THEN RETURN; END IF;
				busy := busy OR NOT idle;
				IF NOT idle AND seen IS NULL AND now_ ~ where_ THEN seen := clock_timestamp(); END IF;
				EXIT WHEN seen IS NOT NULL AND clock_timestamp() >= seen + delay;
				IF began IS NULL THEN began := clock_timestamp(); END IF;
				IF clock_timestamp() > began + interval '120 s' THEN RETURN; END IF;
				PERFORM pg_sleep(0.001);
			END LOOP;
			phase := now_;
			began := clock_timestamp();
			before := string_to_array($schedstat, ' ');
			PERFORM pg_cancel_backend($pid);
			LOOP
				SELECT state_change INTO ended FROM pg_stat_get_activity($pid) WHERE state LIKE 'idle%';
				EXIT WHEN FOUND OR clock_timestamp() > began + interval '30 s';
				PERFORM pg_sleep(0.001), pg_stat_clear_snapshot();
			END LOOP;
			after := string_to_array($schedstat, ' ');
			ms := extract(epoch FROM coalesce(ended, clock_timestamp()) - began) * 1000 - (after[2]::float8 - before[2]::float8) / 1e6;
		END \$\$;
		-- How long each phase of what the session is at takes.
		CREATE PROCEDURE watch(INOUT phases jsonb DEFAULT '{}') LANGUAGE plpgsql AS \$\$
		DECLARE now_ text; last text; since timestamptz := clock_timestamp(); busy bool := false; over bool;
		BEGIN
			LOOP
				PERFORM pg_stat_clear_snapshot();
				SELECT CASE WHEN a.state = 'active' THEN coalesce((SELECT p.phase FROM pg_stat_progress_create_index p WHERE p.pid = $pid), (SELECT 'VACUUM: ' || p.phase FROM pg_stat_progress_vacuum p WHERE p.pid = $pid), 'running') END, a.state = 'idle' AND a.query NOT LIKE 'SELECT 1%' INTO now_, over
					FROM pg_stat_get_activity($pid) a;
				IF now_ IS DISTINCT FROM last THEN
					IF last IS NOT NULL THEN
						phases := phases || jsonb_build_object(last, coalesce((phases->>last)::float8, 0) + extract(epoch FROM clock_timestamp() - since) * 1000);
					END IF;
					since := clock_timestamp();
					busy := busy OR now_ IS NOT NULL;
					EXIT WHEN now_ IS NULL AND busy;
					last := now_;
				END IF;
				-- It was over before it was looked at.
				EXIT WHEN over AND NOT busy;
				PERFORM pg_sleep(0.001);
			END LOOP;
		END \$\$});
	return $self;
}

sub session { return $_[0]{session} }

sub median
{
	my @sorted = sort { $a <=> $b } @_;
	return $sorted[@sorted / 2];
}

# Sends a statement and does not wait for its end.
sub start
{
	my ($self, $statement) = @_;
	my $session = $self->{session};
	# By which it is told whether the statement has begun, and ended.
	$session->query('SELECT 1');
	$session->{stderr} = '';
	$session->{stdin} .= "$statement;\n";
	$session->{run}->pump_nb();
	return;
}

# Runs a statement to its end; how many ms each of its phases takes, as JSON.
sub watch
{
	my ($self, $name, $statement) = @_;
	$self->start($statement);
	my $lengths = $self->{node}->safe_psql('postgres', 'CALL watch()');
	note("$name: $lengths");
	$self->{session}->query('SELECT 1');
	return $lengths;
}

# Of a statement: where the phase matches, which lasts `length` ms; `undo` is run after each, `before` ahead of it.
sub cancel
{
	my ($self, $name, $statement, %how) = @_;
	my ($node, $session, $attempts) = @$self{qw(node session attempts)};
	my @waits;
	my $cancelled = 0;

	# What was over before it could be cancelled is tried again, sooner.
	my @delays = map { [$how{length} * ($_ - 0.5) / $attempts, 3] } 1 .. $attempts;
	while (my $next = shift @delays)
	{
		my ($delay, $more) = @$next;
		$how{before}->() if $how{before};
		$self->start($statement);
		my ($ms, $phase) = split /\|/, $node->safe_psql('postgres', "CALL cancel_in('$how{where}', '$delay ms')");
		$session->query('SELECT 1');
		if ($ms ne '' && $session->{stderr} =~ /canceling statement/)
		{
			push @waits, $ms;
			$cancelled++;
			note(sprintf('%s, after %.0f ms, in "%s": %.1f ms', $name, $delay, $phase, $ms));
		}
		else
		{
			note("$name, after $delay ms: it was over");
			unshift @delays, [$more > 1 ? $delay / 2 : 0, $more - 1] if $more > 0;
		}
		$session->query($how{undo}) if $how{undo};
		$session->{stderr} = '';
	}
	ok($cancelled > 0, "$name: $cancelled of $attempts were cancelled") or return;
	cmp_ok(median(@waits), '<', $promised_ms, "$name: the median is within $promised_ms ms");
	my ($worst) = sort { $b <=> $a } @waits;
	cmp_ok($worst, '<', $promised_ms * $allowance, "$name: the slowest is within $allowance times that");
	return;
}

1;
