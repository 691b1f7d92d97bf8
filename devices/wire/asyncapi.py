"""The protocol as AsyncAPI 3.0 and the test vectors as files, generated from the models.

python -m devices.wire.asyncapi docs/reference            writes asyncapi.json and protocol-vectors.json
python -m devices.wire.asyncapi docs/reference --check    exits 1 if they are not current
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from devices.wire.examples import KINDS, payload
from devices.wire.messages import VERSION
from devices.wire.sequences import sequences
from devices.wire.signing import ALGORITHM, MAX_SIZE
from devices.wire.trust_examples import OVER_HTTP
from devices.wire.vectors import vectors

_PARAMETERS = {
    "area": "The id of an area; a receiver subscribes one filter for each area of its line.",
    "order": "The order's id; `+` in a receiver's filter.",
    "stop": "The stop's id; `+` in a receiver's filter.",
    "kid": "The id of the key that signed the document.",
    "receiver": "The receiver's id, which is also its MQTT user name and client id.",
}
_CHANNELS = {
    "areaOrders": ("cb/v1/areas/{area}/orders/{order}", ("order", "drill", "cancellation"), "Orders of an area."),
    "areaRehomings": ("cb/v1/areas/{area}/rehomings", ("rehomings",), "How an area's receivers are re-homed."),
    "receiverOrders": (
        "cb/v1/receivers/{receiver}/orders/{order}",
        ("order", "drill", "cancellation"),
        "Orders of one receiver.",
    ),
    "areaStops": ("cb/v1/areas/{area}/stops/{stop}", ("stop",), "Silence for an area, or its lifting."),
    "receiverStops": (
        "cb/v1/receivers/{receiver}/stops/{stop}",
        ("stop",),
        "Silence for one receiver, or its lifting.",
    ),
    "configuration": ("cb/v1/receivers/{receiver}/configuration", ("configuration",), "What the receiver is."),
    "acknowledgements": (
        "cb/v1/receivers/{receiver}/acknowledgements",
        ("acknowledgement",),
        "Receipts that the station has.",
    ),
    "clockAnswers": ("cb/v1/receivers/{receiver}/clock-answers", ("clock-answer",), "The station's time."),
    "clockProbes": ("cb/v1/receivers/{receiver}/clock-probes", ("clock-probe",), "What time is it?"),
    "receipts": ("cb/v1/receivers/{receiver}/receipts", ("receipts",), "What became of orders."),
    "presence": ("cb/v1/receivers/{receiver}/presence", ("presence",), "Online or offline, and the last will."),
    "health": ("cb/v1/receivers/{receiver}/health", ("health",), "The receiver's account of its state."),
    "stationKeys": ("cb/v1/keys/{kid}", ("station-keys",), "The station's keys, signed with the one of that id."),
    "wipe": ("cb/v1/receivers/{receiver}/wipe", ("wipe",), "Deliver what waits, then forget everything."),
    "wiped": ("cb/v1/receivers/{receiver}/wiped", ("wiped",), "A receiver's last word."),
}


def document() -> dict[str, Any]:
    """The AsyncAPI 3.0 document, from a receiver's point of view: it receives what the station sends."""
    _, schema = models_json_schema(
        # Those that go over HTTP have no channel here; their schemas are for whoever reads section 15 of protocol.md.
        [(kind, "validation") for kind in [*(type(k.example) for k in KINDS), *(type(e) for _, e, _ in OVER_HTTP)]],
        ref_template="#/components/schemas/{model}",
    )
    kinds = {kind.name: kind for kind in KINDS}
    channels = {
        name: {
            "address": address,
            "description": text,
            "parameters": {p: {"description": d} for p, d in _PARAMETERS.items() if f"{{{p}}}" in address},
            "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in messages},
        }
        for name, (address, messages, text) in _CHANNELS.items()
    }
    operations = {
        name: {
            "action": "receive" if kinds[messages[0]].sends == "station" else "send",
            "channel": {"$ref": f"#/channels/{name}"},
            "messages": [{"$ref": f"#/channels/{name}/messages/{kind}"} for kind in messages],
            "bindings": {"mqtt": {"qos": 1, "retain": kinds[messages[0]].retained, "bindingVersion": "0.2.0"}},
        }
        for name, (_, messages, _) in _CHANNELS.items()
    }
    messages = {
        kind.name: {
            "name": kind.name,
            "title": type(kind.example).__name__,
            "summary": (type(kind.example).__doc__ or "").split("\n")[0],
            "contentType": "application/jose",
            "description": f"A compact JWS (RFC 7515, alg {ALGORITHM}, typ {type(kind.example).TYP}, at most {MAX_SIZE} "
            "bytes); the schema is that of the JSON object which is signed.",
            "payload": {"$ref": f"#/components/schemas/{type(kind.example).__name__}"},
            "examples": [{"name": kind.name, "payload": payload(kind.example)}],
        }
        for kind in KINDS
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Receiver protocol of commune-broadcaster",
            "version": f"{VERSION}.0.0",
            "description": "How loudspeakers and LED screens get orders and prove what they played. Read protocol.md first.",
            "license": {"name": "GPL-3.0-or-later"},
        },
        "servers": {"broker": {"host": "broker.example:8883", "protocol": "mqtts", "protocolVersion": "3.1.1"}},
        "defaultContentType": "application/jose",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schema["$defs"]},
    }


def files() -> dict[str, str]:
    """The generated files by name."""
    return {
        "asyncapi.json": json.dumps(document(), ensure_ascii=False, indent=2) + "\n",
        "protocol-vectors.json": json.dumps(vectors() | {"sequences": sequences()}, ensure_ascii=False, indent=1)
        + "\n",
    }


def main() -> int:
    """Write the files, or with --check tell whether they are current."""
    parser = argparse.ArgumentParser(prog="devices.wire.asyncapi", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    stale = []
    for name, text in files().items():
        path = arguments.folder / name
        if not arguments.check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path))
    if stale:
        sys.stderr.write(f"{', '.join(stale)}: not current; run 'make reference' and look at the difference.\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
