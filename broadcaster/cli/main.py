"""The commands. Each imports what it needs when it runs: a receiver's machine has no server, and starts fast."""

import gc
import platform
import sys
from datetime import datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer

from broadcaster.errors import BroadcasterError, SetupError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Commune broadcasts with proof of play.",
)
ledger_app = typer.Typer(no_args_is_help=True, help="The as-run log and its proof.")
app.add_typer(ledger_app, name="ledger")

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Folder = Annotated[
    Path | None, typer.Option("--folder", help="The station's folder (default: setting `folder`, else ./var).")
]
TextFile = Annotated[
    Path | None,
    typer.Argument(help="A .txt, .md, .docx or .pdf file; standard input if absent.", exists=True, dir_okay=False),
]


@app.callback(invoke_without_command=True)
def _root(*, show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if show_version:
        typer.echo(version("commune-broadcaster"))
        raise typer.Exit


def all_is_loaded() -> None:
    """From now on look for garbage, seldom, and not in what there is: by Python's own measure a batch of receipts is looked through again and again."""
    gc.freeze()
    gc.set_threshold(20_000)
    gc.enable()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="HTTP port.")] = None,
    broker_port: Annotated[int | None, typer.Option(min=1, max=65535, help="MQTT port.")] = None,
    folder: Folder = None,
) -> None:
    """Run the station: HTTP server, planning, dispatch, speech and the embedded broker."""
    from broadcaster.cli.logs import set_up_logs  # noqa: PLC0415
    from broadcaster.settings import load_settings  # noqa: PLC0415
    from broadcaster.tracing import with_trace  # noqa: PLC0415

    set_up_logs(with_trace)
    settings = load_settings(host=host, port=port, broker_port=broker_port, folder=folder)
    # By name: imports run from api to broadcaster, and the server is the application's (decision 0001).
    gc.disable()  # nothing of what is imported is ever garbage: looking for some takes a quarter of the start
    server = import_module("api.server")
    all_is_loaded()
    server.serve(settings)


@app.command()
def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Air one bulletin on free ports in a temporary folder, then stop.")
    ] = False,
    json_output: Json = False,
    bulletin: Annotated[
        Path | None,
        typer.Option("--bulletin", help="A text file: its first line is the title.", exists=True, dir_okay=False),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="HTTP port (not with --once).")] = 8000,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Keep everything here instead of ./var or a temporary folder.")
    ] = None,
) -> None:
    """Start a demo commune with two loudspeakers and an LED screen, and air a bulletin."""
    from broadcaster.demo.run import run_demo, run_once  # noqa: PLC0415

    if once:
        raise typer.Exit(run_once(bulletin=bulletin, folder=folder, json_output=json_output))
    if json_output:
        raise typer.BadParameter("--json goes with --once")
    raise typer.Exit(run_demo(folder=folder or Path("var"), port=port, bulletin=bulletin))


@app.command()
def say(
    file: TextFile = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The file to write: .mp3, .opus, .ogg (Opus) or .wav.")
    ] = Path("out.mp3"),
    *,
    engine: Annotated[
        list[str] | None, typer.Option("--engine", help="gtts, espeak or piper; several are tried in order.")
    ] = None,
    piper_voice: Annotated[
        Path | None, typer.Option("--piper-voice", help="The .onnx voice file of the engine piper.")
    ] = None,
    voice: Annotated[
        str | None,
        typer.Option(help="A voice of the engine, such as vi-vn-x-south or vi+f2; needed for other languages."),
    ] = None,
    language: Annotated[
        str, typer.Option(help="The text's language, a BCP 47 tag; only Vietnamese is read as a script.")
    ] = "vi",
    rate: Annotated[int, typer.Option(min=80, max=260, help="Words a minute.")] = 150,
    pitch: Annotated[int, typer.Option(min=0, max=100, help="50 is the voice's own.")] = 50,
    equaliser: Annotated[
        Literal["none", "horn"], typer.Option(help="horn: shaped for reflex horns out of doors.")
    ] = "none",
    json_output: Json = False,
) -> None:
    """Speak a text as a mastered clip."""
    from broadcaster.cli.speech import say_text  # noqa: PLC0415

    say_text(
        _read(file),
        output,
        engines=engine,
        piper_voice=piper_voice,
        language=language,
        voice=voice,
        rate=rate,
        pitch=pitch,
        equaliser=equaliser,
        json_output=json_output,
    )


@app.command()
def check(file: TextFile = None, *, json_output: Json = False) -> None:
    """Look a text over as an editor would: citations, dates, what is not for reading. Exit code 1 if there is an error in it."""
    from broadcaster.cli.speech import check_text  # noqa: PLC0415

    raise typer.Exit(check_text(_read(file), json_output=json_output))


