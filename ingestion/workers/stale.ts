/** The partition is somebody else's now, or we are stopping: what is left of the batch must not be written. */
export class StaleBatch extends Error {
  override readonly name = 'StaleBatch';
}
