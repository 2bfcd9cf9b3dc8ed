"""What a Python system does on our topics: writes events, and reads what our services wrote. Prints JSON."""
import base64
import json
import sys

import pulsar

COMPRESSIONS = {
    "none": pulsar.CompressionType.NONE,
    "zlib": pulsar.CompressionType.ZLib,
    "zstd": pulsar.CompressionType.ZSTD,
    "lz4": pulsar.CompressionType.LZ4,
    "snappy": pulsar.CompressionType.SNAPPY,
}


def write(client, topic, records, compression):
    producer = client.create_producer(
        topic,
        compression_type=COMPRESSIONS[compression],
        batching_enabled=True,
        batching_max_messages=50,
        batching_max_publish_delay_ms=20,
    )
    failures = []

    def sent(result, _id):
        if result != pulsar.Result.Ok:
            failures.append(str(result))

    for record in records:
        producer.send_async(
            base64.b64decode(record["value"]),
            sent,
            partition_key=record.get("key"),
            properties=dict(record.get("headers", [])),
        )
    producer.flush()
    producer.close()
    return {"failures": failures}


def read(client, topic, count):
    reader = client.create_reader(topic, pulsar.MessageId.earliest)
    records = []
    while len(records) < count:
        message = reader.read_next(20_000)
        records.append({
            "key": message.partition_key(),
            "value": base64.b64encode(message.data()).decode(),
            "headers": message.properties(),
        })
    reader.close()
    return records


request = json.loads(sys.argv[1])
action = {"write": write, "read": read}[request.pop("do")]
client = pulsar.Client(request.pop("url"), logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, "/dev/stderr"))
print(json.dumps(action(client, **request)))
client.close()
