/** What the server says of itself: reflection (v1 and v1alpha) for tools such as grpcurl. */

import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { registry } from "@distribution/proto-types/descriptors";
import type { Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";

/** The service's full name in distribution.proto. */
export const SERVICE = "distribution.v1.Distribution";

export function addReflection(server: Server): void {
  const files = [...registry.files].map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
  // A package definition as proto-loader makes it; of its entries reflection reads the files they come from and nothing else.
  const definition = { [SERVICE]: { fileDescriptorProtos: files } } as unknown as ConstructorParameters<
    typeof ReflectionService
  >[0];
  new ReflectionService(definition, { services: [SERVICE] }).addToServer(server);
}
