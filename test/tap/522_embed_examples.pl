# The consumers of contrib/examples, against an endpoint that knows no model and fails at times
# (test/clients/embed_stub.py).  AGENTMEM_CLIENTS is the directory with their libraries.
use strict;
use warnings;

use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = $ENV{AGENTMEM_CLIENTS};
plan skip_all => 'AGENTMEM_CLIENTS names no directory with the libraries of test/clients' unless $dir && -d $dir;

my %program = (
	python => {
		libraries => "$dir/python/bin/python",
		command => [ "$dir/python/bin/python", 'contrib/examples/python/embed_jobs.py' ] },
	node => {
		libraries => "$dir/node/node_modules",
		command => [ 'node', 'contrib/examples/node/embed_jobs.js' ] });
plan skip_all => "no client library could be installed in $dir" unless grep { -e $_->{libraries} } values %program;

my $tmp = PostgreSQL::Test::Utils::tempdir();
my $asked = "$tmp/asked";
my ($port, $stub_err) = ('', '');
my $stub = IPC::Run::start([ 'python3', 'test/clients/embed_stub.py', $asked ], '<', \undef, '>', \$port, '2>', \$stub_err,
	IPC::Run::timer(600));
for (1 .. 100)
{
	$stub->pump_nb;
	last if $port =~ /\n/;
	select(undef, undef, undef, 0.1);
}
chomp $port;
BAIL_OUT("the endpoint did not start: $stub_err") unless $port =~ /^\d+$/;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION agentmem');

local %ENV = (
	%ENV,
	NODE_PATH => $program{node}{libraries},
	PGHOST => $node->host,
	PGPORT => $node->port,
	PGDATABASE => 'postgres',
	LC_ALL => 'C.UTF-8',
	PYTHONDONTWRITEBYTECODE => 1,
	EMBED_BASE_URL => "http://127.0.0.1:$port/v1/",
	EMBED_API_KEY => 'sesame',
	EMBED_MODEL => 'stub-4',
	EMBED_BATCH => 16,
	EMBED_POLL => 600);

# Memories without the vector that the endpoint makes of their content.
my $wrong = q{SELECT count(*) FROM mem.memory m WHERE m.model IS DISTINCT FROM 'stub-4' OR m.embedding::text IS DISTINCT FROM
	(SELECT ('[' || string_agg(((get_byte(sha256(convert_to(m.content, 'UTF8')), i) + 1) / 256.0)::text, ',' ORDER BY i) || ']')::agentmem.vector::text
	 FROM generate_series(0, 3) i)};
sub query { return $node->safe_psql('postgres', $_[0]) }
sub remember { return query("SELECT agentmem.remember('mem', 'n', '$_[0]', 'fact')") }
sub becomes
{
	my ($sql, $what) = @_;
	return ok($node->poll_query_until('postgres', $sql), $what);
}

sub start
{
	my ($name, @arguments) = @_;
	my %run = (out => '', err => '');
	$run{handle} = IPC::Run::start([ @{ $program{$name}{command} }, @arguments ], '<', \undef, '>', \$run{out}, '2>', \$run{err},
		IPC::Run::timeout(180));
	return \%run;
}

# What failed is due at once, until there is nothing left.
sub drain
{
	for (1 .. 300)
	{
		query(q{UPDATE mem.job SET run_at = now() WHERE state = 'queued'; NOTIFY agentmem_job, 'mem'});
		return if query('SELECT count(*) FROM mem.job') == 0;
		select(undef, undef, undef, 0.2);
	}
}

sub requests
{
	return [] unless -e $asked;
	return [ map { decode_json($_) } split /\n/, slurp_file($asked) ];
}

