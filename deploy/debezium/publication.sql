-- What is captured, for either source of changes: Debezium (prepare.sql) and our own reader run this; may be run again.
DO $$ BEGIN
  -- two processes that start at once must not trip over each other
  PERFORM pg_advisory_xact_lock(hashtext('dbz_pub'));

  -- written by the connector's heartbeat, so that the slot advances while the watched table is quiet
  CREATE TABLE IF NOT EXISTS public.dbz_heartbeat (id integer PRIMARY KEY, ts timestamptz NOT NULL);
  -- a row here asks the connector for something, say for the table anew; it also fences what is read meanwhile
  CREATE TABLE IF NOT EXISTS public.dbz_signal (id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048));

  IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'dbz_pub') THEN
    CREATE PUBLICATION dbz_pub FOR TABLE public.c2c_order, public.dbz_heartbeat, public.dbz_signal;
  ELSE
    IF NOT EXISTS (SELECT FROM pg_publication_tables WHERE pubname = 'dbz_pub' AND schemaname = 'public' AND tablename = 'c2c_order') THEN
      ALTER PUBLICATION dbz_pub ADD TABLE public.c2c_order;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_publication_tables WHERE pubname = 'dbz_pub' AND schemaname = 'public' AND tablename = 'dbz_signal') THEN
      ALTER PUBLICATION dbz_pub ADD TABLE public.dbz_signal;
    END IF;
  END IF;
END $$;
