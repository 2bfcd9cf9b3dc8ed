/** What keeps a broker from being prepared or started, said so that the reader knows what to do. */
export class BrokerFailure extends Error {
  override readonly name = "BrokerFailure";
}
