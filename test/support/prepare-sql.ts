/** deploy/debezium/prepare.sql without psql. */
import type { Sql } from '../../src/platform/postgres/postgres.ts';
import { projectText } from './tree.ts';

/** The text as psql would send it, for a password of letters and digits. */
export async function prepareSql(password: string): Promise<string> {
  const text = await projectText('deploy/debezium/prepare.sql');
  const publication = await projectText('deploy/debezium/publication.sql');
  return text.replaceAll(":'password'", `'${password}'`).replace('\\ir publication.sql', () => publication);
}

/** Makes the role, the tables of the connector's own and the publication. */
export async function prepareCapture(sql: Sql, password: string): Promise<void> {
  await sql.query(await prepareSql(password));
}
