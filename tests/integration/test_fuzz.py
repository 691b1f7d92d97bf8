"""Whatever is sent to any route: no fault of the server, and every answer has the form that the OpenAPI document promises."""

import time
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response as Seen
from schemathesis.specs.openapi import checks as openapi

from api.app import create_app
from api.permissions import permissions
from broadcaster.people import Role
from tests.integration.permission_world import World

EXAMPLES = 3  # of each operation: with a hundred and twenty of these some twenty seconds
BUDGET_S = 120.0
SLOW = ("/now/events",)  # it is a stream, and ends when the station stops
SIGNED = {(row.method, row.path) for row in permissions() if row.rights == ("device",)}
"""What devices send is a signed document: the suites of the protocol send them what is none."""
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.quiet,
)


def _person(method: str, path: str) -> str:
    """Somebody who may do it everywhere, so that what is sent is looked at."""
    row = next(row for row in permissions() if (row.method, row.path) == (method, path))
    return f"{next(role for role in reversed(Role) if row.allows(role))}-station"


def test_no_request_is_a_fault_of_the_server(world: World) -> None:
    schema = schemathesis.openapi.from_dict(create_app(None).openapi())
    wrong: dict[str, str] = {}
    tried, begun = 0, time.monotonic()
    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in operations:
        method, path = operation.method.upper(), operation.path
        if path.endswith(SLOW) or (method, path) in SIGNED:
            continue
        person = _person(method, path)

        @hypothesis.given(case=operation.as_strategy(), known=hypothesis.strategies.booleans())
        @SETTINGS
        def attempt(case: Any, known: bool) -> None:
            nonlocal tried
            if known:  # of something that is there, so that the rest of the request is looked at
                for name in case.path_parameters or {}:
                    case.path_parameters[name] = world.ids["a"].get(name, case.path_parameters[name])
            sent = case.as_transport_kwargs(base_url="http://testserver")
            headers = {
                name: value
                for name, value in dict(sent.get("headers") or {}).items()
                if name.lower() in ("idempotency-key", "if-match", "content-type")
            }
            answer = world.runner.run(
                world.send(
                    person, method, sent["url"],  # noqa: B023
                    params=sent.get("params"), json=sent.get("json"), content=sent.get("data"), headers=headers,
                )
            )  # fmt: skip
            tried += 1
            where = f"{method} {path}"  # noqa: B023
            if answer.status_code >= 500:
                wrong[where] = f"{answer.status_code} to {sent}: {answer.text[:300]}"
                return
            try:
                case.validate_response(Seen.from_any(answer), checks=CHECKS)
            except FailureGroup as error:
                wrong[where] = f"{answer.status_code} to {sent}: {error}"[:900]

        attempt()
        if method != "GET":
            world.restore()
        if time.monotonic() - begun > BUDGET_S:
            break
    assert not wrong, "\n\n".join(f"{where}: {what}" for where, what in wrong.items())
    assert tried > 2 * len(operations)


CHECKS = (
    not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
)
