# What tests of launcher and workers share.
package Workers;
use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils;

our @EXPORT_OK = qw(at_work preload settled set_settings slow_store worker_count);

# Settings of a server whose launcher is quick.
sub preload
{
	my ($node, @more) = @_;
	$node->append_conf('postgresql.conf', join("\n", "shared_preload_libraries = 'agentmem'", 'agentmem.worker_naptime = 1s',
			'agentmem.worker_log_min_duration = 0', 'autovacuum = off', @more, ''));
	return;
}

# Changes settings of a server that runs; a session knows them when it has the module.
sub set_settings
{
	my ($node, %settings) = @_;
	$node->safe_psql('postgres', "LOAD 'agentmem'; ALTER SYSTEM SET $_ = $settings{$_}") for sort keys %settings;
	$node->reload;
	return;
}

# Lets a store's maintenance take so many seconds: it has something to forget, which is slow.
sub slow_store
{
	my ($node, $database, $seconds) = @_;
	$node->safe_psql($database, qq{
		CREATE EXTENSION IF NOT EXISTS agentmem;
		SELECT agentmem.create_store('slow');
		CREATE FUNCTION slow.slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_catalog.pg_sleep($seconds); RETURN NULL; END';
		CREATE TRIGGER slowly AFTER DELETE ON slow.memory EXECUTE FUNCTION slow.slowly();
		SELECT agentmem.remember('slow', 'n', 'a thing to forget', 'fact', expires_at => now() - interval '1 hour');
	});
	return;
}

# Waits until a worker is in it.
sub at_work
{
	my ($node, $database) = @_;
	return $node->poll_query_until('postgres',
		qq{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'agentmem worker' AND datname = '$database' AND query LIKE 'agentmem: store%' AND wait_event = 'PgSleep'});
}

# Waits until nothing of a store is due.
sub settled
{
	my ($node, $database, $store) = @_;
	return $node->poll_query_until($database, "SELECT due = 0 AND last_run IS NOT NULL FROM agentmem.maintenance_status WHERE store = '$store'");
}

sub worker_count
{
	my ($node) = @_;
	return $node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'agentmem worker'});
}

1;
