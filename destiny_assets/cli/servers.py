"""``destiny up | down | status | dev``."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from destiny_assets.cli.output import AsJson, print_json, print_table, say
from destiny_assets.errors import ServerError
from destiny_assets.settings import URL_VARIABLES, home_folder, load_settings, without_secrets

_STOP_SECONDS = 10.0
_OPEN = (
    "This UI has no login: every account of this machine can start and change runs with it. "
    "Where others have accounts, leave it to: destiny serve (the same UI at /dagster, behind keys)"
)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (up, down, status, dev):
        app.command()(command)


def up(as_json: AsJson = False) -> None:
    """Start the local servers (PostgreSQL, vectors, graph); harmless when they run."""
    from destiny_assets.local import supervisor

    home = home_folder()
    urls = supervisor.start(home, report=lambda line: print(line, file=sys.stderr))
    shown = {name: without_secrets(urls[name]) for name in URL_VARIABLES}
    if as_json:
        print_json({"home": str(home), "urls": shown})
        return
    print_table(f"Local servers of {home}", ("variable", "address"), list(shown.items()))
    say(f"Credentials are in {home / 'connections.json'}; destiny reads them from there.")


def down(as_json: AsJson = False) -> None:
    """Stop the local servers that `up` started, and nothing else."""
    from destiny_assets.local import supervisor

    stopped = supervisor.stop(home_folder())
    if as_json:
        print_json({"stopped": stopped})
    else:
        say(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")


def status(as_json: AsJson = False) -> None:
    """Show the local servers: running or not, where, and their logs."""
    from destiny_assets.local import supervisor

    found = supervisor.status(home_folder())
    if as_json:
        print_json({"home": str(home_folder()), "servers": found})
    else:
        print_table(
            f"Local servers of {home_folder()}",
            ("server", "state", "pid", "address", "log", "detail"),
            [(s.name, s.state, str(s.pid or ""), s.address, str(s.log), s.detail) for s in found],
        )
    if any(server.state != "running" for server in found):
        raise typer.Exit(1)


def dev(port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000) -> None:
    """Start the local servers, the Dagster UI and its daemon in this terminal; Ctrl-C ends the last two.

    The UI has no login: every account of this machine can start and change runs with it. destiny serve shows it behind keys.
    """
    from destiny_assets.runner import dagster_environment, dagster_instance

    if not all(os.environ.get(name) for name in URL_VARIABLES):
        from destiny_assets.local import supervisor

        supervisor.start(home_folder(), report=lambda line: print(line, file=sys.stderr))
    settings = load_settings()
    with dagster_instance(settings):
        pass
    checkout = Path(__file__).parents[2]
    if not (checkout / "workspace.yaml").is_file():
        raise ServerError(
            "destiny dev needs a checkout: jobs, sensors and workspace.yaml are not part of the installed package."
        )
    say(f"Dagster UI: http://127.0.0.1:{port} (Ctrl-C stops it; destiny down stops the servers)")
    say(_OPEN)
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    raise typer.Exit(_run_to_its_end(command, checkout, {**os.environ, **dagster_environment(settings)}))


def _run_to_its_end(command: list[str], folder: Path, environment: dict[str, str]) -> int:
    """Run a command until it ends or we are told to stop; then nothing that it started is left."""
    import psutil

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    process = psutil.Popen(command, cwd=folder, env=environment)
    try:
        return int(process.wait())
    except KeyboardInterrupt:
        # Dagster's own process leaves its children behind when it is terminated.
        family = [process, *process.children(recursive=True)]
        for member in family:
            member.terminate()
        _, left = psutil.wait_procs(family, timeout=_STOP_SECONDS)
        for member in left:
            member.kill()
        return 0
