/** The settings of a Kafka broker of one node (KRaft): small, quick to start, quick to notice that it came back. */
import type { Certificates } from "../process/certificates.ts";
import type { Properties } from "../process/properties.ts";

export interface KafkaListeners {
  /** Where clients come in, directly or through a proxy. */
  readonly client: number;
  /** What clients are told to connect to: `client`, or the proxy's port. */
  readonly advertised: number;
  /** A second way in, in plain text and without a password, past the proxy. */
  readonly direct: number;
  readonly controller: number;
}

export interface KafkaSecurity {
  readonly auth?: "plain" | "scram" | undefined;
  readonly tls?: boolean | "mutual" | undefined;
  /** Present if `tls` is. */
  readonly certificates?: Certificates | undefined;
}

/** Who may log in when there is authentication. A broker of one machine, for one run: no secret. */
export const KAFKA_USER = { username: "distribution", password: "distribution-secret" } as const;

/** Of `auth`, the names that Kafka and its clients use. */
export const MECHANISMS = { plain: "PLAIN", scram: "SCRAM-SHA-512" } as const;

/** The account that every formatted folder has, for SCRAM: the argument of `StorageTool format --add-scram`. */
export const SCRAM_ACCOUNT = `SCRAM-SHA-512=[name=${KAFKA_USER.username},password=${KAFKA_USER.password}]`;

/** Cleaner buffer and threads by default: 3 s and 340 MB instead of 1 s and 140 MB. Sessions by default: 11 s after a kill. */
const SMALL: Properties = {
  "process.roles": "broker,controller",
  "node.id": 1,
  "controller.listener.names": "CONTROLLER",
  "inter.broker.listener.name": "DIRECT",
  "auto.create.topics.enable": false,
  "offsets.topic.replication.factor": 1,
  "offsets.topic.num.partitions": 1,
  "transaction.state.log.replication.factor": 1,
  "transaction.state.log.min.isr": 1,
  "transaction.state.log.num.partitions": 1,
  "share.coordinator.state.topic.replication.factor": 1,
  "share.coordinator.state.topic.min.isr": 1,
  "share.coordinator.state.topic.num.partitions": 1,
  "group.initial.rebalance.delay.ms": 0,
  "group.min.session.timeout.ms": 1000,
  "broker.session.timeout.ms": 1000,
  "broker.heartbeat.interval.ms": 200,
  "log.cleaner.dedupe.buffer.size": 2_097_152,
  "num.network.threads": 1,
  "num.io.threads": 2,
  "background.threads": 2,
  "group.coordinator.threads": 1,
};

export function kafkaProperties(
  data: string,
  listeners: KafkaListeners,
  security: KafkaSecurity = {},
  further: Properties = {},
): Properties {
  const { client, advertised, direct, controller } = listeners;
  const at = (name: string, port: number): string => `${name}://127.0.0.1:${port}`;
  return {
    ...SMALL,
    "log.dirs": data,
    listeners: [at("CLIENT", client), at("DIRECT", direct), at("CONTROLLER", controller)].join(","),
    "advertised.listeners": [at("CLIENT", advertised), at("DIRECT", direct)].join(","),
    "listener.security.protocol.map": `CLIENT:${protocolOf(security)},DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    "controller.quorum.voters": `1@127.0.0.1:${controller}`,
    ...loginProperties(security.auth),
    ...(security.certificates && tlsProperties(security.certificates, security.tls)),
    ...further,
  };
}

function protocolOf({ auth, tls }: KafkaSecurity): string {
  if (auth) return tls ? "SASL_SSL" : "SASL_PLAINTEXT";
  return tls ? "SSL" : "PLAINTEXT";
}

function loginProperties(auth: KafkaSecurity["auth"]): Properties {
  if (!auth) return {};
  const mechanism = MECHANISMS[auth];
  const { username, password } = KAFKA_USER;
  const login = {
    plain: `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`,
    scram: "org.apache.kafka.common.security.scram.ScramLoginModule required ;",
  };
  return {
    "listener.name.client.sasl.enabled.mechanisms": mechanism,
    [`listener.name.client.${mechanism.toLowerCase()}.sasl.jaas.config`]: login[auth],
  };
}

function tlsProperties(certificates: Certificates, tls: KafkaSecurity["tls"]): Properties {
  return {
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": certificates.broker.bothFile,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": certificates.authorityFile,
    "listener.name.client.ssl.client.auth": tls === "mutual" ? "required" : "none",
  };
}
