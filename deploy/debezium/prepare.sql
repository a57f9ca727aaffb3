-- What change data capture needs in PostgreSQL; may be run again. psql -v password=… -f prepare.sql
SELECT format('CREATE ROLE dbz LOGIN REPLICATION PASSWORD %L', :'password')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dbz') \gexec
ALTER ROLE dbz WITH LOGIN REPLICATION PASSWORD :'password';

-- written by the connector's heartbeat, so that the slot advances while the watched table is quiet
CREATE TABLE IF NOT EXISTS public.dbz_heartbeat (id integer PRIMARY KEY, ts timestamptz NOT NULL);
GRANT USAGE ON SCHEMA public TO dbz;
GRANT SELECT ON public.c2c_order TO dbz;
GRANT SELECT, INSERT, UPDATE ON public.dbz_heartbeat TO dbz;

SELECT 'CREATE PUBLICATION dbz_pub FOR TABLE public.c2c_order, public.dbz_heartbeat'
 WHERE NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'dbz_pub') \gexec