@app.command()
def script(
    file: TextFile = None,
    *,
    plain: Annotated[bool, typer.Option("--plain", help="One line out for each line in: its spoken form.")] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Tokens with their source spans, classes and readings.")
    ] = False,
) -> None:
    """Show how a text will be read."""
    from broadcaster.cli.speech import show_script  # noqa: PLC0415

    if plain == json_output:
        raise typer.BadParameter("give either --plain or --json")
    show_script(_read(file), json_output=json_output)


@app.command()
def receiver(
    folder: Annotated[Path, typer.Option("--folder", help="The receiver's own folder: key, journal, cache.")],
    *,
    initialise: Annotated[
        bool, typer.Option("--initialise", help="Make the receiver's key, print its public half, and stop.")
    ] = False,
    renew: Annotated[
        bool, typer.Option("--renew", help="Have the station change this receiver's secret at the broker, and stop.")
    ] = False,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="With --renew: change the receiver's own key too.")
    ] = False,
    enrol: Annotated[
        str | None,
        typer.Option(
            "--enrol", help="The station's address: without a provision, show a code until an operator accepts it."
        ),
    ] = None,
    kind: Annotated[str, typer.Option("--kind", help="With --enrol: loudspeaker or screen.")] = "loudspeaker",
    name: Annotated[str | None, typer.Option("--name", help="With --enrol: what to propose as its name.")] = None,
    sink: Annotated[
        str, typer.Option("--sink", help="soundcard; wav: write what is played to files; none: a screen.")
    ] = "wav",
    page_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of a screen's page on localhost.")
    ] = None,
    amplifier_command: Annotated[
        str | None, typer.Option(help="Command that switches the amplifier; 'on' or 'off' is added to it.")
    ] = None,
    amplifier_file: Annotated[
        Path | None, typer.Option(help="File that switches the amplifier by 1 and 0, such as a GPIO line's value.")
    ] = None,
) -> None:
    """Run a receiver: a loudspeaker cluster or an LED screen, as its provision says."""
    from broadcaster.cli.device import enrol as enrol_device  # noqa: PLC0415
    from broadcaster.cli.device import initialise_receiver, run  # noqa: PLC0415
    from broadcaster.cli.device import renew as renew_device  # noqa: PLC0415

    if initialise:
        initialise_receiver(folder)
        return
    if renew:
        renew_device(folder, new_key=new_key)
        return
    if kind not in ("loudspeaker", "screen"):
        raise typer.BadParameter("--kind is loudspeaker or screen")
    wanted: Literal["loudspeaker", "screen"] = "screen" if kind == "screen" else "loudspeaker"
    amplifier = (amplifier_command, amplifier_file)
    while True:
        if enrol is not None and not (folder / "provision.json").exists():
            name = name or platform.node() or kind
            if not enrol_device(folder, enrol, kind=wanted, name=name, page_port=page_port):
                return
        code = run(folder, sink=sink, page_port=page_port, amplifier=amplifier)
        if code or enrol is None or (folder / "provision.json").exists():
            raise typer.Exit(code)  # else it was wiped, and may be enrolled anew


@app.command()
def conform(
    *,
    receiver: Annotated[
        str | None,
        typer.Option("--receiver", help="The command that runs the receiver; {folder} stands for its folder."),
    ] = None,
    enrolment: Annotated[
        str | None,
        typer.Option("--enrol", help="A command that makes the receiver's key and prints the public half (JWK)."),
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option("--key", help="A file with the receiver's public key (JWK).", exists=True, dir_okay=False),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Where provision.json is written (default: a temporary folder)."),
    ] = None,
    kind: Annotated[str, typer.Option("--kind", help="loudspeaker or screen.")] = "loudspeaker",
    host: Annotated[str, typer.Option(help="This machine's address, as the receiver reaches it.")] = "127.0.0.1",
    only: Annotated[list[str] | None, typer.Option("--only", help="A point, or a group such as refuse.")] = None,
    patience: Annotated[
        float, typer.Option(min=1, max=120, help="Seconds to wait for what should come at once.")
    ] = 5.0,
    wait: Annotated[float, typer.Option(min=1, max=3600, help="Seconds to wait for the first connection.")] = 30.0,
    json_output: Json = False,
) -> None:
    """Try anybody's receiver against the protocol, point by point. Exit code 1 if a required point did not pass."""
    from broadcaster.cli.conform import run_kit  # noqa: PLC0415

    if kind not in ("loudspeaker", "screen"):
        raise typer.BadParameter("--kind is loudspeaker or screen")
    raise typer.Exit(
        run_kit(
            receiver=receiver,
            enrolment=enrolment,
            public_key=public_key,
            folder=folder,
            kind="screen" if kind == "screen" else "loudspeaker",
            host=host,
            only=only or [],
            patience_s=patience,
            connect_within_s=wait,
            json_output=json_output,
        )
    )


