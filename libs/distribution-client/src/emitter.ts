/** Typed listeners. A listener that throws harms neither the others nor the stream: its error is reported as uncaught. */

export interface Emitter<Events> {
  /** Returns what removes the listener again. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void;
  /** False: nobody listens. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): boolean;
}

export function createEmitter<Events>(): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<(event: never) => void>>();
  return {
    on(name, listener) {
      const list = listeners.get(name) ?? new Set();
      listeners.set(name, list);
      list.add(listener);
      return () => void list.delete(listener);
    },
    emit(name, event) {
      const list = listeners.get(name);
      if (list === undefined || list.size === 0) return false;
      for (const listener of [...list]) {
        try {
          (listener as (event: unknown) => void)(event);
        } catch (failure) {
          reportUncaught(failure);
        }
      }
      return true;
    },
  };
}

/** As an exception of a task of its own: `window.onerror` in browsers, `uncaughtException` in Node. */
export function reportUncaught(failure: unknown): void {
  setTimeout(() => {
    throw failure;
  });
}
