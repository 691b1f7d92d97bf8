"""Audio speaks: text to script to clip. No database, no MQTT, no HTTP server."""
