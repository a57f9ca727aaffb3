-- What change data capture needs in PostgreSQL; may be run again. psql -v password=… -f prepare.sql
-- (handed over as a setting, because psql fills nothing in between dollar signs)
SELECT set_config('tickgraph.password', :'password', false) <> '' AS password_given;

\ir publication.sql

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dbz') THEN
    CREATE ROLE dbz;
  END IF;
  EXECUTE format('ALTER ROLE dbz WITH LOGIN REPLICATION PASSWORD %L', current_setting('tickgraph.password'));
END $$;

-- reads what it captures, and writes nothing but its own two tables
GRANT USAGE ON SCHEMA public TO dbz;
GRANT SELECT ON public.c2c_order TO dbz;
GRANT SELECT, INSERT, UPDATE ON public.dbz_heartbeat TO dbz;
GRANT SELECT, INSERT, UPDATE ON public.dbz_signal TO dbz;
