/** A Python with the package websockets, for the tests of what the guide says to those who write Python. */
import { execFileSync } from 'node:child_process';
import { ServiceUnavailable } from './service.ts';

const PROGRAMS = ['python3', '/usr/bin/python3'];

/** The program. Throws ServiceUnavailable. */
export function pythonProgram(): string {
  for (const program of PROGRAMS) {
    try {
      execFileSync(program, ['-c', 'import websockets'], { stdio: 'ignore' });
      return program;
    } catch {}
  }
  throw new ServiceUnavailable(
    'Python with websockets',
    'no python3 has the package websockets',
    "install Debian's python3-websockets, or pip install websockets",
  );
}
