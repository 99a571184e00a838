"""The command line. Each command loads what it needs when it runs, so that `--help` stays quick."""

from __future__ import annotations

import click

from casebridge.cli.backfill import backfill
from casebridge.cli.capabilities import capabilities
from casebridge.cli.case import case
from casebridge.cli.completion import completion
from casebridge.cli.connector import connector
from casebridge.cli.db import db
from casebridge.cli.demo import demo
from casebridge.cli.doctor import doctor
from casebridge.cli.event import event
from casebridge.cli.flag import flag
from casebridge.cli.interrupts import Program
from casebridge.cli.keys import key, tenant
from casebridge.cli.master_keys import keys
from casebridge.cli.new_plugin import new_plugin
from casebridge.cli.plugins import plugins
from casebridge.cli.reconcile import reconcile
from casebridge.cli.serve import serve
from casebridge.cli.tickets import force_sync, push, replay, resync
from casebridge.cli.token import token
from casebridge.cli.unmapped import unmapped
from casebridge.cli.worker import worker


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="casebridge")
def main() -> None:
    """Casebridge: a security case is the record, its tickets are projections of it.

    Exit codes of every command: 0 done, 1 failed, 2 called wrongly, 130 ended by Ctrl-C.
    """


main.add_command(serve)
main.add_command(worker)
main.add_command(demo)
main.add_command(doctor)
main.add_command(completion)
main.add_command(plugins)
main.add_command(capabilities)
main.add_command(db)
main.add_command(new_plugin)
main.add_command(reconcile)
main.add_command(key)
main.add_command(keys)
main.add_command(tenant)
for command in (connector, unmapped, case, push, resync, replay, force_sync, backfill):
    main.add_command(command)
for command in (token, event, flag):
    main.add_command(command)
