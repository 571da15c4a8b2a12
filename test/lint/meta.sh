# META.json is what PGXN takes (version 1.0.0 of its specification), and every place that has the version has the same.
perl -MJSON::PP -e '
	use strict;
	my $meta = eval { decode_json(do { local $/; open(my $f, "<", "META.json") or die "META.json: $!\n"; <$f> }) } or print("META.json: $@") and exit;
	my $version = qr/^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}(-[A-Za-z][0-9A-Za-z-]*)?$/;
	print "META.json: no $_\n" for grep { !$meta->{$_} } qw(abstract license maintainer meta-spec name provides version);
	print "META.json: meta-spec is not 1.0.0\n" unless $meta->{"meta-spec"}{version} eq "1.0.0";
	print "META.json: $_ is unknown\n" for grep {
		!/^(abstract|description|generated_by|license|maintainer|meta-spec|name|no_index|prereqs|provides|release_status|resources|tags|version|X_.*)$/ } keys %$meta;
	print "META.json: name $meta->{name}\n" unless $meta->{name} =~ m{^[^\s/\\\x00-\x1f]{2,}$};
	print "META.json: license $meta->{license}\n" unless $meta->{license} =~ /^(agpl_3|apache_1_1|apache_2_0|artistic_1|artistic_2|bsd|freebsd|gfdl_1_2|gfdl_1_3|gpl_1|gpl_2|gpl_3|lgpl_2_1|lgpl_3_0|mit|mozilla_1_0|mozilla_1_1|openssl|perl_5|postgresql|qpl_1_0|ssleay|sun|zlib|open_source|restricted|unrestricted|unknown)$/;
	print "META.json: release_status\n" unless ($meta->{release_status} // "stable") =~ /^(stable|testing|unstable)$/;
	for my $tag (@{ $meta->{tags} // [] }) { print "META.json: tag $tag\n" unless $tag =~ m{^[^/\\\x00-\x1f]{1,255}$} }
	for my $phase (keys %{ $meta->{prereqs} // {} })
	{
		print "META.json: prereqs $phase\n" unless $phase =~ /^(configure|build|test|runtime|develop|X_.*)$/;
		for my $kind (keys %{ $meta->{prereqs}{$phase} })
		{
			print "META.json: prereqs $phase $kind\n" unless $kind =~ /^(requires|recommends|suggests|conflicts)$/;
			print "META.json: prereqs of $_\n" for grep { $meta->{prereqs}{$phase}{$kind}{$_} !~ /$version|^0$/ } keys %{ $meta->{prereqs}{$phase}{$kind} };
		}
	}
	my %control = map { my ($name) = m{([^/]+)\.control$}; $name => $_ } glob("*.control contrib/*/*.control");
	print "META.json does not provide $_\n" for grep { !$meta->{provides}{$_} } sort keys %control;
	for my $name (sort keys %{ $meta->{provides} })
	{
		my $one = $meta->{provides}{$name};
		print "META.json: $name: no file $_\n" for grep { !-f $_ } $one->{file} // "", $one->{docfile} // $one->{file};
		print "META.json: $name: version is not three numbers\n" unless $one->{version} =~ $version;
		print "META.json: $name: no such extension\n" and next unless $control{$name};
		my ($default) = do { local $/; open(my $f, "<", $control{$name}); <$f> } =~ /^default_version = \x27(.*)\x27$/m;
		print "$control{$name} has version $default, META.json $one->{version}\n" unless $default eq $one->{version};
	}
	my %has = (META => $meta->{version}, agentmem => $meta->{provides}{agentmem}{version});
	for (["Makefile", qr/^EXTVERSION = (\S+)$/m], ["debian/changelog", qr/^agentmem \((\S+)-[0-9]+\)/], ["contrib/mcp/agentmem_mcp.py", qr/^VERSION = "(\S+)"$/m],
		map { [ $_, qr/^version = "(\S+)"$/m ] } glob("contrib/*/pyproject.toml"))
	{
		($has{ $_->[0] }) = do { local $/; open(my $f, "<", $_->[0]) or die "$_->[0]: $!\n"; <$f> } =~ $_->[1];
	}
	print "$_ has version $has{$_}, META.json $meta->{version}\n" for grep { $has{$_} ne $meta->{version} } sort keys %has;
'
exit 0
