/** The settings of Pulsar in one process (standalone), for one machine: small, quick to start, low latency. */
import type { Certificates } from "../process/certificates.ts";
import type { Properties } from "../process/properties.ts";
import { createToken } from "./token.ts";

export interface PulsarListeners {
  /** Where clients come in, directly or through a proxy. */
  readonly client: number;
  /** What clients are told to connect to: `client`, or the proxy's port. */
  readonly advertised: number;
  /** A second way in, in plain text, past the proxy; the broker's own clients take it. */
  readonly direct: number;
  /** The REST API. */
  readonly web: number;
  /** The REST API by TLS. */
  readonly webTls: number;
}

export interface PulsarSecurity {
  /** Tokens are asked for, signed with this; 32 bytes. */
  readonly secret?: Buffer | undefined;
  /** Clients come by TLS. */
  readonly certificates?: Certificates | undefined;
}

/** The role that may do everything. */
export const ADMIN_ROLE = "admin";

const SMALL: Properties = {
  clusterName: "standalone",
  bindAddress: "127.0.0.1",
  listeningInterface: "lo",
  allowLoopback: true,
  webSocketServiceEnabled: false,
  // Without: one message of 5 MB makes the broker create ledgers without end.
  nettyMaxFrameSizeBytes: 5_253_120,
  // Without these three: "Not enough non-faulty bookies".
  managedLedgerDefaultEnsembleSize: 1,
  managedLedgerDefaultWriteQuorum: 1,
  managedLedgerDefaultAckQuorum: 1,
  // By default an event is delivered 10 ms after it was written.
  managedLedgerNewEntriesCheckDelayInMillis: 0,
  managedLedgerCacheSizeMB: 32,
  acknowledgmentAtBatchIndexLevelEnabled: true,
  ledgerStorageClass: "org.apache.bookkeeper.bookie.storage.ldb.DbLedgerStorage",
  journalSyncData: false,
  journalMaxGroupWaitMSec: 1,
  journalPreAllocSizeMB: 4,
  journalMaxSizeMB: 64,
  diskUsageThreshold: 0.99,
  diskUsageWarnThreshold: 0.99,
  dbStorage_writeCacheMaxSizeMb: 32,
  // On a slow disk a write waits; refused, or with its bookie left out for a while, it would find no other bookie.
  dbStorage_maxThrottleTimeMs: 60_000,
  bookkeeperClientHealthCheckEnabled: false,
  dbStorage_readAheadCacheMaxSizeMb: 16,
  dbStorage_rocksDB_blockCacheSize: 8_388_608,
  dbStorage_rocksDB_writeBufferSizeMB: 4,
  dbStorage_rocksDB_sstSizeInMB: 4,
  loadBalancerEnabled: false,
  loadManagerClassName: "org.apache.pulsar.broker.loadbalance.NoopLoadManager",
  transactionCoordinatorEnabled: false,
  systemTopicEnabled: true,
  topicLevelPoliciesEnabled: true,
  brokerDeleteInactiveTopicsEnabled: false,
  brokerShutdownTimeoutMs: 5000,
  numIOThreads: 2,
  numAcceptorThreads: 1,
  // With TLS the two ports alone take four.
  numHttpServerThreads: 8,
  numOrderedExecutorThreads: 2,
  numExecutorThreadPoolSize: 2,
  numCacheExecutorThreadPoolSize: 2,
  topicOrderedExecutorThreadNum: 2,
  managedLedgerNumSchedulerThreads: 1,
  bookkeeperNumberOfChannelsPerBookie: 1,
  bookkeeperClientNumWorkerThreads: 1,
  bookkeeperClientNumIoThreads: 1,
  serverNumIOThreads: 2,
  numAddWorkerThreads: 1,
  numReadWorkerThreads: 1,
  numJournalCallbackThreads: 1,
};

export function pulsarSettings(
  listeners: PulsarListeners,
  security: PulsarSecurity = {},
  further: Properties = {},
): Properties {
  const { client, advertised, direct, web, webTls } = listeners;
  const { secret, certificates } = security;
  const scheme = certificates ? "pulsar+ssl" : "pulsar";
  return {
    ...SMALL,
    brokerServicePort: direct,
    webServicePort: web,
    // Whoever looks a topic up is sent to the listener that he came in by.
    bindAddresses: `client:${scheme}://127.0.0.1:${client}`,
    advertisedListeners: `direct:pulsar://127.0.0.1:${direct},client:${scheme}://127.0.0.1:${advertised}`,
    internalListenerName: "direct",
    ...(secret && loginSettings(secret)),
    ...(certificates && { ...tlsSettings(certificates), webServicePortTls: webTls }),
    ...further,
  };
}

function loginSettings(secret: Buffer): Properties {
  return {
    authenticationEnabled: true,
    authorizationEnabled: true,
    authenticationProviders: "org.apache.pulsar.broker.authentication.AuthenticationProviderToken",
    tokenSecretKey: `data:;base64,${secret.toString("base64")}`,
    superUserRoles: ADMIN_ROLE,
    brokerClientAuthenticationPlugin: "org.apache.pulsar.client.impl.auth.AuthenticationToken",
    brokerClientAuthenticationParameters: JSON.stringify({ token: createToken(ADMIN_ROLE, secret) }),
  };
}

function tlsSettings({ broker, authorityFile }: Certificates): Properties {
  return {
    tlsCertificateFilePath: broker.certificateFile,
    tlsKeyFilePath: broker.keyFile,
    tlsTrustCertsFilePath: authorityFile,
  };
}

/** Warnings and errors alone, on the standard output, and not what every start warns of. */
export const LOGGING = `<Configuration status="WARN" shutdownHook="disable">
  <Appenders>
    <Console name="C"><PatternLayout pattern="%d{ISO8601} %level %logger{1}: %msg%n%throwable"/></Console>
  </Appenders>
  <Loggers>
    <Root level="warn"><AppenderRef ref="C"/></Root>
    <Logger name="org.apache.bookkeeper.net.DNS" level="error"/>
    <Logger name="org.apache.bookkeeper.client.TopologyAwareEnsemblePlacementPolicy" level="error"/>
  </Loggers>
</Configuration>
`;

/** For the parts that write through the JVM's own logging. */
export const JVM_LOGGING = "handlers=java.util.logging.ConsoleHandler\n.level=SEVERE\n";
