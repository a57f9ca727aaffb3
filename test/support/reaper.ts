/** Ends a server, and removes its folder, when the process that started it is gone without having done so: killed, say. */
import { spawn } from 'node:child_process';

/**
 * Waits for the end of its input, which comes however the other process ends. A server that is a session of its own (as
 * PostgreSQL is) is out of reach of whoever ends a group; one that is frozen takes no signal before it goes on.
 */
const SCRIPT = `
cat > /dev/null
pid=$(head -n 1 "$1/$2" 2> /dev/null)
case "$pid" in
  *[!0-9]* | '') ;;
  *)
    for one in $pid $(ps -A -o ppid=,pid= | awk -v parent="$pid" '$1 == parent { print $2 }'); do
      kill -CONT "$one" 2> /dev/null
    done
    kill -QUIT "$pid" 2> /dev/null
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      kill -0 "$pid" 2> /dev/null || break
      sleep 0.5
    done
    kill -KILL "$pid" 2> /dev/null
    ;;
esac
rm -rf "$1"
`;

/** Watches from now on. `pidFile`: below `folder`, its first line the server's pid. Call what it returns once both are gone. */
export function reapAfterUs(folder: string, pidFile: string): () => void {
  const watcher = spawn('sh', ['-c', SCRIPT, 'reaper', folder, pidFile], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // where there is no shell nobody watches
  watcher.on('error', () => {});
  watcher.unref();
  (watcher.stdin as (typeof watcher)['stdin'] & { unref?(): void })?.unref?.();
  return () => void watcher.kill('SIGKILL');
}
