"""A loudspeaker in one file, from docs/reference/protocol.md alone: paho-mqtt, cryptography and the standard library.

python receiver.py FOLDER --initialise                      makes the key and prints the public half
python receiver.py FOLDER --player 'mpg123 -q {clip}'       runs, with the provision.json that the station gave
"""

import argparse
import base64
import hashlib
import json
import os
import queue
import random
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from paho.mqtt.client import CallbackAPIVersion, Client, MQTTv311

IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
RANK = {"routine": 0, "priority": 1, "emergency": 2}


class Refused(Exception):
    """args[0] is the reason."""


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def instant(text):
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("an instant without a zone")
    return found


def rfc3339(at):
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# ---- section 3: reading a document, and whether it fits its schema


def name(value):
    return isinstance(value, str) and IDENTIFIER.fullmatch(value)


def number(value):
    return type(value) is int and value >= 0


def text(value):
    return isinstance(value, str)


def moment(value):
    return isinstance(value, str) and bool(instant(value))


def names(value):
    return isinstance(value, list) and all(name(one) for one in value)


def audience(value):
    return isinstance(value, dict) and all(
        value.get(k) is None or names(value[k]) for k in ("areas", "receivers", "excluded", "kinds")
    )


def sound(value):
    return value is None or (
        re.fullmatch("[0-9a-f]{64}", value["sha256"]) and number(value["size"]) and number(value["duration_ms"])
    )


def public(jwk):
    return Ed25519PublicKey.from_public_bytes(unb64(jwk["x"]))


def station_keys(value):
    return bool(value) and all(
        name(k["jwk"]["kid"]) and public(k["jwk"]) and (k.get("until") is None or moment(k["until"])) for k in value
    )


SCHEMAS = {
    "order+jws": {
        "id": name,
        "revision": number,
        "audience": audience,
        "issued_at": moment,
        "play_at": moment,
        "airing": name,
        "title": text,
        "late_limit_s": number,
        "expires_at": moment,
        "priority": RANK.__contains__,
    },
    "cancellation+jws": {"order": name, "revision": number, "audience": audience, "expires_at": moment, "reason": text},
    "configuration+jws": {"receiver": name, "revision": number, "expires_at": moment, "areas": names, "kind": text},
    "acknowledgement+jws": {"receiver": name, "receipts": names},
    "station-keys+jws": {"revision": number, "keys": station_keys},
}


def read(data, keys, types):
    """The document's typ and object. Raises Refused."""
    if len(data) > 65_536:
        raise Refused("malformed")
    try:
        head, body, signature = data.decode("ascii").split(".")
        header, payload, mac = json.loads(unb64(head)), unb64(body), unb64(signature)
        if not isinstance(header, dict) or "crit" in header or "b64" in header:
            raise Refused("malformed")
    except (ValueError, RecursionError) as error:
        raise Refused("malformed") from error
    if header.get("alg") != "EdDSA":
        raise Refused("bad_signature")
    key = keys.get(header["kid"]) if isinstance(header.get("kid"), str) else None
    if key is None:
        raise Refused("unknown_key")
    try:
        key.verify(mac, f"{head}.{body}".encode())
    except InvalidSignature as error:
        raise Refused("bad_signature") from error
    if header.get("typ") not in types:
        raise Refused("wrong_type")
    try:
        found = json.loads(payload)
        fits = (
            found["v"] == 1 and name(found["station"]) and all(f(found[k]) for k, f in SCHEMAS[header["typ"]].items())
        )
        if header["typ"] == "order+jws":
            fits = fits and sound(found.get("sound")) and (found.get("sound") or found.get("card"))
            fits = fits and instant(found["expires_at"]) >= instant(found["play_at"]) + timedelta(
                seconds=found["late_limit_s"]
            )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        fits = False
    if not fits:
        raise Refused("malformed")
    return header["typ"], found