@app.command()
def fleet(
    *,
    receivers: Annotated[int, typer.Option("--receivers", min=1, max=20_000, help="How many.")] = 100,
    airings: Annotated[int, typer.Option(min=1, max=100, help="How many orders, one after another.")] = 1,
    seconds: Annotated[float, typer.Option(min=0.1, max=600, help="Of each airing.")] = 2.0,
    late_limit: Annotated[int, typer.Option(min=0, max=3600, help="Seconds; later an order is missed.")] = 30,
    offline: Annotated[float, typer.Option(min=0, max=1, help="Share that loses the line for a time.")] = 0.0,
    offline_s: Annotated[tuple[float, float], typer.Option(help="For how long, from and to.")] = (2.0, 10.0),
    power: Annotated[float, typer.Option(min=0, max=1, help="Share that loses its power for a time.")] = 0.0,
    power_s: Annotated[tuple[float, float], typer.Option(help="For how long, from and to.")] = (2.0, 6.0),
    slow: Annotated[float, typer.Option(min=0, max=1, help="Share with a thin line.")] = 0.0,
    full: Annotated[float, typer.Option(min=0, max=1, help="Share without room for clips.")] = 0.0,
    skew: Annotated[float, typer.Option(min=0, max=60, help="Seconds that clocks are wrong by, at most.")] = 0.0,
    forged: Annotated[int, typer.Option(min=0, max=1000, help="Orders signed by a stranger.")] = 0,
    broker: Annotated[str, typer.Option(help="auto, embedded or mosquitto.")] = "auto",
    seed: Annotated[int, typer.Option(help="The same seed draws the same faults.")] = 1,
    json_output: Json = False,
) -> None:
    """Simulated receivers on a station made for them and gone with them: nothing of it can reach a commune.

    Exit code 1 if an order was lost, played twice, or played though forged.
    """
    from broadcaster.cli.fleet import run_fleet  # noqa: PLC0415
    from devices.fleet.faults import Faults  # noqa: PLC0415
    from devices.fleet.trial import Plan  # noqa: PLC0415

    if broker not in ("auto", "embedded", "mosquitto"):
        raise typer.BadParameter("--broker is auto, embedded or mosquitto")
    faults = Faults(
        offline_share=offline,
        offline_s=offline_s,
        power_share=power,
        power_s=power_s,
        slow_share=slow,
        full_share=full,
        skew_s=skew,
        seed=seed,
    )
    plan = Plan(
        receivers,
        airings=airings,
        seconds=seconds,
        every_s=seconds + 2,
        late_limit_s=late_limit,
        forged=forged,
        faults=faults,
        broker="embedded" if broker == "embedded" else "mosquitto" if broker == "mosquitto" else "auto",
    )
    raise typer.Exit(run_fleet(plan, json_output=json_output))


@app.command()
def welcome(folder: Folder = None) -> None:
    """Print a link by which another administrator of the whole station is made, once, within 24 hours."""
    from broadcaster.settings import load_settings  # noqa: PLC0415
    from broadcaster.station import Core  # noqa: PLC0415

    core = Core(load_settings(folder=folder))
    core.database.migrate()
    typer.echo(f"{core.settings.base_url}{core.welcome.link()}")
    core.close()


@app.command()
def migrate(folder: Folder = None) -> None:
    """Bring the database's schema to this version."""
    from broadcaster.settings import load_settings  # noqa: PLC0415
    from broadcaster.storage.database import Database  # noqa: PLC0415

    settings = load_settings(folder=folder)
    database = Database(settings.database)
    database.migrate()
    database.close()
    typer.echo("The database is up to date.")


@app.command()
def backup(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write; it holds the station's key.")],
    folder: Folder = None,
) -> None:
    """Write database, clips and keys into one file, while the station runs."""
    from broadcaster.backup import back_up  # noqa: PLC0415
    from broadcaster.clock import SystemClock  # noqa: PLC0415
    from broadcaster.settings import load_settings  # noqa: PLC0415

    made = back_up(load_settings(folder=folder), output, now=SystemClock().now())
    typer.echo(f"{output}: {len(made.files)} files of the station '{made.station}'")


@app.command()
def restore(
    archive: Annotated[Path, typer.Argument(help="A file that `backup` wrote.", exists=True, dir_okay=False)],
    folder: Folder = None,
) -> None:
    """Make the station of a backup in an empty folder, and verify its log. Exit code 1 if the log is not right."""
    from broadcaster.backup import restore  # noqa: PLC0415
    from broadcaster.settings import load_settings  # noqa: PLC0415

    made, finding = restore(load_settings(folder=folder), archive)
    typer.echo(f"The station '{made.station}' as of {made.made_at}: {finding.rows} rows of the log")
    for fault in finding.faults:
        typer.echo(f"{fault.table}, row {fault.seq or '?'}: {fault.problem}", err=True)
    raise typer.Exit(0 if finding.ok else 1)


