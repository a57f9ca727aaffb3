/** docker-compose.yml as Compose reads it: anchors merged, variables filled in. */
import { parse } from 'yaml';
import { projectText } from './tree.ts';

export interface ComposeService {
  image: string;
  build?: { context: string; dockerfile: string };
  command?: string[] | string;
  entrypoint?: string[];
  profiles?: string[];
  restart?: string;
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[]; interval: string; timeout: string; retries: number };
  deploy?: { resources?: { limits?: { cpus?: string; memory?: string } } };
}

export interface ComposeFile {
  name: string;
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
}

/** The file with anchors and merge keys resolved and `${…}` as written. */
export async function readCompose(): Promise<ComposeFile> {
  return parse(await projectText('docker-compose.yml'), { merge: true }) as ComposeFile;
}

/** `${NAME}`, `${NAME:-default}`, `${NAME:?message}` replaced, `$$` unescaped. Throws when a required one is missing. */
export function interpolate(text: string, values: Record<string, string>): string {
  return text
    .replaceAll(/(?<!\$)\$\{([A-Z0-9_]+)(?::([-?])([^}]*))?\}/g, (_, name: string, kind?: string, rest?: string) => {
      const value = values[name] ?? '';
      if (value === '' && kind === '?') throw new Error(`${name}: ${rest}`);
      return value === '' && kind === '-' ? (rest ?? '') : value;
    })
    .replaceAll('$$', '$');
}

/** Every variable a text asks for, with true where it is required. */
export function variablesOf(text: string): Map<string, boolean> {
  const found = [...text.matchAll(/(?<!\$)\$\{([A-Z0-9_]+)(:\?)?/g)];
  return new Map(found.map(([, name = '', required]) => [name, required !== undefined]));
}
