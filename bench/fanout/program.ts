/** How the benchmarks run servers and the generator. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const ANSWER_MS = 30_000;

/** A program on one core that is told lines and answers in lines. */
export class Program {
  private readonly lines: string[] = [];
  private readonly waiting: ((line: string) => void)[] = [];
  private errors = '';
  private readonly child: ChildProcess;

  constructor(core: number, command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.child = spawn('taskset', ['-c', String(core), command, ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    createInterface(this.child.stdout!).on('line', (line) => {
      const next = this.waiting.shift();
      if (next) next(line);
      else this.lines.push(line);
    });
    this.child.stderr?.on('data', (chunk) => {
      this.errors = `${this.errors}${chunk}`.slice(-2_000);
    });
    this.child.stdin?.on('error', () => {});
  }

  tell(line: string): void {
    this.child.stdin?.write(`${line}\n`);
  }

  /** The next line. Rejects where the program ends, or says nothing in time. */
  async answer(withinMs = ANSWER_MS): Promise<string> {
    const known = this.lines.shift();
    if (known !== undefined) return known;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<string>((done, fail) => {
        this.waiting.push(done);
        timer = setTimeout(() => fail(new Error(`no answer in time: ${this.errors}`)), withinMs);
        this.child.once('exit', (code) => fail(new Error(`ended with ${code}: ${this.errors}`)));
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** The answer to a line, as figures. */
  async numbers(line?: string, withinMs?: number): Promise<Record<string, number>> {
    if (line) this.tell(line);
    return JSON.parse(await this.answer(withinMs)) as Record<string, number>;
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