class Receiver:
    """One main thread decides; the network, and the download of clips, have a thread each."""

    def __init__(self, folder, player):
        self.folder, self.player = Path(folder), player
        provision = json.loads((self.folder / "provision.json").read_text())
        secret = json.loads((self.folder / "key.json").read_text())
        self.key, self.kid = Ed25519PrivateKey.from_private_bytes(unb64(secret["d"])), secret["kid"]
        self.pinned = {"revision": 0, "keys": [{"jwk": jwk} for jwk in provision["station_keys"]]}
        self.station, self.me, self.broker = provision["station"], provision["receiver"], provision["broker"]
        self.mine = f"cb/v1/receivers/{self.me}"
        self.events, self.stopping = queue.Queue(), False
        self.connected, self.connection, self.session = False, 0, None
        self.copies, self.taken, self.sent, self.fetching = {}, set(), {}, {}
        self.playing, self.health_at, self.began = None, 0.0, time.monotonic()
        (self.folder / "clips").mkdir(exist_ok=True)
        self.db = sqlite3.connect(self.folder / "journal.sqlite")  # synchronous=FULL is SQLite's default
        self.db.executescript(
            "CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, entry TEXT);"
            "CREATE TABLE IF NOT EXISTS cancelled (id TEXT PRIMARY KEY, revision INTEGER);"
            "CREATE TABLE IF NOT EXISTS outbox (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, receipt TEXT);"
            "CREATE TABLE IF NOT EXISTS refusals (id TEXT PRIMARY KEY, at REAL);"
            "CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT);"
        )
        self.orders = {row[0]: json.loads(row[1]) for row in self.db.execute("SELECT id, entry FROM orders")}
        for entry in self.orders.values():
            if entry["state"] in ("starting", "started"):
                self.advance(entry, "interrupted", reason="restarted")
        notes = {row[0]: json.loads(row[1]) for row in self.db.execute("SELECT name, value FROM notes")}
        self.configuration, self.pinned = notes.get("configuration"), notes.get("keys", self.pinned)

    # ---- section 8: what it states, on disk with the change that it tells of

    def now(self):
        return datetime.now(UTC)

    def advance(self, entry, state, *, reason=None, evidence=None):
        entry["state"] = state
        with self.db:
            self.db.execute("INSERT OR REPLACE INTO orders VALUES (?, ?)", (entry["order"]["id"], json.dumps(entry)))
            if state != "starting":
                self.tell(entry["order"]["id"], entry["order"]["revision"], state, reason=reason, evidence=evidence)

    def tell(self, order, revision, state, **more):
        receipt = {
            "id": uuid.uuid4().hex,
            "order": order,
            "revision": revision,
            "state": state,
            "at": rfc3339(self.now()),
        }
        receipt |= {k: v for k, v in more.items() if v is not None}
        self.db.execute("INSERT INTO outbox (id, receipt) VALUES (?, ?)", (receipt["id"], json.dumps(receipt)))

    def refuse(self, order, revision, reason, digest):
        now = time.time()
        with self.db:
            recent = self.db.execute("SELECT count(*) FROM refusals WHERE at > ?", (now - 60,)).fetchone()[0]
            if (
                recent < 30
                and self.db.execute(
                    "INSERT OR IGNORE INTO refusals VALUES (?, ?)", (f"{digest} {reason}", now)
                ).rowcount
            ):
                self.tell(
                    order if name(order) else "unreadable", revision, "refused", reason=reason, document_sha256=digest
                )

    def publish(self, subject, typ, document, *, retain=False):
        document = {"v": 1, "station": self.station, "receiver": self.me} | document
        return self.client.publish(f"{self.mine}/{subject}", self.sign(typ, document), 1, retain)

    def sign(self, typ, document):
        head = b64(json.dumps({"alg": "EdDSA", "kid": self.kid, "typ": typ}).encode())
        signing_input = f"{head}.{b64(json.dumps(document).encode())}"
        return f"{signing_input}.{b64(self.key.sign(signing_input.encode()))}"

    def send(self):
        """Everything that waits and is due, oldest first; again after 5 s doubling to 5 min."""
        now = time.monotonic()
        waiting = self.db.execute("SELECT sequence, receipt FROM outbox ORDER BY sequence LIMIT 1000").fetchall()
        due = [(n, json.loads(r) | {"sequence": n}) for n, r in waiting if self.sent.get(n, (0, 0))[0] <= now]
        for at in range(0, len(due), 50):
            batch = due[at : at + 50]
            document = {"sent_at": rfc3339(self.now()), "receipts": [receipt for _, receipt in batch]}
            self.publish("receipts", "receipts+jws", document)
            for sequence, _ in batch:
                delay = min(self.sent.get(sequence, (0, 2.5))[1] * 2, 300)
                self.sent[sequence] = (now + delay, delay)

    def presence(self, state):
        return {"state": state, "session": self.session[0], "at": self.session[1], "software": "example 1"}

    def health(self):
        size = sum(file.stat().st_size for file in (self.folder / "clips").iterdir())
        waiting = self.db.execute("SELECT count(*) FROM outbox").fetchone()[0]
        self.publish("health", "health+jws", {
            "at": rfc3339(self.now()), "uptime_s": int(time.monotonic() - self.began), "cache_bytes": size,
            "disk_free_bytes": shutil.disk_usage(self.folder).free, "outbox": waiting,
            "orders": sum(entry["state"] in ("received", "ready") for entry in self.orders.values()),
            "problems": [] if self.configuration else ["There is no configuration yet."],
        })  # fmt: skip
        self.health_at = time.monotonic() + (self.configuration or {}).get("health_every_s", 60)

    # ---- sections 3 to 7: what arrives

    def addressed(self, to):
        mine = self.configuration
        return (
            mine is not None
            and mine["kind"] in (to.get("kinds") or ("loudspeaker", "screen"))
            and self.me not in (to.get("excluded") or ())
            and (self.me in (to.get("receivers") or ()) or not set(to.get("areas") or ()).isdisjoint(mine["areas"]))
        )

    @property
    def keys(self):
        """Section 17: those that are believed now."""
        return {
            k["jwk"]["kid"]: public(k["jwk"])
            for k in self.pinned["keys"]
            if k.get("until") is None or instant(k["until"]) > self.now()
        }

    def read(self, data, *types):
        return read(data, self.keys, types)

    def note(self, what, found):
        with self.db:
            self.db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (what, json.dumps(found)))

    def handle(self, topic, data):
        parts = topic.split("/")
        if not data or parts[:2] != ["cb", "v1"]:
            return
        areas = self.configuration["areas"] if self.configuration else []
        try:
            if parts[2] == "keys":
                found = self.read(data, "station-keys+jws")[1]
                if found["station"] == self.station and found["revision"] > self.pinned["revision"]:
                    self.note("keys", found)
                    self.pinned = found
                    self.subscribe()  # what was refused stands retained
            elif parts[2:] == ["receivers", self.me, "configuration"]:
                self.configure(self.read(data, "configuration+jws")[1])
            elif parts[2:] == ["receivers", self.me, "acknowledgements"]:
                found = self.read(data, "acknowledgement+jws")[1]
                if (found["station"], found["receiver"]) == (self.station, self.me):
                    with self.db:
                        self.db.executemany("DELETE FROM outbox WHERE id = ?", [(one,) for one in found["receipts"]])
            elif (
                len(parts) == 6
                and parts[4] == "orders"
                and ((parts[2] == "areas" and parts[3] in areas) or parts[2:4] == ["receivers", self.me])
            ):
                self.take(parts[2], parts[3], parts[5], topic, data)
        except Refused as refused:
            if parts[4:5] == ["orders"]:
                self.refuse(parts[5], 0, refused.args[0], hashlib.sha256(data).hexdigest())

    def configure(self, found):
        newer = self.configuration is None or found["revision"] > self.configuration["revision"]
        mine = (found["station"], found["receiver"]) == (self.station, self.me)
        if mine and newer and instant(found["expires_at"]) > self.now():
            old = {f"cb/v1/areas/{area}/orders/+" for area in (self.configuration or {}).get("areas", [])}
            self.note("configuration", found)
            self.configuration, self.health_at = found, 0.0
            left = sorted(old - set(self.filters()))
            if left:
                self.client.unsubscribe(left)
            self.subscribe()

    def filters(self):
        own = [
            f"{self.mine}/{subject}" for subject in ("configuration", "acknowledgements", "clock-answers", "orders/+")
        ]
        return (
            own
            + ["cb/v1/keys/+"]
            + [f"cb/v1/areas/{area}/orders/+" for area in (self.configuration or {}).get("areas", [])]
        )

    def subscribe(self):
        """What is retained comes again with every subscription."""
        self.copies.clear()
        self.taken.clear()
        self.client.subscribe([(one, 1) for one in self.filters()])

    def take(self, owner, place, order_name, topic, data):
        """Section 6: is it for me?"""
        self.copies[topic] = self.copies.get(topic, 0) + 1
        innocent = self.copies[topic] <= (1 if order_name in self.taken else 2)
        digest = hashlib.sha256(data).hexdigest()
        typ, found = self.read(data, "order+jws", "cancellation+jws")
        known_as = found["id" if typ == "order+jws" else "order"]
        here = place in (found["audience"].get(owner) or ())
        if found["station"] != self.station:
            return self.refuse(known_as, found["revision"], "wrong_station", digest)
        if not here or known_as != order_name:
            reason = "wrong_topic" if here or self.addressed(found["audience"]) else "wrong_audience"
            return self.refuse(known_as, found["revision"], reason, digest)
        if not self.addressed(found["audience"]):
            return None
        entry, revision = self.orders.get(known_as), found["revision"]
        known = entry["order"]["revision"] if entry else 0
        row = self.db.execute("SELECT revision FROM cancelled WHERE id = ?", (known_as,)).fetchone()
        if typ == "cancellation+jws":
            if known < revision:
                return self.cancel(found, entry)
            return None if innocent else self.refuse(known_as, revision, "replayed", digest)
        if row and revision <= row[0]:
            return None if innocent else self.refuse(known_as, revision, "replayed", digest)
        begun = entry is not None and entry["state"] not in ("received", "ready", "cancelled", "missed", "refused")
        if entry and (revision <= known or begun):
            if entry["sha256"] == digest and (innocent or not begun):
                return None
            return self.refuse(known_as, revision, "replayed", digest)
        if instant(found["expires_at"]) <= self.now():
            return self.refuse(known_as, revision, "expired", digest)
        if not found.get("sound"):
            return self.refuse(known_as, revision, "unsupported", digest)
        self.orders[known_as] = entry = {"order": found, "sha256": digest}
        self.taken.add(known_as)
        return self.advance(entry, "received")

    def cancel(self, found, entry):
        with self.db:
            self.db.execute("INSERT OR REPLACE INTO cancelled VALUES (?, ?)", (found["order"], found["revision"]))
        if entry and entry["state"] in ("received", "ready"):
            self.advance(entry, "cancelled", reason="cancelled")
        elif self.playing and self.playing["entry"] is entry:
            self.end("cancelled")

    # ---- section 6: the clip, the start, the end

    def clip(self, order):
        return self.folder / "clips" / order["sound"]["sha256"]

    def due(self):
        """Give up what is too late; begin what is due; end what has ended."""
        now = self.now()
        for entry in list(self.orders.values()):
            order = entry["order"]
            latest = instant(order["play_at"]) + timedelta(seconds=order["late_limit_s"])
            if entry["state"] in ("received", "ready") and now > latest:
                self.advance(entry, "missed", reason="too_late" if entry["state"] == "ready" else "clip_unavailable")
            if entry["state"] == "received" and order["sound"]["sha256"] not in self.fetching:
                self.fetching[order["sound"]["sha256"]] = True
                urls = (self.configuration or {}).get("media_urls", [])
                threading.Thread(target=self.fetch, args=(order["sound"], urls, self.clip(order)), daemon=True).start()
        ready = [e for e in self.orders.values() if e["state"] == "ready" and instant(e["order"]["play_at"]) <= now]
        best = min(ready, key=lambda e: (-RANK[e["order"]["priority"]], instant(e["order"]["play_at"])), default=None)
        if self.playing:
            if self.playing["process"].poll() is not None:
                self.end(None)
            elif best and RANK[best["order"]["priority"]] > RANK[self.playing["entry"]["order"]["priority"]]:
                self.end("preempted")
        if best and not self.playing:
            self.begin(best)

    def begin(self, entry):
        order = entry["order"]
        if hashlib.sha256(self.clip(order).read_bytes()).hexdigest() != order["sound"]["sha256"]:
            self.clip(order).unlink()
            return self.advance(entry, "received")
        self.advance(entry, "starting")  # on disk before the first sample
        words = self.player.format(
            clip=shlex.quote(str(self.clip(order))), seconds=order["sound"]["duration_ms"] / 1000
        )
        at, began = self.now(), time.monotonic()
        process = subprocess.Popen(shlex.split(words))
        late = max(0.0, (at - instant(order["play_at"])).total_seconds() * 1000)
        self.playing = {"entry": entry, "process": process, "began": began, "late_ms": late}
        return self.advance(entry, "started", evidence={"late_ms": late})

    def end(self, reason):
        playing, self.playing = self.playing, None
        played = int((time.monotonic() - playing["began"]) * 1000)
        playing["process"].terminate()
        code, sound = playing["process"].wait(), playing["entry"]["order"]["sound"]
        expected = sound["duration_ms"]
        evidence = {"clip_sha256": sound["sha256"], "played_ms": min(played, expected), "expected_ms": expected,
                    "late_ms": playing["late_ms"], "sink": shlex.split(self.player)[0]}  # fmt: skip
        if reason is None and code != 0:
            self.advance(playing["entry"], "failed", reason="sink_failed", evidence=evidence)
        else:
            whole = played >= 0.98 * expected
            self.advance(
                playing["entry"],
                "finished" if whole else "interrupted",
                reason=None if whole else reason,
                evidence=evidence,
            )

    def fetch(self, sound, urls, path):
        """On a thread of its own, as often as it takes; the last word goes to the main thread."""
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sound["sha256"]:
            return self.events.put(("clip", sound["sha256"], "ready"))  # another order has brought it
        part, wait = path.with_suffix(f".{uuid.uuid4().hex[:6]}"), 1.0
        while not self.stopping:
            mismatches = 0
            for url in urls:
                try:
                    self.download(f"{url}/{sound['sha256']}", part, sound["size"])
                except OSError:  # urllib's errors are OSErrors; what came so far is gone on with
                    continue
                if (
                    part.stat().st_size == sound["size"]
                    and hashlib.sha256(part.read_bytes()).hexdigest() == sound["sha256"]
                ):
                    part.replace(path)
                    return self.events.put(("clip", sound["sha256"], "ready"))
                part.unlink()
                mismatches += 1
            if mismatches == len(urls) > 0:
                return self.events.put(("clip", sound["sha256"], "refused"))
            time.sleep(wait * random.uniform(0.5, 1.5))
            wait = min(wait * 2, 60)
        return None

    def download(self, url, part, size):
        have = part.stat().st_size if part.exists() else 0
        request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
        try:
            answer = urllib.request.urlopen(request, timeout=20)
        except urllib.error.HTTPError as error:
            if error.code == 416:
                part.unlink()
            raise
        with answer, part.open("ab") as file:
            if answer.status != 206:
                file.truncate(0)
                have = 0
            while have <= size and (piece := answer.read1(65536)):
                file.write(piece[: size + 1 - have])
                have += len(piece)
            file.flush()
            os.fsync(file.fileno())
        if have < size:
            raise OSError("the line broke")

    def fetched(self, digest, state):
        self.fetching.pop(digest, None)
        for entry in self.orders.values():
            if entry["state"] == "received" and entry["order"]["sound"]["sha256"] == digest:
                self.advance(entry, state, reason="clip_mismatch" if state == "refused" else None)

    # ---- section 4: the connection

    def network(self):
        """On a thread of its own: connect, with a last will for each session, and wait between the attempts."""
        wait = 0.5
        while not self.stopping:
            self.session = (uuid.uuid4().hex, rfc3339(self.now()))
            will = {"v": 1, "station": self.station, "receiver": self.me} | self.presence("offline")
            self.client.will_set(f"{self.mine}/presence", self.sign("presence+jws", will), 1, True)
            try:
                self.client.connect(self.broker["host"], self.broker["port"], keepalive=30)
                before = self.connection
                self.client.loop_forever()
                wait = 0.5 if self.connection > before else wait
            except OSError:
                pass
            time.sleep(wait * random.uniform(0.5, 1.5))
            wait = min(wait * 2, 60)

    def on_connect(self, _client, _data, _flags, code, _properties):
        if not code.is_failure:
            self.connection += 1
            self.events.put(("connected", self.connection))

    def on_message(self, _client, _data, message):
        self.events.put(("message", message.topic, message.payload, message.mid, self.connection))

    def run(self):
        self.client = Client(CallbackAPIVersion.VERSION2, self.me, clean_session=False, protocol=MQTTv311,
                             manual_ack=True, reconnect_on_failure=False)  # fmt: skip
        self.client.username_pw_set(self.me, self.broker["secret"])
        if self.broker.get("tls"):
            self.client.tls_set(ca_certs=self.broker.get("ca_file"))
        self.client.on_connect, self.client.on_message = self.on_connect, self.on_message
        self.client.on_disconnect = lambda *_: self.events.put(("broken",))
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stopping", True))
        threading.Thread(target=self.network, daemon=True).start()
        while not self.stopping:
            try:
                what, *more = self.events.get(timeout=0.005)
                if what == "message":
                    self.handle(*more[:2])
                    if more[3] == self.connection:  # a number of an older connection may mean another message by now
                        self.client.ack(more[2], 1)
                elif what == "connected":
                    self.connected, self.health_at = True, 0.0
                    self.sent.clear()
                    self.subscribe()
                    self.publish("presence", "presence+jws", self.presence("online"), retain=True)
                elif what == "clip":
                    self.fetched(*more)
                else:
                    self.connected = False
            except queue.Empty:
                pass
            self.due()
            if self.connected:
                self.send()
                if time.monotonic() >= self.health_at:
                    self.health()
        if self.playing:
            self.end("restarted")
        if self.connected:
            self.send()
            self.publish("presence", "presence+jws", self.presence("offline"), retain=True).wait_for_publish(5)
        self.client.disconnect()


def initialise(folder):
    """The key, for its owner only; the public half on standard output."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = Ed25519PrivateKey.generate()
    public = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": b64(key.public_key().public_bytes_raw()),
        "kid": f"r-{uuid.uuid4().hex}",
    }
    with os.fdopen(os.open(folder / "key.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(public | {"d": b64(key.private_bytes_raw())}, file)
    print(json.dumps(public))  # noqa: T201


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--initialise", action="store_true")
    arguments.add_argument("--player", default="mpg123 -q {clip}")
    given = arguments.parse_args()
    sys.exit(initialise(given.folder) if given.initialise else Receiver(given.folder, given.player).run())
