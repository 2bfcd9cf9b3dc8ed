/** Resolves when the promise is settled, one way or the other, or after this long, ms. */
export async function settled(promise: Promise<unknown>, withinMs: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, withinMs);
  await Promise.race([promise.catch(() => undefined), late.promise]);
  clearTimeout(timer);
}
