"""The command `golem-nb`: serve | demo | doctor."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from golem_nb import __version__
from golem_nb.errors import BadInput, GolemError
from golem_nb.model import MEMORY_LIMIT_MIB, TIME_LIMIT_S


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status. A user's mistake is one line on stderr and status 2."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except GolemError as error:
        print(f"golem-nb: {error}", file=sys.stderr)
        return 2
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="golem-nb", description="Durable workers: engine, server and demonstration.")
    parser.add_argument("--version", action="version", version=f"golem_nb {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the engine and serve its API")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=int, default=9881, help="port to listen on; 0 = any free one (9881)")
    serve.add_argument("--data-dir", type=Path, metavar="DIR", help="folder of the engine (the user's data folder)")
    serve.add_argument("--token", action="append", default=[], help="bearer token that requests need; repeatable")
    serve.add_argument("--token-file", type=Path, metavar="FILE", help="file with one token on each line")
    serve.add_argument(
        "--durability",
        choices=["power", "process"],
        default="power",
        help="what an answered call survives: a power cut, or only the end of the process (power)",
    )
    serve.add_argument(
        "--allowed-host", action="append", default=[], metavar="NAME", help="host name to answer to; repeatable"
    )
    serve.add_argument(
        "--idle-exit", type=float, default=0, metavar="MINUTES", help="end after so long without work; 0 = never (0)"
    )
    serve.add_argument("--max-loaded", type=int, default=2000, metavar="N", help="idle workers kept in memory (2000)")
    _add_limits(serve.add_argument_group("how much is taken at once, and how slowly"))
    _add_network(serve.add_argument_group("what components may reach"))
    _add_usage(serve.add_argument_group("what components may use"))
    serve.set_defaults(run=_serve)

    demo = commands.add_parser("demo", help="deploy, invoke, kill -9, recover: the main job, checked step by step")
    demo.add_argument("--json", action="store_true", help="print the figures as JSON only")
    demo.set_defaults(run=_demo)

    doctor = commands.add_parser("doctor", help="check what golem_nb needs of this machine")
    doctor.add_argument(
        "--build",
        action="store_true",
        help="also have the runtimes of workers in Python and JavaScript ready: a minute, once",
    )
    doctor.set_defaults(run=_doctor)
    return parser


def _add_limits(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--max-body", type=int, default=8, metavar="MIB", help="size of a JSON body (8)")
    group.add_argument(
        "--max-upload", type=int, default=256, metavar="MIB", help="size of an uploaded component or worker (256)"
    )
    group.add_argument("--max-requests", type=int, default=4096, metavar="N", help="requests in flight (4096)")
    group.add_argument("--max-sockets", type=int, default=4096, metavar="N", help="open WebSockets (4096)")
    group.add_argument(
        "--max-connections", type=int, default=16384, metavar="N", help="open connections of all kinds (16384)"
    )
    group.add_argument(
        "--head-timeout", type=float, default=15, metavar="SECONDS", help="for the head of a request to arrive (15)"
    )
    group.add_argument(
        "--silence-timeout",
        type=float,
        default=30,
        metavar="SECONDS",
        help="for a body to go on, and for an answer to be taken (30)",
    )
    group.add_argument(
        "--keep-alive", type=float, default=75, metavar="SECONDS", help="between the requests of a connection (75)"
    )


def _add_network(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--no-network", action="store_true", help="nothing: no HTTP, no sockets, no lookup of names")
    group.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST",
        help="only this: example.org, *.example.org, an address or 10.0.0.0/8, any of them with :PORT; repeatable",
    )
    group.add_argument(
        "--deny-private",
        action="store_true",
        help="no loopback, private, link-local or cloud-internal address, unless --allow-host names it by number",
    )
    group.add_argument(
        "--allow-listen", action="store_true", help="let them listen on addresses that other machines reach, too"
    )


def _add_usage(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--memory-limit",
        type=int,
        default=MEMORY_LIMIT_MIB,
        metavar="MIB",
        help=f"memory of one worker; 0 = no limit ({MEMORY_LIMIT_MIB})",
    )
    group.add_argument(
        "--time-limit",
        type=float,
        default=TIME_LIMIT_S,
        metavar="SECONDS",
        help=f"what one invocation runs, without what it waits for; 0 = no limit ({TIME_LIMIT_S})",
    )


def _serve(options: argparse.Namespace) -> int:
    from golem_nb.client.connect import default_folder
    from golem_nb.server.limits import Limits
    from golem_nb.server.run import ServeOptions, serve, settings

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log each request of a worker, with its address
    serve(
        ServeOptions(
            folder=(options.data_dir or default_folder()).expanduser(),
            host=options.host,
            port=options.port,
            tokens=_tokens(options),
            allowed_hosts=tuple(options.allowed_host),
            idle_exit_minutes=options.idle_exit,
            limits=Limits(
                json_bytes=options.max_body << 20,
                upload_bytes=options.max_upload << 20,
                requests=options.max_requests,
                sockets=options.max_sockets,
                connections=options.max_connections,
                head_s=options.head_timeout,
                silence_s=options.silence_timeout,
                keep_alive_s=options.keep_alive,
            ),
            settings=settings(
                options.durability,
                options.max_loaded,
                options.memory_limit,
                options.time_limit,
                no_network=options.no_network,
                allow_host=options.allow_host,
                deny_private=options.deny_private,
                allow_listen=options.allow_listen,
            ),
        )
    )
    return 0


def _tokens(options: argparse.Namespace) -> tuple[str, ...]:
    tokens = list(options.token)
    if options.token_file is not None:
        try:
            tokens += options.token_file.read_text().split()
        except OSError as error:
            raise BadInput(f"the token file {options.token_file} cannot be read: {error.strerror}") from None
    if any(not token or token != token.strip() for token in tokens):
        raise BadInput("a token must not be empty, and has no blanks around it")
    return tuple(tokens)


def _demo(options: argparse.Namespace) -> int:
    from golem_nb.demo import run_demo

    report = run_demo(quiet=options.json)
    if options.json:
        print(json.dumps(report.figures()))
    return 0 if report.is_right else 1


def _doctor(options: argparse.Namespace) -> int:
    from golem_nb.server.doctor import examine, examined_javascript, examined_runtime

    findings = examine()
    if options.build:
        findings.append(examined_runtime(lambda text: print(f"...  Python workers: {text}", flush=True)))
        findings.append(examined_javascript(lambda text: print(f"...  JavaScript workers: {text}", flush=True)))
    for finding in findings:
        print(f"{'ok  ' if finding.is_good else 'BAD '} {finding.what}: {finding.found}")
    return 0 if all(finding.is_good for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
