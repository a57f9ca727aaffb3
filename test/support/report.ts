/** Reporter of one test file: its outcome as JSON lines, which test/run.ts reads. */
import type { TestEvent } from 'node:test/reporters';

/** What became of one test; a suite is reported only when it failed. */
export interface TestOutcome {
  /** Titles from the outermost suite inwards. */
  path: string[];
  kind: 'passed' | 'failed' | 'skipped';
  suite: boolean;
  ms: number;
  /** Of a failed test: message and stack. Of a skipped one: the reason. */
  text: string;
}

interface Failure extends Error {
  failureType?: string;
}

/** The message with its stack, causes included; node:test wraps what was thrown. */
function describeFailure(error: Failure): string {
  const thrown = error.cause instanceof Error ? error.cause : error;
  const parts: string[] = [];
  for (let one: unknown = thrown; one instanceof Error && parts.length < 5; one = one.cause) {
    parts.push(one.stack ?? `${one.name}: ${one.message}`);
  }
  if (parts.length === 0) parts.push(String(error.cause ?? error.message ?? error));
  return parts.join('\ncaused by ').replace(/\n +at [^\n]*\(?node:internal[^\n]*/g, '');
}

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const titles: string[] = [];
  for await (const event of source) {
    if (event.type === 'test:start') {
      titles.length = event.data.nesting;
      titles[event.data.nesting] = event.data.name;
    }
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { data } = event;
    const suite = data.details.type === 'suite';
    const outcome: TestOutcome = {
      path: [...titles.slice(0, data.nesting), data.name],
      kind: 'passed',
      suite,
      ms: data.details.duration_ms,
      text: '',
    };
    if (event.type === 'test:fail') {
      const error = event.data.details.error as Failure;
      // the test inside says what went wrong
      if (error.failureType === 'subtestsFailed') continue;
      outcome.kind = 'failed';
      outcome.text = describeFailure(error);
    } else if (data.skip !== undefined && data.skip !== false) {
      outcome.kind = 'skipped';
      outcome.text = typeof data.skip === 'string' ? data.skip : 'no reason given';
    } else if (suite) {
      continue;
    }
    yield `${JSON.stringify(outcome)}\n`;
  }
}
