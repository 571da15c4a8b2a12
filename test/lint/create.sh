# Install scripts CREATE: OR REPLACE would take over an object that someone made before us.
grep -niE 'create +or +replace|create +[a-z ]+ +if +not +exists' src/*/*.sql contrib/*/*.sql | grep -v '^src/upgrade/'
exit 0
