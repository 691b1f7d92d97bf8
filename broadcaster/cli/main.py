"""The commands. Each imports what it needs when it runs: a receiver's machine has no server, and starts fast."""

import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from broadcaster.errors import BroadcasterError, SetupError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Commune broadcasts with proof of play.",
)

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

    set_up_logs()
    settings = load_settings(host=host, port=port, broker_port=broker_port, folder=folder)
    # By name: imports run from api to broadcaster, and the server is the application's (decision 0001).
    import_module("api.server").serve(settings)


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
    output: Annotated[Path, typer.Option("-o", "--output", help="The MP3 file to write.")] = Path("out.mp3"),
    *,
    engine: Annotated[
        list[str] | None, typer.Option("--engine", help="gtts or espeak; several are tried in order.")
    ] = None,
    voice: Annotated[str, typer.Option(help="A voice of the engine: vi, vi-vn-x-central, vi-vn-x-south.")] = "vi",
    rate: Annotated[int, typer.Option(min=80, max=260, help="Words a minute.")] = 150,
    json_output: Json = False,
) -> None:
    """Speak a text as a mastered clip."""
    from broadcaster.cli.speech import say_text  # noqa: PLC0415

    say_text(_read(file), output, engines=engine, voice=voice, rate=rate, json_output=json_output)


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
    sink: Annotated[str, typer.Option("--sink", help="wav: write what is played to files; none: a screen.")] = "wav",
    page_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of a screen's page on localhost.")
    ] = None,
) -> None:
    """Run a receiver: a loudspeaker cluster or an LED screen, as its provision says."""
    from broadcaster.cli.device import initialise_receiver, run  # noqa: PLC0415

    if initialise:
        initialise_receiver(folder)
    else:
        raise typer.Exit(run(folder, sink=sink, page_port=page_port))


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
def reference(
    *, check: Annotated[bool, typer.Option("--check", help="Only say whether the files are current.")] = False
) -> None:
    """Write docs/reference/openapi.json and settings.md from the code, or check that they are current."""
    from broadcaster.settings import settings_reference  # noqa: PLC0415

    folder = Path("docs/reference")
    made = {
        folder / "openapi.json": str(import_module("api.server").openapi_text()),
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
            raise SetupError(f"Không đọc được tệp: {error}", str(error)) from error
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
