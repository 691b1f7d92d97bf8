"""Links carry messages: MQTT through paho-mqtt, and an in-memory twin for tests."""
