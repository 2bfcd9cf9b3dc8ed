/** Finds numbers behind a text in a stream of bytes, however it is cut into chunks. */
export function createSequenceReader(before: string, onSequence: (sequence: number) => void): (chunk: string) => void {
  let rest = "";
  return (chunk) => {
    const text = rest + chunk;
    let from = 0;
    for (let at = text.indexOf(before); at >= 0; at = text.indexOf(before, from)) {
      const start = at + before.length;
      let end = start;
      while (end < text.length && isDigit(text.charCodeAt(end))) end += 1;
      if (end === text.length) {
        rest = text.slice(at);
        return;
      }
      onSequence(Number(text.slice(start, end)));
      from = end;
    }
    // A text that is cut by the chunk's end.
    rest = text.slice(Math.max(from, text.length - before.length + 1));
  };
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