for my $name (sort keys %program)
{
  SKIP:
	{
		skip("$name: its libraries are not in $dir", 1) unless -e $program{$name}{libraries};
		query(q{
			SELECT agentmem.create_store('mem', dimensions => 4);
			INSERT INTO mem.setting VALUES ('embed_jobs', 'on');
			SELECT count(*) FROM agentmem.remember_many('mem', 'n', (SELECT jsonb_agg(jsonb_build_object('content', 'memory ' || i, 'kind', 'fact'))
				FROM generate_series(1, 50) i));
		});
		unlink $asked;
		my $run = start($name, '--once');
		ok($run->{handle}->finish, "$name: --once ends when all is done") or diag($run->{err});
		is(query($wrong) . query('SELECT count(*) FROM mem.job'), '00', "$name: every vector is that of its text, no job is left");
		is(join(' ', map { "$_->{path} $_->{key} $_->{n}" } @{ requests() }),
			join(' ', map { "/v1/embeddings Bearer sesame $_" } 16, 16, 16, 2), "$name: in batches, with the key");

		# Idle, it looks every ten minutes.
		{
			local $ENV{EMBED_TIMEOUT} = 5;
			$run = start($name);
		}
		becomes(q{SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'agentmem embed_jobs' AND state = 'idle' AND query LIKE '%claim_jobs%'},
			"$name: idle");
		remember('announced');
		becomes('SELECT count(*) = 0 FROM mem.job', "$name: what is announced is done at once");

		# Nothing is announced any more; what failed comes back when it is due, and then it does not wait ten minutes either.
		remember("$_ once, $name") for 'busy', 'broken', 'garbled';
		becomes(q{SELECT count(*) >= 1 FROM mem.job WHERE error ~ '429|500|JSON' AND state = 'queued'}, "$name: what fails is given back");
		drain();
		is(query($wrong) . query('SELECT count(*) FROM mem.job'), '00', "$name: and done later");

		# Answers that end too early, or are none, or begin and do not go on; each by itself, as pauses grow.
		for my $fault ('truncated', 'garbage', 'stalled')
		{
			remember("$fault once, $name");
			becomes(q{SELECT count(*) = 1 FROM mem.job WHERE error IS NOT NULL AND state = 'queued'}, "$name: $fault: given back");
			drain();
			is(query($wrong) . query('SELECT count(*) FROM mem.job'), '00', "$name: $fault: and done later");
		}

		# Whoever completes is always in somebody's way.
		query(q{
			CREATE FUNCTION mem.contend() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN RAISE EXCEPTION 'could not serialize' USING ERRCODE = '40001'; END $$;
			CREATE TRIGGER contend BEFORE UPDATE ON mem.memory FOR EACH ROW WHEN (NEW.content = 'contended') EXECUTE FUNCTION mem.contend();
		});
		remember('contended');
		becomes(q{SELECT count(*) = 1 FROM mem.job WHERE error = 'could not serialize' AND state = 'queued'}, "$name: what cannot be completed is given back");
		query(q{DROP FUNCTION mem.contend() CASCADE});
		drain();
		is(query($wrong) . query('SELECT count(*) FROM mem.job'), '00', "$name: and completed later");

		# One that is refused, and one of the wrong dimension, among others.
		query(q{
			BEGIN;
			SELECT agentmem.remember('mem', 'n', t, 'fact') FROM unnest('{one,a refused one,two,a short one,three}'::text[]) t;
			UPDATE mem.job SET attempts = 1;
			COMMIT;
		});
		becomes(q{SELECT count(*) = 2 AND bool_and(state = 'dead') FROM mem.job}, "$name: two are dead");
		is(query(q{SELECT string_agg(m.content || ': ' || substr(j.error, 1, 54), '; ' ORDER BY m.id) FROM mem.job j JOIN mem.memory m ON ARRAY[m.id] = j.ids}),
			'a refused one: HTTP 400: a text is too long; a short one: store "mem" expects embeddings of 4 dimensions, not 3',
			"$name: and say why");
		is(query(q{SELECT count(*) FROM mem.memory WHERE embedding IS NULL}), '2', "$name: the others are done");
		query(q{DELETE FROM mem.memory WHERE embedding IS NULL; DELETE FROM mem.job});

		# The connection goes, and comes back.
		query(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'agentmem embed_jobs'});
		remember('after the cut');
		becomes('SELECT count(*) = 0 FROM mem.job', "$name: connects again");
		$run->{handle}->signal('TERM');
		ok($run->{handle}->finish, "$name: ends when it is told to, idle") or diag($run->{err});

		# Four seconds with a lease of two; the signal comes in the middle.
		{
			local $ENV{EMBED_LEASE} = 2;
			$run = start($name);
		}
		remember('slow');
		becomes(q{SELECT count(*) > 0 FROM mem.job WHERE state = 'leased'}, "$name: it works");
		my $lease = query('SELECT run_at FROM mem.job');
		$run->{handle}->signal('TERM');
		becomes("SELECT bool_and(run_at > '$lease') FROM mem.job WHERE state = 'leased'", "$name: the lease is extended");
		ok($run->{handle}->finish, "$name: ends when it is told to, at work") or diag($run->{err});
		is(query($wrong) . query('SELECT count(*) FROM mem.job'), '00', "$name: and finishes the batch first");

		# Nothing is announced.
		query(q{INSERT INTO mem.setting VALUES ('job_notify', 'off')});
		{
			local $ENV{EMBED_POLL} = 1;
			$run = start($name);
		}
		becomes(q{SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'agentmem embed_jobs' AND state = 'idle' AND query LIKE '%claim_jobs%'},
			"$name: idle again");
		remember('not announced');
		becomes('SELECT count(*) = 0 FROM mem.job', "$name: what is not announced is found");
		$run->{handle}->signal('TERM');
		ok($run->{handle}->finish, "$name: ends") or diag($run->{err});
		query(q{SELECT agentmem.drop_store('mem', cascade => true)});
	}
}

$stub->kill_kill;
$node->stop;
done_testing();
