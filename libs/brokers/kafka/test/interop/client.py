"""What a Python system does on our topics: writes events, and reads what our services wrote. Prints JSON."""
import base64
import json
import sys

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition


def b64(value):
    return None if value is None else base64.b64encode(value).decode()


def write(bootstrap, topic, records, compression):
    failures = []
    producer = Producer({
        "bootstrap.servers": bootstrap,
        "compression.type": compression,
        "acks": "all",
        "enable.idempotence": True,
        "linger.ms": 20,
    })
    for record in records:
        producer.produce(
            topic,
            partition=record.get("partition", 0),
            key=record.get("key"),
            value=None if record.get("value") is None else base64.b64decode(record["value"]),
            headers=[(name, value.encode()) for name, value in record.get("headers", [])],
            on_delivery=lambda error, _message: failures.append(str(error)) if error else None,
        )
    producer.flush(30)
    return {"failures": failures, "unsent": len(producer)}


def read(bootstrap, topic, count):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "interop", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    records = []
    while len(records) < count:
        message = consumer.poll(20)
        if message is None:
            raise SystemExit(f"only {len(records)} of {count} records came")
        if message.error():
            raise KafkaException(message.error())
        records.append({
            "key": b64(message.key()),
            "value": b64(message.value()),
            "headers": [[name, b64(value)] for name, value in message.headers() or []],
            "offset": message.offset(),
        })
    consumer.close()
    return records


request = json.loads(sys.argv[1])
print(json.dumps({"write": write, "read": read}[request.pop("do")](**request)))
