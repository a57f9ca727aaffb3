/** Health check of a container: `node deploy/healthcheck.ts URL` ends with 0 when the URL answers 2xx within 3 s. */
import { argv, exit } from 'node:process';

const url = argv[2] ?? '';
const ok = await fetch(url, { signal: AbortSignal.timeout(3_000) }).then(
  (response) => response.ok,
  () => false,
);
exit(ok ? 0 : 1);
