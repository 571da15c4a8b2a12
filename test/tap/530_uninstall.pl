# `make install` and then `make uninstall`, in a folder of their own: no file is left, and what was installed is what the server looks for.
use strict;
use warnings;

use File::Find;
use PostgreSQL::Test::Utils;
use Test::More;

plan(skip_all => 'the sources are not here') unless -f 'Makefile' && -d 'contrib/agentmem_pgvector';

my $root = PostgreSQL::Test::Utils::tempdir;
# Bitcode takes a minute, and is only where the server has a compiler for it.
my @flags = ('-s', "DESTDIR=$root", 'MAKEFLAGS=', 'MAKELEVEL=', $ENV{AGENTMEM_FULL} ? () : ('with_llvm=no'));

sub files
{
	my @found;
	find(sub { push @found, $File::Find::name =~ s/^\Q$root\E//r unless -d }, $root);
	return join("\n", sort @found);
}

# A copy: the tree is the one that the tests run on.
my $source = PostgreSQL::Test::Utils::tempdir;
system_or_bail('cp', '-a', 'Makefile', 'agentmem.control', 'src', 'contrib', $source);
my @folders = ($source, "$source/contrib/agentmem_pgvector");
append_to_file("$root/theirs", 'a file of somebody else');
my $before = files();
is(system_log('make', '-C', $_, @flags, 'install'), 0, "make install of $_") for @folders;
my $installed = files();
for my $name (qw(agentmem agentmem_pgvector))
{
	like($installed, qr{^/.*/$name\.so$}m, "$name: the library");
	like($installed, qr{^/.*/extension/$name\.control$}m, "$name: the control file");
	like($installed, qr{^/.*/extension/$name--[0-9.]+\.sql$}m, "$name: the script");
}
is(system_log('make', '-C', $_, @flags, 'uninstall'), 0, "make uninstall of $_") for @folders;
is(files(), $before, 'nothing is left, nor is anything gone that was there');

done_testing();
