/**
 * A process that starts a Kafka, in STARTER_FOLDER if that is set, says which, and then waits to be ended; with STARTER_ENDS it
 * ends by itself.
 */
import { startKafka } from "../../src/index.ts";

const folder = process.env["STARTER_FOLDER"];
const { pid, home } = await startKafka(folder === undefined ? {} : { folder });
console.log(JSON.stringify({ pid, home }));
if (process.env["STARTER_ENDS"] === undefined) setInterval(() => {}, 60_000);
