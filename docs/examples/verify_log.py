"""Verifies an exported log, of what receivers stated and of what people did, with nothing but Python and the package `cryptography`.

    python verify_log.py LOG.jsonl STATION_KEY_ID ...

The ids of the station's keys must come to you by another way than the file, from the station's notice board or its
decision: the file itself could bring any key. Prints what is wrong, line by line, and ends with exit code 1 if
anything is.
"""

import base64
import gzip
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

CHAINED = [
    "seq",
    "receipt_id",
    "receiver_id",
    "receiver_name",
    "receiver_seq",
    "area_id",
    "area_name",
    "order_id",
    "order_revision",
    "airing_id",
    "due_at",
    "bulletin_title",
    "clip_sha256",
    "state",
    "at",
    "reason",
    "detail",
    "evidence",
    "envelope_sha256",
    "received_at",
]
UNCHAINED = {"kind", "hash", "previous_hash"}


ACTION = [
    "seq",
    "at",
    "actor_id",
    "actor_name",
    "address",
    "action",
    "subject",
    "area_id",
    "reason",
    "before",
    "after",
    "details",
]


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def thumbprint(jwk):
    """The key's id as RFC 7638 computes it from the key itself."""
    text = json.dumps({name: jwk[name] for name in ("crv", "kty", "x")}, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def signed(document, keys, typ):
    """The content of a compact JWS (RFC 7515) that one of the keys signed; ValueError otherwise."""
    head, body, signature = document.split(".")
    header = json.loads(decode(head))
    if header.get("typ") != typ or header.get("alg") != "EdDSA":
        raise ValueError(f"not a {typ}")
    key = keys.get(header.get("kid"))
    if key is None:
        raise ValueError(f"signed by the key {header.get('kid')}, which is not among those expected")
    try:
        Ed25519PublicKey.from_public_bytes(decode(key["x"])).verify(decode(signature), f"{head}.{body}".encode())
    except InvalidSignature:
        raise ValueError("the signature is wrong") from None
    return json.loads(decode(body))


def row_hash(row):
    if row["kind"] == "action":
        columns = {"entry": {name: row[name] for name in ACTION}}
    else:
        columns = {name: row[name] for name in CHAINED}  # always; those that came later only where they are filled
        columns |= {name: value for name, value in row.items() if value is not None and name not in UNCHAINED}
    text = json.dumps([row["previous_hash"], columns], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def verify(lines, trusted):
    """Yields (line number, problem)."""
    station_keys, receiver_keys, receipts, hashes = {}, {}, {}, {}
    previous, expected, head, kept = None, None, None, None
    for number, line in enumerate(lines, 1):
        entry = json.loads(line)
        kind = entry["kind"]
        try:
            if kind == "log":
                station_keys = {key["kid"]: key for key in entry["station_keys"] if thumbprint(key) in trusted}
                receiver_keys = {
                    name: {key["kid"]: key for key in (keys if isinstance(keys, list) else [keys])}
                    for name, keys in entry["receiver_keys"].items()
                }
                expected = entry["since"]
                previous, kept = ("0" * 64, 0) if expected == 1 else (None, None)
            elif kind == "envelope":
                receipts = {}
                digest = hashlib.sha256(entry["document"].encode()).hexdigest()
                content = signed(entry["document"], receiver_keys.get(entry["receiver"], {}), "receipts+jws")
                receipts = {(digest, receipt["id"]): receipt for receipt in content["receipts"]}
            elif kind in ("row", "action"):
                if entry["seq"] != expected or previous not in (None, entry["previous_hash"]):
                    yield number, f"row {entry['seq']} does not follow the row before it"
                if row_hash(entry) != entry["hash"]:
                    yield number, f"row {entry['seq']} was changed"
                if kind == "row":
                    receipt = receipts.get((entry["envelope_sha256"], entry["receipt_id"]))
                    if receipt is None or (receipt["state"], receipt["order"]) != (entry["state"], entry["order_id"]):
                        yield number, f"row {entry['seq']} is not what the receiver signed"
                hashes[entry["seq"]] = previous = entry["hash"]
                expected = entry["seq"] + 1
            elif kind in ("checkpoint", "head"):
                content = signed(entry["document"], station_keys, "checkpoint+jws")
                if hashes.get(content["seq"]) != content["hash"]:
                    yield number, f"the station's word on row {content['seq']} is not what the row says"
                before = content["seq"] if kind == "head" and content["kept"] else content["before"]
                if kept not in (None, before):
                    yield number, f"the checkpoint at row {before} is missing"
                kept = content["seq"]
                head = kept if kind == "head" else head
        except (ValueError, KeyError) as problem:
            yield number, f"{kind}: {problem}"
    if hashes and head != expected - 1:
        yield 0, f"the log ends at row {expected - 1}, the station signed row {head} as its end"


if __name__ == "__main__":
    opened = gzip.open if sys.argv[1].endswith(".gz") else open
    with opened(sys.argv[1], "rt", encoding="utf-8") as file:
        problems = list(verify(file, set(sys.argv[2:])))
    for number, problem in problems:
        sys.stdout.write(f"line {number}: {problem}\n")
    sys.stdout.write("The log is right.\n" if not problems else f"{len(problems)} problems.\n")
    sys.exit(1 if problems else 0)
