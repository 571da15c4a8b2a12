# The extension's script is read in the database's encoding, which need not have other characters.
grep -nP '[^\x00-\x7F]' $(find src -name '*.sql') agentmem.control
exit 0
