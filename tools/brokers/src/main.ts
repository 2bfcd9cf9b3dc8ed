/** The entry: `npm run brokers -- <command>`. */
import { run } from "./command/run.ts";

process.exitCode = await run(process.argv.slice(2), {
  root: process.cwd(),
  out: (line) => console.log(line),
  note: (line) => console.error(line),
});
