/** The database's own record of what was done to the table, written in the transactions that did it. */
import type { Sql } from '../../src/platform/postgres/postgres.ts';

export interface Done {
  op: string;
  /** Order number; empty for a truncation. */
  key: string;
  /** Amount after it, or before it for a deletion; empty for a truncation. */
  amount: string;
}

/** Begins the record. */
export async function startAudit(sql: Sql): Promise<void> {
  await sql.query(`
    CREATE TABLE public.audit (seq bigserial PRIMARY KEY, op text NOT NULL, key text NOT NULL, amount text NOT NULL);
    CREATE FUNCTION public.audit_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO public.audit (op, key, amount) VALUES ('TRUNCATE', '', '');
      ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO public.audit (op, key, amount) VALUES ('CREATE', NEW.order_number, trim_scale(NEW.amount)::text);
      ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO public.audit (op, key, amount) VALUES ('DELETE', OLD.order_number, trim_scale(OLD.amount)::text);
      ELSIF OLD.order_number <> NEW.order_number THEN
        INSERT INTO public.audit (op, key, amount) VALUES
          ('DELETE', OLD.order_number, trim_scale(OLD.amount)::text), ('CREATE', NEW.order_number, trim_scale(NEW.amount)::text);
      ELSE
        INSERT INTO public.audit (op, key, amount) VALUES ('UPDATE', NEW.order_number, trim_scale(NEW.amount)::text);
      END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON public.c2c_order
      FOR EACH ROW EXECUTE FUNCTION public.audit_row();
    CREATE TRIGGER audit_truncate AFTER TRUNCATE ON public.c2c_order EXECUTE FUNCTION public.audit_row();
  `);
}

/** Everything that was done and committed, in the order in which it was done. */
export function audited(sql: Sql): Promise<Done[]> {
  return sql.query<Done>('SELECT op, key, amount FROM public.audit ORDER BY seq');
}

/** Key → what happened to it, in order. */
export function byKey(done: readonly Done[]): Map<string, string[]> {
  const keys = new Map<string, string[]>();
  for (const { op, key, amount } of done) {
    const all = keys.get(key) ?? [];
    keys.set(key, all);
    all.push(`${op} ${amount}`);
  }
  return keys;
}
