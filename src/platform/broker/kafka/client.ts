/** How every connection to Kafka of ours is made: bounded in time, quiet, and certain to end when it is told to. */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Kafka, KafkaConfig, logCreator, RetryOptions, SASLOptions } from 'kafkajs';
import type { Log } from '../../log.ts';
import { BrokerUnavailable } from '../broker.ts';
import { installCodecs } from './codecs.ts';
import { kafkajs } from './mended/kafkajs.ts';

/** What a cluster that does not trust everybody wants. */
export interface KafkaSecurity {
  /** Encrypted; `authorities`: certificates in PEM, else those that Node knows. */
  tls?: { authorities: string | undefined };
  login?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string };
}

export interface KafkaOptions {
  /** host:port of some brokers of the cluster. */
  brokers: readonly string[];
  security?: KafkaSecurity;
  clientId: string;
  /** A group member silent this long loses its partitions, ms. */
  sessionTimeoutMs: number;
  /** Bound on one call, ms. */
  timeoutMs: number;
  /** A handler that shows no sign of progress for this long ends the consumer, ms; 5 minutes. */
  handlerStuckMs?: number;
  /** A consumer that fetches nothing for this long although Kafka answers ends, ms; a minute, or three sessions. */
  fetchStuckMs?: number;
  log: Log;
}

/** Bound on leaving a group or disconnecting, ms: a process that ends must not wait long for a Kafka that is frozen. */
export function closeBound({ timeoutMs }: KafkaOptions): number {
  return Math.min(timeoutMs, 1_500);
}

export interface KafkaClient {
  readonly kafka: Kafka;
  /** Cuts what is still open. */
  destroy(): void;
}

let prepared = false;

/** A client with connections of its own. */
export function createKafkaClient(options: KafkaOptions, retry: RetryOptions): KafkaClient {
  if (!prepared) {
    installCodecs();
    prepared = true;
  }
  const sockets = new Set<Socket>();
  const config: KafkaConfig = {
    clientId: options.clientId,
    brokers: [...options.brokers],
    ssl: options.security?.tls && { ca: options.security.tls.authorities },
    // one type for each mechanism there, one for all here
    sasl: options.security?.login as SASLOptions | undefined,
    connectionTimeout: Math.min(options.timeoutMs, 3_000),
    requestTimeout: options.timeoutMs,
    enforceRequestTimeout: true,
    retry,
    logCreator: logCreatorOf(options.log),
    logLevel: kafkajs.logLevel.INFO,
    // kafkajs ends a connection only after its last request was answered, which a frozen peer never does
    socketFactory({ host, port, ssl, onConnect }) {
      const socket = ssl
        ? // RFC 6066 3: a server's name is no address
          connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
        : connectTcp({ host, port }, onConnect);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, 60_000);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      return socket;
    },
  };
  return {
    kafka: new kafkajs.Kafka(config),
    destroy() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** kafkajs retries most of what it calls an error; what it gives up on is logged by us. */
function logCreatorOf(log: Log): logCreator {
  return () =>
    ({ namespace, level, log: { message, error, broker, retryCount } }) => {
      const line = { kafkajs: namespace, error, broker, retryCount };
      if (level <= kafkajs.logLevel.WARN) log.warn(line, message);
      else log.debug(line, message);
    };
}

/** The result of `work`; BrokerUnavailable when it takes longer than `ms`, or when it says Kafka can't be reached. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new BrokerUnavailable(`${what}: no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } catch (error) {
    throw asBrokerError(error, what);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}

/** Errors of kafkajs that mean: not reached, or not now. */
const UNAVAILABLE =
  /^KafkaJS(Connection|ConnectionClosed|RequestTimeout|BrokerNotFound|NoBrokerAvailable|GroupCoordinatorNotFound|LockTimeout|Timeout|MetadataNotLoaded|NumberOfRetriesExceeded)(Error)?$/;

/** BrokerUnavailable for what another try may mend, else the error itself. */
export function asBrokerError(error: unknown, what: string): Error {
  // kafkajs tries this again as well, but a topic of ours is there or never will be
  if (protocolType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return new Error(`${what}: a topic is not there`, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  if (isUnavailable(error)) return new BrokerUnavailable(`${what}: ${message}`, { cause: error });
  return error instanceof Error ? error : new Error(message);
}

/** What kafkajs gave up on may still be worth another try of ours: the cause says so. */
function isUnavailable(error: unknown): boolean {
  const { name = '', retriable, cause } = error as { name?: string; retriable?: boolean; cause?: unknown };
  if (UNAVAILABLE.test(name) || (name === 'KafkaJSProtocolError' && retriable === true)) return true;
  return cause instanceof Error && isUnavailable(cause);
}

/** Kafka's name of the error that lies beneath, e.g. UNKNOWN_MEMBER_ID; undefined where Kafka did not answer one. */
export function protocolType(error: unknown): string | undefined {
  const { type, cause } = error as { type?: string; cause?: unknown };
  return type ?? (cause ? protocolType(cause) : undefined);
}