@app.command()
def report(
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write: .docx, .pdf, .xlsx or .json.")],
    *,
    starts_on: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.")],
    ends_on: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.")],
    area: Annotated[str | None, typer.Option("--area", help="The id of an area; it and all that was under it.")] = None,
    campaign: Annotated[str | None, typer.Option("--campaign", help="The id of a campaign.")] = None,
    folder: Folder = None,
) -> None:
    """Write a report from the as-run log, with nothing filled in."""
    from broadcaster.cli.report import write_report  # noqa: PLC0415

    write_report(folder, output, area=area, campaign=campaign, starts_on=starts_on.date(), ends_on=ends_on.date())


@ledger_app.command("verify")
def ledger_verify(
    *,
    since: Annotated[int, typer.Option(min=1, help="The first row to look at.")] = 1,
    archive: Annotated[
        Path | None,
        typer.Option(
            "--archive", help="Verify this archive or export in place of the log.", exists=True, dir_okay=False
        ),
    ] = None,
    json_output: Json = False,
    folder: Folder = None,
) -> None:
    """Say whether the log is what it was when it was written; needs no running station. Exit code 1 if it is not."""
    from broadcaster.cli.ledger import verify_log  # noqa: PLC0415

    raise typer.Exit(verify_log(folder, since=since, archive=archive, json_output=json_output))


@ledger_app.command("archive")
def ledger_archive(
    *,
    months: Annotated[
        int | None, typer.Option("--keep-months", min=1, help="Whole months that stay (default: setting log_months).")
    ] = None,
    folder: Folder = None,
) -> None:
    """Seal whole months that are older, write them with their proof into the station's folder `archive`, and take them out of the log."""
    from broadcaster.cli.ledger import archive_log  # noqa: PLC0415

    archive_log(folder, months=months)


@ledger_app.command("export")
def ledger_export(
    output: Annotated[Path, typer.Option("-o", "--output", help="The JSON Lines file to write.")],
    *,
    since: Annotated[int, typer.Option(min=1, help="The first row to write.")] = 1,
    folder: Folder = None,
) -> None:
    """Write the log with its proof, for somebody who verifies it without this software."""
    from broadcaster.cli.ledger import export_log  # noqa: PLC0415

    export_log(folder, output, since=since)


@app.command()
def reference(
    *, check: Annotated[bool, typer.Option("--check", help="Only say whether the files are current.")] = False
) -> None:
    """Write docs/reference/openapi.json, permissions.md and settings.md from the code, or check that they are current."""
    from broadcaster.settings import settings_reference  # noqa: PLC0415

    folder = Path("docs/reference")
    made = {
        folder / "openapi.json": str(import_module("api.server").openapi_text()),
        folder / "permissions.md": str(import_module("api.permissions").reference_text()),
        folder / "settings.md": settings_reference(),
    }
    for path, text in made.items():
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            raise SetupError(f"{path} đã cũ. Chạy 'make reference'.", f"{path} is out of date. Run 'make reference'.")


def _read(file: Path | None) -> str:
    """The text of a document, or of standard input as it is."""
    from audio.intake import IntakeError, read_document  # noqa: PLC0415

    try:
        data = file.read_bytes() if file else sys.stdin.buffer.read()
    except OSError as error:
        raise SetupError(
            f"Không đọc được {file}: {error.strerror}.", f"{file} cannot be read: {error.strerror}."
        ) from error
    if file is not None and file.suffix.lower() in (".docx", ".pdf"):
        try:
            return read_document(data, file.name).text
        except IntakeError as error:
            raise SetupError(f"Không đọc được tệp: {error.vi}", error.en) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SetupError(
            "Văn bản không phải UTF-8. Lưu lại tệp với bảng mã UTF-8.",
            f"The text is not UTF-8 (byte {error.start}). Save the file as UTF-8.",
        ) from error


def main() -> None:
    """The console script's way in."""
    try:
        app()
    except BroadcasterError as error:
        typer.echo(f"broadcaster: {error.en}", err=True)
        sys.exit(1)
    except ModuleNotFoundError as error:
        # A receiver's machine has no server; a bug of ours must still show where it is.
        if (error.name or "").split(".")[0] in ("api", "audio", "broadcaster", "devices", "schedules"):
            raise
        typer.echo(
            f"broadcaster: this command needs the package '{error.name}': install commune-broadcaster with its extra "
            "'server' (a receiver: 'receiver').",
            err=True,
        )
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output went away; Python would complain at exit
        sys.exit(1)
