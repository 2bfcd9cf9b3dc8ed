/** proto/ → libs/proto-types/src/generated: ts-proto's code, and the descriptors that filters, reflection and documents read. */
import { execFileSync } from "node:child_process";

const run = (...args: string[]): void => void execFileSync("buf", args, { stdio: "inherit" });

run("generate");
run("build", "--as-file-descriptor-set", "-o", "libs/proto-types/src/generated/descriptors.binpb");
