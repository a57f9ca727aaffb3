/** The partition is somebody else's now, or we are stopping: what is left of the batch must not be written. */
export class StaleBatch extends Error {
  override readonly name = 'StaleBatch';
}

/** What the worker built on is gone from its store, e.g. because that was emptied: it joins its group anew and begins again. */
export class StateLost extends StaleBatch {}
