import { DistributionClient } from "@distribution/proto-types/distribution/v1/distribution";
import { ClientFrame } from "@distribution/proto-types/distribution/v1/frames";
import { clientMessage } from "@distribution/testkit/wire";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import type { Ports } from "../service.ts";
import { clientOf, createInbox, type Wire } from "./contract.ts";

/** With a connection of its own. Whoever makes it closes it. */
export function grpcClient(ports: Ports): DistributionClient {
  return new DistributionClient(`127.0.0.1:${ports.grpc}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_receive_message_length": -1,
  });
}

export const grpc: Wire = {
  name: "gRPC",
  duplex: true,
  async connect(ports) {
    const inbox = createInbox();
    const client = grpcClient(ports);
    const call = client.stream();
    call.on("data", ({ ref, frame }) => inbox.take({ ref, kind: frame?.$case ?? "", value: { ...frame?.value } }));
    call.on("error", (_error: ServiceError) => {});
    call.on("status", ({ code, details, metadata }) => {
      inbox.end({ code: Number(metadata.get("distribution-close-code")[0] ?? code), reason: details });
      client.close();
    });
    return clientOf(inbox, {
      send: (frame) => void call.write(ClientFrame.decode(clientMessage("proto", frame))),
      pause: () => void call.pause(),
      resume: () => void call.resume(),
      vanish: () => call.cancel(),
    });
  },
};
