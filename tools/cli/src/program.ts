/** The command line: commands, help and exit codes. */
import { Command, CommanderError } from "commander";
import { addHistory } from "./commands/history.ts";
import { addLatest } from "./commands/latest.ts";
import { addPublish } from "./commands/publish.ts";
import { addReplay } from "./commands/replay.ts";
import { addStatus } from "./commands/status.ts";
import { addTail } from "./commands/tail.ts";
import { addTopics } from "./commands/topics.ts";
import { EXIT, type ExitCode, toCliError } from "./exit.ts";
import { quotingHint } from "./filter-hint.ts";
import type { Terminal } from "./terminal.ts";

const HELP = `
A topic's first word tells the service, on this machine at its default port, unless --url, --service or DISTRIBUTION_URL does.
DISTRIBUTION_TOKEN stands for --token; NO_COLOR leaves colours out.

Exit codes:
  0    done
  1    refused by the service, or broken off
  2    the command line or the input can't be understood
  3    no service answered
  130  ended with Ctrl-C

Examples:
  $ distribution topics
  $ distribution tail market-data.trades --keys coinbase:DASH-BTC
  $ distribution status --service portfolio
  $ distribution latest market-data.quotes --fields key,data.quote.bidPrice,data.quote.askPrice
  $ distribution history market-data.trades --from -5m -o jsonl`;

/** Runs the command of `args` (without node and script). Never rejects: what went wrong is on stderr and in the code. */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const program = createProgram(terminal);
  let filter: unknown;
  program.hook("preAction", (_program, command) => {
    filter = command.opts()["filter"];
  });
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (failure) {
    if (terminal.signal.aborted) return ending(terminal);
    // Help and version are no failures; commander has said the rest.
    if (failure instanceof CommanderError) return failure.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const error = toCliError(failure);
    terminal.say(`${terminal.tintNote("bad", "error:")} ${error.message}${quotingHint(failure, filter)}`);
    return error.exit;
  }
  return ending(terminal);
}

const ending = ({ interrupted }: Terminal): ExitCode => (interrupted ? EXIT.interrupted : EXIT.ok);

function createProgram(terminal: Terminal): Command {
  const program = new Command("distribution")
    .description("Reads, publishes and replays events of the distribution services.")
    .helpCommand(true)
    .showHelpAfterError("(add --help for what there is)")
    .configureOutput({
      writeOut: (text) => void terminal.write(text),
      writeErr: (text) => terminal.say(text.trimEnd()),
    })
    .addHelpText("after", HELP)
    // Before the commands are added: they inherit it.
    .exitOverride();
  for (const add of [addTail, addTopics, addLatest, addHistory, addReplay, addPublish, addStatus])
    add(program, terminal);
  return program;
}
