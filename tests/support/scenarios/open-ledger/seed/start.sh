#!/bin/sh
# Two database servers with the same ledger, each as an account of its own.
mkdir -p /run/mysqld && chown mysql: /run/mysqld
setpriv --reuid mysql --regid mysql --clear-groups mariadbd &
until mariadb-admin ping --silent; do sleep 0.2; done
mariadb < /srv/mariadb.sql
version=$(ls /etc/postgresql)
mkdir -p /run/postgresql && chown postgres: /run/postgresql
server() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }
server "/usr/lib/postgresql/$version/bin/postgres" -D "/var/lib/postgresql/$version/main" \
    -c "config_file=/etc/postgresql/$version/main/postgresql.conf" &
until server pg_isready --quiet; do sleep 0.2; done
server psql --quiet < /srv/postgresql.sql
touch /srv/ready
exec sleep infinity
