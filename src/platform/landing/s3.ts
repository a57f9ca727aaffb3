/** Owner of @aws-sdk/client-s3: the landing store in a bucket of S3, MinIO, Google Cloud Storage or whatever speaks like them. */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { S3Place } from './place.ts';
import { type LandingBounds, type LandingStore, LandingTooLarge, LandingUnavailable } from './store.ts';

/** Tries of one call; the client waits longer after a SlowDown than after a lost connection. */
const ATTEMPTS = 4;
const CONNECT_MS = 3_000;

/** Opens it; nothing is sent yet. */
export function openS3Store(place: S3Place, { timeoutMs, maxBytes, pageKeys }: LandingBounds): LandingStore {
  const { endpoint, region, bucket, prefix: root, credentials } = place;
  const client = new S3Client({
    ...(endpoint && { endpoint, forcePathStyle: true }),
    ...(region && { region }),
    ...(credentials && { credentials: { accessKeyId: credentials.key, secretAccessKey: credentials.secret } }),
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: timeoutMs, throwOnRequestTimeout: true },
    // trailing checksums are AWS's own; GCS refuses them
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });

  /** One call with its tries, bounded as a whole. What the server says goes into the error, the request does not. */
  async function call<T>(work: (abortSignal: AbortSignal) => Promise<T>): Promise<T> {
    const bound = AbortSignal.timeout(timeoutMs * ATTEMPTS);
    const late = new Promise<never>((_, fail) => {
      // a body that stalls is not the client's business any more
      bound.addEventListener('abort', () => fail(new Error('no answer in time')), { once: true });
    });
    try {
      return await Promise.race([work(bound), late]);
    } catch (error) {
      if (error instanceof LandingTooLarge) throw error;
      const { name, message } = error as Error;
      const status = error instanceof S3ServiceException ? ` ${error.$metadata?.httpStatusCode ?? ''}` : '';
      throw new LandingUnavailable(`${name}${status}: ${message}`, { cause: error });
    }
  }

  return {
    async write({ key, bytes }) {
      await call((abortSignal) =>
        client.send(
          new PutObjectCommand({
            ...{ Bucket: bucket, Key: root + key, Body: bytes, ContentLength: bytes.length },
            ContentType: 'application/gzip',
          }),
          { abortSignal },
        ),
      );
    },
    async *list(prefix, after) {
      let ContinuationToken: string | undefined;
      do {
        const page = await call((abortSignal) =>
          client.send(
            new ListObjectsV2Command({
              ...{ Bucket: bucket, Prefix: root + prefix, ContinuationToken, MaxKeys: pageKeys },
              ...(after && { StartAfter: root + after }),
            }),
            { abortSignal },
          ),
        );
        const keys = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key.slice(root.length)]));
        if (keys.length > 0) yield keys;
        ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined;
      } while (ContinuationToken !== undefined);
    },
    read: (key) =>
      call(async (abortSignal) => {
        try {
          const { Body, ContentLength } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: root + key }), {
            abortSignal,
          });
          if ((ContentLength ?? 0) > maxBytes) throw new LandingTooLarge(`${ContentLength} bytes`);
          const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
          if (ContentLength !== undefined && bytes.length !== ContentLength) throw new Error('cut off');
          return bytes;
        } catch (error) {
          if ((error as Error).name === 'NoSuchKey') return null;
          throw error;
        }
      }),
    async delete(key) {
      await call((abortSignal) =>
        client.send(new DeleteObjectCommand({ Bucket: bucket, Key: root + key }), { abortSignal }),
      );
    },
    close: () => client.destroy(),
  };
}
