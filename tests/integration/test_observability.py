"""Who watches the station: readiness, metrics, and one bulletin followed through the log lines of everything that touched it."""

import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from broadcaster import tracing
from devices.links.mqtt import MqttLink
from devices.wire import topics
from devices.wire.messages import Receipt, Receipts, ReceiptState
from devices.wire.signing import SigningKey, sign
from tests.brokers import wait_for
from tests.integration.serving import ServedStation


@pytest.fixture(scope="module", autouse=True)
def lines() -> Iterator[list[structlog.typing.EventDict]]:
    """What the loggers are told, as it is; they keep their processors once they are used."""
    with structlog.testing.capture_logs() as kept:
        logging.getLogger("broadcaster.ingestion").setLevel(logging.INFO)
        yield kept
        logging.getLogger("broadcaster.ingestion").setLevel(logging.NOTSET)


def _metrics(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _state(served: ServedStation, receiver: str, key: SigningKey, secret: str, order: str) -> None:
    """A receiver says that it has an order."""
    settings, now = served.station.settings, datetime.now(UTC).replace(microsecond=0)
    link = MqttLink("127.0.0.1", settings.broker_port, receiver, receiver, secret)
    link.open()
    wait_for(lambda: link.connected, 10)
    receipt = Receipt(id="r1", sequence=1, order=order, revision=1, state=ReceiptState.RECEIVED, at=now)
    message = Receipts(station=settings.station, receiver=receiver, sent_at=now, receipts=(receipt,))
    link.publish(topics.of_receiver(receiver, "receipts"), sign(message, key)).result(timeout=10)
    link.close()


def test_one_bulletin_is_followed_from_speech_to_receipt(
    served: ServedStation, lines: list[structlog.typing.EventDict]
) -> None:
    station, key = served.station, SigningKey.generate()
    secret = station.enrol(receiver="loa-1", name="Loa", kind="loudspeaker", area="thon-dong", public_key=key.public())
    due = datetime.now(UTC) + timedelta(hours=1)
    plan = [{"rule": {"kind": "once", "at": due.isoformat()}, "targets": {"areas": ["xa"]}}]
    bulletin = served.released(plan=plan)["id"]

    def told(event: str) -> structlog.typing.EventDict | None:
        return next((line for line in lines if line["event"] == event and line["bulletin"] == bulletin), None)

    wait_for(lambda: told("order published") is not None, 20)
    published = told("order published")
    assert published is not None
    _state(served, "loa-1", key, secret, published["order"])
    wait_for(lambda: told("receipts") is not None, 20)
    steps = [told(event) for event in ("speech made", "released", "order made", "order published", "receipts")]
    assert all(step is not None for step in steps)
    assert {step["order"] for step in steps[2:] if step} == {published["order"]}
    assert {step["airing"] for step in steps[2:] if step} == {published["airing"]}
    assert (steps[-1] or {})["received"] == 1


def test_what_the_station_does_is_traced_with_the_bulletin(
    served: ServedStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = SigningKey.generate()
    secret = served.station.enrol(
        receiver="loa-2", name="Loa", kind="loudspeaker", area="thon-dong", public_key=key.public()
    )
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("test"))
    due = datetime.now(UTC) + timedelta(hours=2)
    plan = [{"rule": {"kind": "once", "at": due.isoformat()}, "targets": {"areas": ["xa"]}}]
    bulletin = served.released(title="Tin được lần theo", text="Mời bà con họp thôn.", plan=plan)["id"]

    def told() -> dict[str, Mapping[str, object]]:
        spans = kept.get_finished_spans()
        events = [(span.name, event.attributes) for span in spans for event in span.events]
        found = [(span.name, span.attributes) for span in spans] + events
        return {name: about for name, about in found if about is not None and about.get("bulletin") == bulletin}

    wait_for(lambda: told().keys() == {"speech", "dispatch"}, 30)
    order = told()["dispatch"]["order"]
    _state(served, "loa-2", key, secret, str(order))
    wait_for(lambda: "ingestion" in told(), 30)
    assert (told()["ingestion"]["order"], told()["ingestion"]["received"]) == (order, 1)
    assert "planning" in {span.name for span in kept.get_finished_spans()}
    with provider.get_tracer("test").start_as_current_span("here") as span:
        entry = tracing.with_trace(None, "info", {"event": "x"})
    assert entry["trace_id"] == format(span.get_span_context().trace_id, "032x")
    assert tracing.with_trace(None, "info", {"event": "x"}) == {"event": "x"}


def test_readiness_names_the_part_that_does_not_work(served: ServedStation, monkeypatch: pytest.MonkeyPatch) -> None:
    client = served.anonymous()
    wait_for(lambda: client.get("/readyz").is_success, 20)
    assert client.get("/readyz").json() == {
        "ready": True,
        "database": True,
        "broker": True,
        "speech": True,
        "clock": True,
    }
    early = datetime.now(UTC) - timedelta(hours=2)
    monkeypatch.setattr(type(served.station.clock), "now", lambda _self: early)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["clock"], answer.json()["database"]) == (503, False, True)
    monkeypatch.undo()


def test_metrics_are_counted_and_protected(served: ServedStation, monkeypatch: pytest.MonkeyPatch) -> None:
    client = served.anonymous()
    found = _metrics(client.get("/metrics").text)
    assert found["broadcaster_receipts_total", ("received",)] >= 1
    assert found["broadcaster_orders_published_total", ()] >= 1
    assert found["broadcaster_ready", ("broker",)] == 1
    assert found["broadcaster_log_rows", ()] >= 1
    assert found["broadcaster_receivers", ("never",)] == 2
    assert found["broadcaster_rendering_seconds_count", ("espeak",)] >= 1
    routes = {labels[1] for name, labels in found if name == "broadcaster_http_request_seconds_count"}
    assert "/api/v1/bulletins/{bulletin_id}" in routes
    assert not any("-" in route.rsplit("/", 1)[-1] and "{" not in route and len(route) > 40 for route in routes)
    elsewhere = served.anonymous(headers={"X-Forwarded-For": "203.0.113.7"})
    assert elsewhere.get("/metrics").status_code == 403
    closed = served.station.settings.model_copy(update={"metrics_token": SecretStr("bí mật")})
    monkeypatch.setattr(served.station, "settings", closed)
    assert client.get("/metrics").status_code == 403
    right = {"Authorization": "Bearer bí mật".encode()}
    assert elsewhere.get("/metrics", headers=right).status_code == 200
